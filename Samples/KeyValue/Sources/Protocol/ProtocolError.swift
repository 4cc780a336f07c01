/// Why the bytes of a client are no commands. The client is told, and its connection is closed.
enum ProtocolError: Error, Equatable, CustomStringConvertible {
  case invalidMultibulkLength
  case invalidBulkLength
  case expectedDollar(UInt8)
  case unbalancedQuotes
  case lineTooLong
  case commandTooLong

  /// The words that Redis uses, since clients look for them.
  var description: String {
    switch self {
    case .invalidMultibulkLength: "Protocol error: invalid multibulk length"
    case .invalidBulkLength: "Protocol error: invalid bulk length"
    case .expectedDollar(let byte): "Protocol error: expected '$', got '\(Character(UnicodeScalar(byte)))'"
    case .unbalancedQuotes: "Protocol error: unbalanced quotes in request"
    case .lineTooLong: "Protocol error: too big inline request"
    case .commandTooLong: "Protocol error: too big request"
    }
  }
}
