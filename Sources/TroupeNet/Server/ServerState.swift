internal import CTroupeSockets
internal import Synchronization
internal import Troupe
internal import TroupeChannels

/// What a server's actor, its handle and its connections share.
///
/// Sendable because what changes is under the lock or atomic.
@usableFromInline final class ServerState: @unchecked Sendable {
  let system: ActorSystem
  let options: ServerOptions
  private let lock = FutexLock()
  private var connections: [ObjectIdentifier: ConnectionCore] = [:]
  private var isStopped = false
  /// Whether the time of a stop is so far gone that connections are to end in any case; see `drain`.
  private var isLate = false
  /// Whether the socket that listens is closed, so that its endpoint can be used again.
  private var isSocketClosed = false
  private var waiting: [StopWaiter] = []
  /// Tells the server's actor that a connection has gone, or that it shall stop.
  private var tell: (@Sendable (ListenerMessage) -> Void)?

  final class StopWaiter: Sendable { let parker = Parker() }

  init(_ system: ActorSystem, _ options: ServerOptions) {
    self.system = system
    self.options = options
  }

  func begins(_ tell: @escaping @Sendable (ListenerMessage) -> Void) { lock.withLock { self.tell = tell } }

  var count: Int { lock.withLock { connections.count } }
  var isFull: Bool { count >= options.maximumConnections }

  func add(_ core: ConnectionCore) {
    let (isStopped, isLate) = lock.withLock { () -> (Bool, Bool) in
      connections[ObjectIdentifier(core)] = core
      return (self.isStopped, self.isLate)
    }
    if isStopped { core.drain(isLate: isLate) }
  }

  /// Called when the socket of a connection is closed.
  func remove(_ core: ConnectionCore) {
    let (wasFull, done) = lock.withLock { () -> (Bool, [StopWaiter]) in
      let wasFull = connections.count == options.maximumConnections
      connections[ObjectIdentifier(core)] = nil
      return (wasFull, takeWaiting())
    }
    if wasFull { lock.withLock { tell }?(.accept) }
    for waiter in done { waiter.parker.signal() }
  }

  /// Called by the server's actor when it has closed the socket that listens.
  func socketIsClosed() {
    let done = lock.withLock { () -> [StopWaiter] in
      isSocketClosed = true
      return takeWaiting()
    }
    for waiter in done { waiter.parker.signal() }
  }

  /// Whether nothing is left of the server. Under the lock.
  private var isOver: Bool { connections.isEmpty && isSocketClosed }

  /// Those that wait for the end, if it has come. Under the lock.
  private func takeWaiting() -> [StopWaiter] {
    guard isOver else { return [] }
    defer { waiting = [] }
    return waiting
  }

  /// Stops accepting, and has each connection finish what is under way.
  func stopAccepting() {
    let tell = lock.withLock { () -> (@Sendable (ListenerMessage) -> Void)? in
      isStopped = true
      return self.tell.take()
    }
    tell?(.stop)
  }

  /// Has the connections end: each when what is under way is finished, and after the timeout at once.
  ///
  /// They are told when half of the time has passed, which is the timeout or that of the options, whichever is shorter.
  /// A protocol whose peers are to hear of the end then says so, while there is still time for its last words.
  nonisolated(nonsending) func drain(within timeout: Duration) async {
    stopAccepting()
    let patience = min(timeout, options.drainTimeout) / 2
    for core in lock.withLock({ Array(connections.values) }) { core.drain(isLate: false) }
    await waitUntilEmpty(patience)
    let late = lock.withLock { () -> [ConnectionCore] in
      isLate = true
      return Array(connections.values)
    }
    for core in late { core.drain(isLate: true) }
    await waitUntilEmpty(timeout - patience)
    for core in lock.withLock({ Array(connections.values) }) { core.abort() }
    await waitUntilEmpty(.seconds(5))
  }

  /// The same in a phase of the system's shutdown, which may leave less time than the options.
  nonisolated(nonsending) func drainAtShutdown() async {
    await drain(within: min(options.drainTimeout, system.shutdownPhaseTimeLeft))
  }

  private nonisolated(nonsending) func waitUntilEmpty(_ timeout: Duration) async {
    let waiter = StopWaiter()
    let isOver = lock.withLock { () -> Bool in
      if !self.isOver { waiting.append(waiter) }
      return self.isOver
    }
    if isOver { return }
    let scheduler = system.scheduler
    let timer = ActionTimer(deadline: scheduler.deadline(after: timeout)) { _ in waiter.parker.signal() }
    scheduler.add(timer)
    await waiter.parker.waitUnlessCancelled()
    scheduler.cancel(timer)
    lock.withLock { waiting.removeAll { $0 === waiter } }
  }
}
