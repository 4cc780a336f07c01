internal import CTroupeSockets
internal import Troupe

/// What carries the bytes of a connection: a socket of the system, or something that behaves like one. Calls never
/// wait: a call that would have to returns `Transport.wouldBlock`, and the connection is told when it is ready.
///
/// It is used by one thread at a time.
protocol Transport: AnyObject, Sendable {
  /// Begins to tell the client of what becomes ready. Returns an error of the system as a negative number, or 0.
  func open(_ client: any PollerClient) -> Int32
  /// Reads up to as many bytes as there is room for. Returns their number, 0 at the end of the stream, or an error of
  /// the system as a negative number.
  func read(_ room: UnsafeMutableRawBufferPointer) -> Int
  /// Writes some of the pieces. Returns the number of bytes, or an error of the system as a negative number.
  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int
  /// Ends the sending side.
  func endOutput()
  /// Closes both sides. With `abort` the peer is told of an abort. Nothing may be called after it.
  func close(abort: Bool)
  /// Goes on with the attempt to connect.
  func connect() -> ConnectProgress
  /// Says that it was found not to be ready for `events`.
  func want(_ events: UInt32)
  var local: Endpoint { get }
  /// Whether a read that takes in less than there is room for has taken in everything, so that whatever comes later is
  /// told of. If not, the client reads on until it would have to wait.
  var isEmptiedByShortRead: Bool { get }
  /// Whether something of the transport's own is still to be sent, such as the mark of the end after `endOutput`. The
  /// client is told that it can write when that has changed.
  var hasUnsent: Bool { get }
  /// Whether the transport agrees with the peer on how to go on, before which no byte of the connection's is exchanged.
  var isAgreeing: Bool { get }
  /// Why the transport cannot go on, if that is more than an error of the system.
  var failure: NetworkError? { get }
  /// The protocol above that both sides have agreed on.
  var applicationProtocol: String? { get }
}

extension Transport {
  var isEmptiedByShortRead: Bool { true }
  var hasUnsent: Bool { false }
  var isAgreeing: Bool { false }
  var failure: NetworkError? { nil }
  var applicationProtocol: String? { nil }
}

/// How far an attempt to connect has come.
enum ConnectProgress {
  case done
  /// The client is told when there is news.
  case pending
  case failed(NetworkError)
}

/// The errors of the system that are looked for, as the negative numbers that calls return.
enum SystemError {
  static var wouldBlock: Int { -Int(troupe_error_would_block()) }
  static var interrupted: Int { -Int(troupe_error_interrupted()) }
  static var connectionAborted: Int { -Int(troupe_error_aborted()) }
  static var refused: Int { -Int(troupe_error_refused()) }
  static var inProgress: Int { -Int(troupe_error_in_progress()) }
  static var noSuchFamily: Int { -Int(troupe_error_no_family()) }
}

/// A socket of the system. Sendable because its descriptor changes only when it is closed.
final class SocketTransport: Transport, @unchecked Sendable {
  private var descriptor: Int32
  private let poller: Poller
  private var token: Int64 = -1

  init(_ descriptor: Int32, _ poller: Poller) {
    self.descriptor = descriptor
    self.poller = poller
  }

  deinit { if descriptor >= 0 { close(abort: false) } }

  /// Sets what the options ask of a socket of TCP.
  static func prepare(_ descriptor: Int32, _ options: ConnectionOptions, _ peer: Endpoint) {
    if peer.port == nil { return }
    if options.noDelay { _ = troupe_socket_set_no_delay(descriptor, true) }
    if let idle = options.keepAlive {
      _ = troupe_socket_set_keep_alive(descriptor, Int32(clamping: max(1, idle.components.seconds)))
    }
  }

  func open(_ client: any PollerClient) -> Int32 {
    token = poller.add(descriptor, client)
    return token < 0 ? Int32(token) : 0
  }

  func read(_ room: UnsafeMutableRawBufferPointer) -> Int {
    Int(troupe_socket_read(descriptor, room.baseAddress, room.count))
  }

  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
    withUnsafeTemporaryAllocation(of: troupe_piece.self, capacity: pieces.count) { list in
      for (index, piece) in pieces.enumerated() {
        list.initializeElement(at: index, to: troupe_piece(bytes: piece.baseAddress, count: piece.count))
      }
      return Int(troupe_socket_write(descriptor, list.baseAddress, Int32(list.count)))
    }
  }

  func endOutput() { _ = troupe_socket_shutdown_write(descriptor) }

  func close(abort: Bool) {
    guard descriptor >= 0 else { return }
    if token >= 0 { poller.remove(descriptor, token) }
    token = -1
    _ = abort ? troupe_socket_abort(descriptor) : troupe_socket_close(descriptor)
    descriptor = -1
  }

  func connect() -> ConnectProgress { .done }
  func want(_ events: UInt32) { poller.want(descriptor, events) }

  var local: Endpoint {
    var address = SocketAddress()
    return troupe_socket_local(descriptor, &address.raw) < 0 ? .unix(path: "") : address.endpoint
  }
}
