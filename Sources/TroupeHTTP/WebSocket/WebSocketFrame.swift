/// What comes out of the bytes of a WebSocket: whole messages and control frames.
package enum WebSocketFrame: Sendable, Equatable {
  case text(String)
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  /// The client closes. The code is nil if it gave none.
  case close(WebSocketCloseCode?, reason: String)
}

/// The client has broken the protocol, and has to be told this code.
package struct WebSocketError: Error, Equatable {
  package let code: WebSocketCloseCode
  package let reason: String

  static func breach(_ reason: String) -> WebSocketError { WebSocketError(code: .protocolError, reason: reason) }
}

/// Why a WebSocket is closed; the numbers of RFC 6455, section 7.4.
public struct WebSocketCloseCode: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
  /// The number, from 1000 to 4999.
  public let rawValue: UInt16
  /// Makes a code from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The number.
  public var description: String { "\(rawValue)" }

  /// The purpose of the socket is fulfilled.
  public static let normal = WebSocketCloseCode(rawValue: 1000)
  /// One side goes away, as a server that is shut down, or a page that is left.
  public static let goingAway = WebSocketCloseCode(rawValue: 1001)
  /// The other side has broken the protocol.
  public static let protocolError = WebSocketCloseCode(rawValue: 1002)
  /// The other side has sent a kind of message that is not taken.
  public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  /// The other side closed without a code. This code never goes over the wire.
  public static let none = WebSocketCloseCode(rawValue: 1005)
  /// The connection ended without the socket being closed. This code never goes over the wire.
  public static let abnormal = WebSocketCloseCode(rawValue: 1006)
  /// A text was no UTF-8.
  public static let invalidText = WebSocketCloseCode(rawValue: 1007)
  /// A message breaks a rule that no other code names.
  public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  /// A message was too long.
  public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  /// The server has failed.
  public static let serverError = WebSocketCloseCode(rawValue: 1011)

  /// Whether a close frame may carry this code.
  package var mayBeSent: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
