internal import CTroupeSockets
internal import Synchronization
public import Troupe
internal import TroupeChannels

/// A UDP socket, which sends and receives single messages without a connection. It belongs to an actor.
///
/// ```swift
/// socket = try context.bind(udp: .port(5353)) { .datagram($0) }
/// socket.send(Array("hello".utf8), to: .loopback(5354))
/// ```
/// Datagrams may be lost, doubled, or come in another order. They come in as messages of the actor, and no
/// faster than it handles them: what the system's own buffer cannot hold meanwhile is lost. This is a handle,
/// which may be copied and used on any thread. The socket is closed when the actor ends or is restarted.
public struct Datagrams: Sendable {
  /// A datagram that has come.
  public struct Datagram: Sendable {
    /// What it contains.
    public let bytes: [UInt8]
    /// Who has sent it.
    public let sender: Endpoint
  }

  @usableFromInline let core: DatagramCore
  @usableFromInline init(core: DatagramCore) { self.core = core }

  /// Where the socket can be reached, with the port that it really has.
  public var endpoint: Endpoint { core.endpoint }

  /// Sends a datagram, and never waits. The endpoint must be an address and not a name. Returns false if the system has
  /// no room for it now, and the datagram is lost, as it may be anywhere on its way.
  ///
  /// - Throws: A `NetworkError` if it cannot be sent, for instance because it is too long (about 65,500 bytes).
  @discardableResult public func send(_ bytes: [UInt8], to endpoint: Endpoint) throws(NetworkError) -> Bool {
    try core.send(bytes, to: endpoint)
  }

  /// Closes the socket. No further datagram comes in.
  public func close() { core.close() }
}

extension Context where Message: ~Copyable {
  /// Opens a UDP socket, whose datagrams come to this actor as messages. With port 0 the system chooses one.
  ///
  /// - Throws: A `NetworkError` if the endpoint cannot be used. A simulated system has no datagrams.
  @inlinable public func bind(
    udp endpoint: Endpoint, as message: @escaping @Sendable (Datagrams.Datagram) -> Message
  ) throws(NetworkError) -> Datagrams {
    let core = try beginDatagrams(endpoint)
    let actor = address
    let envelope = SourceEnvelope<Message>(core) { next in
      guard let datagram = core.next() else { return core.isLate ? .later : .nothing }
      next = message(datagram)
      return .message
    }
    try core.attach { actor.post(envelope) }
    actor.attach(envelope)
    return Datagrams(core: core)
  }

  @usableFromInline func beginDatagrams(_ endpoint: Endpoint) throws(NetworkError) -> DatagramCore {
    guard let poller = system.poller else {
      throw NetworkError(.open, endpoint, reason: "this system has no sockets for datagrams")
    }
    return try DatagramCore(endpoint, poller)
  }
}

/// The state of one UDP socket.
///
/// Sendable because what changes is under the lock, or is touched only in the actor's turn.
@usableFromInline final class DatagramCore: PollerClient, MessageSource, @unchecked Sendable {
  let endpoint: Endpoint
  private let poller: Poller
  private let signals = Atomic<UInt32>(Signals.posted)
  private let lock = FutexLock()
  private var descriptor: Int32
  private var token: Int64 = -1
  private var post: (@Sendable () -> Void)?
  /// Only the actor's turn touches these.
  private var left = DatagramCore.atOnce
  @usableFromInline private(set) var isLate = false

  private static let atOnce = 64
  private static let longest = 65536

  init(_ endpoint: Endpoint, _ poller: Poller) throws(NetworkError) {
    guard var address = SocketAddress(endpoint), endpoint.port != nil else {
      throw NetworkError(.bind, endpoint, reason: "datagrams need an address such as 0.0.0.0 or ::1, and a port")
    }
    let descriptor = troupe_socket_datagram(&address.raw)
    if descriptor < 0 { throw NetworkError(.open, endpoint, code: -descriptor) }
    if address.isIPv6 { _ = troupe_socket_set_ipv6_only(descriptor, false) }
    let error = troupe_socket_bind(descriptor, &address.raw)
    if error < 0 {
      _ = troupe_socket_close(descriptor)
      throw NetworkError(.bind, endpoint, code: -error)
    }
    var local = SocketAddress()
    _ = troupe_socket_local(descriptor, &local.raw)
    self.endpoint = local.endpoint
    self.descriptor = descriptor
    self.poller = poller
  }

  deinit { close() }

  @usableFromInline func attach(_ post: @escaping @Sendable () -> Void) throws(NetworkError) {
    let added = lock.withLock { () -> Int64 in
      self.post = post
      token = poller.add(descriptor, self)
      return token
    }
    if added < 0 {
      close()
      throw NetworkError(.register, endpoint, code: Int32(-added))
    }
  }

  @usableFromInline func becameReady(_ events: UInt32) {
    let before = signals.bitwiseOr(events | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    if before & Signals.posted == 0 { lock.withLock { post }?() }
  }

  /// The next datagram; nil if there is none now, or if others have to have their turn (`isLate`). Called in
  /// the actor's turn.
  @usableFromInline func next() -> Datagrams.Datagram? {
    isLate = left == 0
    if isLate {
      left = Self.atOnce
      return nil
    }
    while true {
      _ = signals.exchange(Signals.posted, ordering: .acquiringAndReleasing)
      if let datagram = receive() {
        left -= 1
        return datagram
      }
      left = Self.atOnce
      if signals.compareExchange(expected: Signals.posted, desired: 0, ordering: .acquiringAndReleasing).exchanged {
        return nil
      }
    }
  }

  private func receive() -> Datagrams.Datagram? {
    lock.withLock {
      while descriptor >= 0 {
        var sender = SocketAddress()
        var count = 0
        let bytes = withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 16) { room in
          count = Int(troupe_socket_receive_from(descriptor, room.baseAddress, room.count, &sender.raw))
          return [UInt8](room.prefix(max(0, count)))
        }
        if count >= 0 { return Datagrams.Datagram(bytes: bytes, sender: sender.endpoint) }
        if count == SystemError.wouldBlock {
          poller.want(descriptor, Signals.readable)
          return nil
        }
        // What else there may be, such as the news that an earlier datagram was refused, concerns no datagram that has
        // come.
      }
      return nil
    }
  }

  func send(_ bytes: [UInt8], to endpoint: Endpoint) throws(NetworkError) -> Bool {
    guard let address = SocketAddress(endpoint) else {
      throw NetworkError(.write, endpoint, reason: "a datagram is sent to an address and not to a name")
    }
    var raw = address.raw
    let sent = lock.withLock {
      descriptor < 0 ? 0 : bytes.withUnsafeBytes { troupe_socket_send_to(descriptor, $0.baseAddress, $0.count, &raw) }
    }
    if Int(sent) == SystemError.wouldBlock || Int(sent) == SystemError.refused { return false }
    if sent < 0 { throw NetworkError(.write, endpoint, code: Int32(-sent)) }
    return lock.withLock { descriptor >= 0 }
  }

  func close() {
    lock.withLock {
      guard descriptor >= 0 else { return }
      if token >= 0 { poller.remove(descriptor, token) }
      _ = troupe_socket_close(descriptor)
      descriptor = -1
      post = nil
    }
  }

  @usableFromInline func actorEnded() { close() }
  @usableFromInline func incarnationEnded() -> Bool {
    close()
    return false
  }
}
