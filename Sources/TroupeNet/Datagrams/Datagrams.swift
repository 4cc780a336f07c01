internal import CTroupeSockets
internal import Synchronization
public import Troupe
internal import TroupeChannels

/// A UDP socket, which sends and receives single messages without a connection. It belongs to an actor.
///
/// ```swift
/// socket = try context.bind(udp: .port(5353)) { .datagram($0) }
/// try socket.send(Array("hello".utf8), to: .loopback(5354))
/// ```
/// Datagrams may be lost, doubled, or come in another order. They come in as messages of the actor, and no
/// faster than it handles them: while it is behind they wait in the buffer of the system, and what comes when that is
/// full is lost. This is a handle, which may be copied and used on any thread. The socket is closed when the actor ends
/// or is restarted.
public struct Datagrams: Sendable {
  /// A datagram that has come.
  public struct Datagram: Sendable {
    /// What it contains. It may be empty.
    public let bytes: [UInt8]
    /// Who has sent it, and where an answer goes. A sender that wants no answer may name port 0.
    public let sender: Endpoint
  }

  @usableFromInline let core: DatagramCore
  @usableFromInline init(core: DatagramCore) { self.core = core }

  /// Where the socket can be reached, with the port that it really has.
  public var endpoint: Endpoint { core.endpoint }

  /// Sends a datagram, and never waits. Any thread may call this; it costs a lock and a call of the system.
  ///
  /// Returns false if the system has no room for it now, knows no way to the address or a firewall bars it, if the port
  /// is 0, to which nothing can be sent, or if the socket is closed. Then the datagram is lost, as it may be anywhere
  /// on its way. True does not mean that anybody gets it.
  ///
  /// - Parameters:
  ///   - bytes: What to send: up to 65,507 bytes by IPv4 and 65,527 by IPv6. From about 1,400 bytes on it may be sent
  ///     in parts, all of which have to arrive.
  ///   - endpoint: An address and a port. A name is not resolved.
  /// - Throws: A `NetworkError` if it cannot be sent: the system refuses it, for instance because it is too long
  ///   (`EMSGSIZE`), or the endpoint is no address.
  @discardableResult public func send(_ bytes: [UInt8], to endpoint: Endpoint) throws(NetworkError) -> Bool {
    try core.send(bytes, to: endpoint)
  }

  /// Closes the socket. What has come and was not handled is lost, and nothing comes in any more. The port is free when
  /// this returns. Any thread may call this, any number of times.
  public func close() { core.close() }
}

extension Context where Message: ~Copyable {
  /// Opens a UDP socket, whose datagrams come to this actor as messages.
  ///
  /// The socket belongs to this incarnation of the actor. So an actor that opens its socket in `started` has it again
  /// after a restart, at the same port.
  ///
  /// - Parameters:
  ///   - endpoint: An address of this machine. With port 0 the system chooses one; see `Datagrams.endpoint`.
  ///     `Endpoint.port` stands for all addresses, of IPv4 and IPv6.
  ///   - message: Makes a message of each datagram.
  /// - Throws: A `NetworkError` if the endpoint cannot be used. A simulated system has no datagrams.
  @inlinable public func bind(
    udp endpoint: Endpoint, as message: @escaping @Sendable (Datagrams.Datagram) -> Message
  ) throws(NetworkError) -> Datagrams {
    let core = try beginDatagrams(endpoint)
    let address = address
    let envelope = SourceEnvelope<Message>(core) { next in
      switch core.next() {
      case .datagram(let datagram):
        next = message(datagram)
        return .message
      case .nothing: return .nothing
      case .later: return .later
      case .closed: return .gone
      }
    }
    try core.attach { address.post(envelope) }
    attach(envelope)
    return Datagrams(core: core)
  }

  @usableFromInline func beginDatagrams(_ endpoint: Endpoint) throws(NetworkError) -> DatagramCore {
    guard let poller = system.poller else {
      throw NetworkError(.open, endpoint, reason: "this system has no sockets for datagrams")
    }
    return try DatagramCore(endpoint, poller)
  }
}

/// What a turn finds when it looks for the next datagram.
@usableFromInline enum DatagramStep {
  case datagram(Datagrams.Datagram)
  /// There is none. The envelope is posted when one comes.
  case nothing
  /// Others have to have their turn first.
  case later
  /// The socket is closed.
  case closed
}

/// The state of one UDP socket.
///
/// Sendable because what changes is under the lock, or is touched only in the actor's turn.
@usableFromInline final class DatagramCore: PollerClient, MessageSource, @unchecked Sendable {
  let endpoint: Endpoint
  private let isIPv6: Bool
  private let poller: Poller
  private let signals = Atomic<UInt32>(Signals.posted)
  private let lock = FutexLock()
  /// Negative when the socket is closed.
  private var descriptor: Int32
  private var token: Int64 = -1
  /// Posts the envelope. It is there as long as the source belongs to the actor.
  private var post: (@Sendable () -> Void)?
  /// How many more datagrams there may be before others have their turn. Only the actor's turn touches it.
  private var left = DatagramCore.atOnce

