internal import CTroupeSockets
internal import Troupe
internal import TroupeChannels

/// What joins the two sides of a connection in a simulated network: bytes under way in each direction.
///
/// Sendable because what changes is under the lock.
final class Link: @unchecked Sendable {
  private let network: SimulatedNetwork
  /// The endpoint of the server, as the network knows it.
  let server: Endpoint
  let number: Int
  private let lock = FutexLock()
  private var sides: [LinkSide] = []
  private var hasEnded = false

  init(_ network: SimulatedNetwork, server: Endpoint, number: Int, client: Endpoint) {
    self.network = network
    self.server = server
    self.number = number
    sides = [LinkSide(self, network, 0, local: client), LinkSide(self, network, 1, local: server)]
  }

  var client: LinkSide { lock.withLock { sides[0] } }
  var accepted: LinkSide { lock.withLock { sides[1] } }

  /// Breaks the link. Both sides get the error of a reset.
  func fail() {
    for side in lock.withLock({ sides }) { side.breaks() }
    end()
  }

  func other(than side: LinkSide) -> LinkSide? { lock.withLock { sides.count == 2 ? sides[1 - side.index] : nil } }

  /// Called when both sides are closed, or the link is broken.
  func end() {
    let isFirst = lock.withLock { () -> Bool in
      defer {
        hasEnded = true
        // The sides refer to the link.
        sides = []
      }
      return !hasEnded
    }
    if isFirst { network.ended(self) }
  }
}

/// One side of a link, which takes the place of a socket.
///
/// Sendable because what changes is under the lock.
final class LinkSide: Transport, @unchecked Sendable {
  private let link: Link
  private let network: SimulatedNetwork
  let index: Int
  let local: Endpoint
  private let lock = FutexLock()
  /// It is kept until `close`, as a poller keeps the owner of a socket.
  private var client: (any PollerClient)?
  /// What has arrived and was not read.
  private var arrived: [UInt8] = []
  /// How many bytes this side has sent that the other has not read.
  private var unread = 0
  /// When the bytes that were sent last arrive.
  private var lastArrival = Duration.zero
  private var hasPeerEnded = false
  private var isBroken = false
  private var isClosed = false
  private var hasEnded = false
  /// Whether the other side has accepted the connection.
  private var isConnected = false

  init(_ link: Link, _ network: SimulatedNetwork, _ index: Int, local: Endpoint) {
    self.link = link
    self.network = network
    self.index = index
    self.local = local
  }

  func open(_ client: any PollerClient) -> Int32 {
    let events = lock.withLock { () -> UInt32 in
      self.client = client
      return (arrived.isEmpty && !hasPeerEnded ? 0 : Signals.readable | Signals.ended) | (isBroken ? Signals.broken : 0)
    }
    if events != 0 { client.becameReady(events) }
    return 0
  }

  private func tell(_ events: UInt32) { lock.withLock { client }?.becameReady(events) }

  // MARK: The attempt to connect

  func connect() -> ConnectProgress {
    lock.withLock { isConnected ? .done : isBroken ? .failed(refusal) : .pending }
  }
  private var refusal: NetworkError { NetworkError(.connect, link.server, code: troupe_error_refused()) }

  func isAccepted() {
    lock.withLock { isConnected = true }
    tell(Signals.writable)
  }

  // MARK: Bytes

  func read(_ room: UnsafeMutableRawBufferPointer) -> Int {
    lock.lock()
    if isBroken || isClosed {
      lock.unlock()
      return -Int(troupe_error_reset())
    }
    if arrived.isEmpty {
      defer { lock.unlock() }
      return hasPeerEnded ? 0 : SystemError.wouldBlock
    }
    var count = min(room.count, arrived.count)
    if network.settings.shortReads { count = network.some(of: count) }
    arrived.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    arrived.removeFirst(count)
    let hasMore = !arrived.isEmpty || hasPeerEnded
    lock.unlock()
    if let other = link.other(than: self) { other.wasRead(count) }
    // A short read means that the socket is empty, so what is left has to be told of.
    if hasMore { network.after(.zero) { [weak self] in self?.tell(Signals.readable) } }
    return count
  }

