public import Troupe
internal import TroupeChannels

/// The network of a simulated system of the test kit, in which links take the place of sockets.
///
/// In such a system `listen` and `connect` use no socket. The two sides of a connection are joined by a link, whose
/// latency, short reads and failures are drawn from the seed of the simulation, in virtual time. So a test of a server
/// and its clients, in one system, is repeated exactly by its seed.
///
/// ```swift
/// let network = simulation.system.simulatedNetwork!
/// network.settings.latency = .milliseconds(1) ... .milliseconds(20)
/// network.settings.lossRate = 0.01
/// ```
/// Any thread may use it, though only one drives a simulation.
public final class SimulatedNetwork: SystemExtension, @unchecked Sendable {
  /// How links behave. A change holds for what is sent from then on.
  public struct Settings: Sendable {
    /// How long bytes take from one side to the other. Bytes of one direction do not overtake each other.
    public var latency: ClosedRange<Duration> = .microseconds(50) ... .microseconds(500)
    /// The probability that a link breaks, for each piece of bytes that is sent. Both sides then get the error of a
    /// reset.
    public var lossRate = 0.0
    /// Whether a read gives any number of the bytes that are there, drawn by the seed, in place of all of them.
    public var shortReads = true
    /// How many bytes are under way in one direction, or wait to be read, at most. A writer is held when there are so
    /// many.
    public var window = 64 * 1024
    /// How many bytes a link carries in one direction in a second; nil for no limit. A small number makes a
    /// slow reader.
    public var bytesPerSecond: Int?

    /// Makes settings with the default for everything.
    public init() {}
  }

  private let system: ActorSystem
  private let lock = FutexLock()
  private var current = Settings()
  private var listeners: [Endpoint: SimulatedListener] = [:]
  private var links: [ObjectIdentifier: Link] = [:]
  private var nextPort = 49152

  /// Part of the runtime: `ActorSystem.simulatedNetwork` makes it.
  public init(in system: ActorSystem) {
    self.system = system
    // A server lets its connections finish, and a connection waits for the peer's end, each for 5 seconds at most.
    (system.scheduler as? SimulatedScheduler)?.settlingTime = .seconds(20)
  }

  /// How links behave from now on.
  public var settings: Settings {
    get { lock.withLock { current } }
    set { lock.withLock { current = newValue } }
  }

  /// The number of links that are open.
  public var linkCount: Int { lock.withLock { links.count } }

  /// Breaks every link to a server now, as if the cable was cut. Both sides get the error of a reset. Returns
  /// the number of links.
  @discardableResult public func cut(_ server: Endpoint) -> Int {
    let key = Self.key(server)
    let cut = lock.withLock { links.values.filter { $0.server == key } }
    // In the order in which they were made, so that the run depends on the seed alone.
    for link in cut.sorted(by: { $0.number < $1.number }) { link.fail() }
    return cut.count
  }

  // MARK: For servers and clients

  /// A server that listens at all addresses is found by its port.
  private static func key(_ endpoint: Endpoint) -> Endpoint {
    if case .tcp(_, let port) = endpoint { .tcp(host: "", port: port) } else { endpoint }
  }

  func listen(_ endpoint: Endpoint) throws(NetworkError) -> SimulatedListener {
    try lock.withLock { () throws(NetworkError) -> SimulatedListener in
      var endpoint = endpoint
      if case .tcp(let host, 0) = endpoint {
        endpoint = .tcp(host: host, port: nextPort)
        nextPort += 1
      }
      let key = Self.key(endpoint)
      if listeners[key] != nil { throw NetworkError(.bind, endpoint, reason: "the endpoint is in use") }
      let listener = SimulatedListener(endpoint, self)
      listeners[key] = listener
      return listener
    }
  }

  func remove(_ listener: SimulatedListener) {
    lock.withLock {
      let key = Self.key(listener.endpoint)
      if listeners[key] === listener { listeners[key] = nil }
    }
  }

  /// Makes a link to the server at an endpoint. Nil if there is none.
  func connect(to endpoint: Endpoint) -> Link? {
    lock.lock()
    let key = Self.key(endpoint)
    guard let listener = listeners[key] else {
      lock.unlock()
      return nil
    }
    nextPort += 1
    let link = Link(self, server: key, number: nextPort, client: .loopback(nextPort))
    links[ObjectIdentifier(link)] = link
    lock.unlock()
    after(latency()) { listener.arrives(link) }
    return link
  }

  func ended(_ link: Link) { lock.withLock { _ = links.removeValue(forKey: ObjectIdentifier(link)) } }

  // MARK: Time and chance

  func after(_ delay: Duration, _ body: @escaping @Sendable () -> Void) {
    let scheduler = system.scheduler
    scheduler.add(ActionTimer(deadline: scheduler.deadline(after: delay)) { _ in body() })
  }

  var now: Duration { .nanoseconds(system.scheduler.preciseNow) }

  func latency() -> Duration {
    let range = settings.latency
    return range.lowerBound + (range.upperBound - range.lowerBound) * system.scheduler.randomUnit()
  }

  /// Whether something of this probability happens.
  func happens(_ probability: Double) -> Bool { probability > 0 && system.scheduler.randomUnit() < probability }

  /// A number from 1 to `count`.
  func some(of count: Int) -> Int { 1 + Int(system.scheduler.nextRandom() % UInt64(count)) }
}

extension ActorSystem {
  /// The network of this system if it is one of the test kit; nil if it is not, and uses the sockets of the operating
  /// system.
  public var simulatedNetwork: SimulatedNetwork? { isSimulated ? shared(SimulatedNetwork.self) : nil }
}
