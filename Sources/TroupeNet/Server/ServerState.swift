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
    let isLate = lock.withLock { () -> Bool in
      connections[ObjectIdentifier(core)] = core
      return isStopped
    }
    if isLate { core.drain() }
  }

  /// Called when the socket of a connection is closed.
  func remove(_ core: ConnectionCore) {
    let (wasFull, done) = lock.withLock { () -> (Bool, [StopWaiter]) in
      let wasFull = connections.count == options.maximumConnections
      connections[ObjectIdentifier(core)] = nil
      guard connections.isEmpty && isStopped else { return (wasFull, []) }
      defer { waiting = [] }
      return (wasFull, waiting)
    }
    if wasFull { lock.withLock { tell }?(.accept) }
    for waiter in done { waiter.parker.signal() }
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
  nonisolated(nonsending) func drain(within timeout: Duration) async {
    for core in lock.withLock({ Array(connections.values) }) { core.drain() }
    await waitUntilEmpty(timeout)
    for core in lock.withLock({ Array(connections.values) }) { core.abort() }
    await waitUntilEmpty(.seconds(5))
  }

  private nonisolated(nonsending) func waitUntilEmpty(_ timeout: Duration) async {
    let waiter = StopWaiter()
    let isEmpty = lock.withLock { () -> Bool in
      if !connections.isEmpty { waiting.append(waiter) }
      return connections.isEmpty
    }
    if isEmpty { return }
    let scheduler = system.scheduler
    let timer = ActionTimer(deadline: scheduler.deadline(after: timeout)) { _ in waiter.parker.signal() }
    scheduler.add(timer)
    await waiter.parker.waitUnlessCancelled()
    scheduler.cancel(timer)
    lock.withLock { waiting.removeAll { $0 === waiter } }
  }
}