  /// The other side has read bytes that this one has sent.
  private func wasRead(_ count: Int) {
    let wasFull = lock.withLock { () -> Bool in
      let wasFull = unread >= network.settings.window
      unread -= count
      return wasFull
    }
    if wasFull { network.after(network.latency()) { [weak self] in self?.tell(Signals.writable) } }
  }

  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
    lock.lock()
    if isBroken || isClosed || hasEnded {
      lock.unlock()
      return -Int(troupe_error_pipe())
    }
    let room = network.settings.window - unread
    if room <= 0 {
      lock.unlock()
      return SystemError.wouldBlock
    }
    let bytes = pieces.reduce(into: [UInt8]()) { $0.append(contentsOf: $1.prefix(room - $0.count)) }
    unread += bytes.count
    lock.unlock()
    if network.happens(network.settings.lossRate) {
      network.after(network.latency()) { [link] in link.fail() }
    }
    let count = bytes.count
    send(count) { $0.arrive(bytes) }
    return count
  }

  /// Has something happen at the other side when what was sent before has arrived there.
  private func send(_ count: Int, _ body: @escaping @Sendable (LinkSide) -> Void) {
    guard let other = link.other(than: self) else { return }
    let now = network.now
    var arrival = now + network.latency()
    let rate = network.settings.bytesPerSecond
    lock.withLock {
      if let rate { arrival = max(arrival, lastArrival + .seconds(Double(count) / Double(max(1, rate)))) }
      arrival = max(arrival, lastArrival)
      lastArrival = arrival
    }
    network.after(arrival - now) { [weak other] in if let other { body(other) } }
  }

  private func arrive(_ bytes: [UInt8]) {
    lock.withLock { arrived += bytes }
    tell(Signals.readable)
  }

  func endOutput() {
    let isFirst = lock.withLock { () -> Bool in
      defer { hasEnded = true }
      return !hasEnded
    }
    if isFirst { send(0) { $0.peerEnds() } }
  }

  private func peerEnds() {
    lock.withLock { hasPeerEnded = true }
    tell(Signals.readable | Signals.ended)
  }

  // MARK: The end

  func breaks() {
    lock.withLock {
      isBroken = true
      arrived = []
    }
    tell(Signals.readable | Signals.writable | Signals.broken | Signals.ended)
  }

  func close(abort: Bool) {
    let wasUnread = lock.withLock { () -> Bool in
      isClosed = true
      client = nil
      return !arrived.isEmpty
    }
    guard let other = link.other(than: self) else { return }
    if abort || wasUnread {
      send(0) { $0.breaks() }
    } else {
      endOutput()
    }
    if other.lock.withLock({ other.isClosed }) { link.end() }
  }

  func want(_ events: UInt32) {}
}

/// A server's endpoint in a simulated network. Sendable because what changes is under the lock.
final class SimulatedListener: ListeningTransport, @unchecked Sendable {
  let endpoint: Endpoint
  private let network: SimulatedNetwork
  private let lock = FutexLock()
  private var waiting: [Link] = []
  private var client: (any PollerClient)?
  private var isClosed = false

  init(_ endpoint: Endpoint, _ network: SimulatedNetwork) {
    self.endpoint = endpoint
    self.network = network
  }

  func open(_ client: any PollerClient) -> Int32 {
    lock.withLock { self.client = client }
    return 0
  }

  /// A client has asked for a connection.
  func arrives(_ link: Link) {
    let (isTaken, client) = lock.withLock { () -> (Bool, (any PollerClient)?) in
      if !isClosed { waiting.append(link) }
      return (!isClosed, self.client)
    }
    guard isTaken else { return link.fail() }
    client?.becameReady(Signals.readable)
    network.after(network.latency()) { link.client.isAccepted() }
  }

  func accept(_ options: ConnectionOptions) -> Acceptance {
    guard let link = lock.withLock({ waiting.isEmpty ? nil : waiting.removeFirst() }) else { return .none }
    return .client(link.accepted, link.client.local)
  }

  func close() {
    let left = lock.withLock { () -> [Link] in
      isClosed = true
      client = nil
      defer { waiting = [] }
      return waiting
    }
    network.remove(self)
    for link in left { link.fail() }
  }
}

/// The link of a client, and the attempt to make it.
final class LinkTransport: Transport, @unchecked Sendable {
  private let endpoint: Endpoint
  private let network: SimulatedNetwork
  private var side: LinkSide?
  private weak var client: (any PollerClient)?

  init(_ endpoint: Endpoint, _ network: SimulatedNetwork) {
    self.endpoint = endpoint
    self.network = network
  }

  func open(_ client: any PollerClient) -> Int32 {
    side = network.connect(to: endpoint)?.client
    if let side { return side.open(client) }
    network.after(network.latency()) { [weak client] in client?.becameReady(Signals.writable) }
    return 0
  }

  func connect() -> ConnectProgress {
    side?.connect() ?? .failed(NetworkError(.connect, endpoint, code: troupe_error_refused()))
  }
  func read(_ room: UnsafeMutableRawBufferPointer) -> Int { side?.read(room) ?? 0 }
  func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int { side?.write(pieces) ?? 0 }
  func endOutput() { side?.endOutput() }
  func close(abort: Bool) { side?.close(abort: abort) }
  func want(_ events: UInt32) {}
  var local: Endpoint { side?.local ?? endpoint }
}