  private static let atOnce = 64
  /// No datagram is longer.
  private static let longest = 65536

  init(_ endpoint: Endpoint, _ poller: Poller) throws(NetworkError) {
    guard var address = SocketAddress(endpoint), endpoint.port != nil else {
      throw NetworkError(
        .bind, endpoint, reason: "datagrams need an address such as 0.0.0.0 or ::1, and a port below 65536")
    }
    var descriptor = troupe_socket_datagram(&address.raw)
    if Int(descriptor) == SystemError.noSuchFamily, case .tcp("::", let port) = endpoint {
      // A machine without IPv6.
      address = SocketAddress(.tcp(host: "0.0.0.0", port: port)) ?? address
      descriptor = troupe_socket_datagram(&address.raw)
    }
    if descriptor < 0 { throw NetworkError(.open, endpoint, code: -descriptor) }
    isIPv6 = address.isIPv6
    if isIPv6 { _ = troupe_socket_set_ipv6_only(descriptor, false) }
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

  deinit { closeSocket() }

  /// Begins to hear of datagrams. The caller attaches the envelope after this.
  @usableFromInline func attach(_ post: @escaping @Sendable () -> Void) throws(NetworkError) {
    let added = lock.withLock { () -> Int64 in
      token = poller.add(descriptor, self)
      if token >= 0 { self.post = post }
      return token
    }
    if added < 0 {
      closeSocket()
      throw NetworkError(.register, endpoint, code: Int32(-added))
    }
  }

  @usableFromInline func becameReady(_ events: UInt32) { signal(events) }

  private func signal(_ events: UInt32) {
    // Acquire-release: publishes what was done before. Pairs with the exchange in `next`.
    let before = signals.bitwiseOr(events | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    if before & Signals.posted == 0 { lock.withLock { post }?() }
  }

  /// The next datagram, if there is one and others need not have their turn first. Called in the actor's turn.
  @usableFromInline func next() -> DatagramStep {
    if left == 0 {
      left = Self.atOnce
      return .later
    }
    while true {
      // Acquire-release: takes over what whoever signalled has done.
      _ = signals.exchange(Signals.posted, ordering: .acquiringAndReleasing)
      let step = receive()
      switch step {
      case .datagram: left -= 1
      case .nothing:
        left = Self.atOnce
        // The next signal posts the envelope again, unless there has been one meanwhile.
        if !signals.compareExchange(expected: Signals.posted, desired: 0, ordering: .acquiringAndReleasing).exchanged {
          continue
        }
      case .later: left = Self.atOnce
      case .closed: endPosting()
      }
      return step
    }
  }

  private func receive() -> DatagramStep {
    lock.withLock {
      for _ in 0..<Self.atOnce {
        if descriptor < 0 { return .closed }
        var sender = SocketAddress()
        var count = 0
        let bytes = withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 16) { room in
          count = Int(troupe_socket_receive_from(descriptor, room.baseAddress, room.count, &sender.raw))
          return [UInt8](room.prefix(max(0, count)))
        }
        if count >= 0 { return .datagram(Datagrams.Datagram(bytes: bytes, sender: sender.endpoint)) }
        if count == SystemError.wouldBlock {
          poller.want(descriptor, Signals.readable)
          return .nothing
        }
        // What else there may be, such as the news that an earlier datagram was refused, concerns no datagram that has
        // come.
      }
      return .later
    }
  }

  func send(_ bytes: [UInt8], to endpoint: Endpoint) throws(NetworkError) -> Bool {
    guard var address = SocketAddress(endpoint), endpoint.port != nil else {
      throw NetworkError(
        .write, endpoint, reason: "a datagram is sent to an address, which is no name, and to a port below 65536")
    }
    // Whoever answers a datagram must not fail because its sender has named this port.
    if endpoint.port == 0 { return false }
    // Not every system takes the other form.
    if isIPv6 { troupe_address_map_to_ipv6(&address.raw) }
    let sent = lock.withLock { () -> Int? in
      if descriptor < 0 { return nil }
      return bytes.withUnsafeBytes {
        Int(troupe_socket_send_to(descriptor, $0.baseAddress, $0.count, &address.raw))
      }
    }
    guard let sent else { return false }
    if sent >= 0 { return true }
    if troupe_error_loses_datagram(Int32(-sent)) { return false }
    throw NetworkError(.write, endpoint, code: Int32(-sent))
  }

  func close() {
    closeSocket()
    // The turn finds the socket closed, and the source leaves the actor. There has to be a bit that a turn under way
    // does not expect.
    signal(Signals.close)
  }

  private func closeSocket() {
    lock.withLock {
      guard descriptor >= 0 else { return }
      if token >= 0 { poller.remove(descriptor, token) }
      _ = troupe_socket_close(descriptor)
      descriptor = -1
    }
  }

  /// Lets go of the actor, which refers to the source.
  private func endPosting() {
    let last = lock.withLock { post.take() }
    withExtendedLifetime(last) {}
  }

  @usableFromInline func actorEnded() {
    closeSocket()
    endPosting()
  }
  @usableFromInline func incarnationEnded() -> Bool {
    actorEnded()
    return false
  }
}
