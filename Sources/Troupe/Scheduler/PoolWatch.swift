import Synchronization

/// The watchdog of one pool, driven by its tick.
///
/// A turn ends after two ticks, so a worker whose count of turns stands still for longer is in one handler.
/// What a worker notes of its cell is an address, which may be stale when the tick reads it. So it is only
/// compared: the cell is looked up among the living.
///
/// Sendable because what changes is the tick's own, or under the lock.
final class PoolWatch: @unchecked Sendable {
  /// What the tick has seen of a worker.
  private struct Sight {
    var activations: UInt = 0
    var since: Int64 = 0
    /// When to report, counted from `since`.
    var next: Int64 = 0
  }
  private let limit: Int64
  /// What belongs to the system, which may be gone before the pool.
  private struct Site {
    /// It needs no system as long as nobody lives in it.
    let table: ChildTable
    let report: @Sendable (Watchdog.Report) -> Void
    let listener: (@Sendable (Watchdog.Report) -> Void)?
  }
  private let lock = FutexLock()
  private var site: Site?
  private var sights: [Sight] = []
  /// When to report that all are stuck.
  private var nextForPool: Int64

  init(_ watchdog: Watchdog, table: ChildTable, report: @escaping @Sendable (Watchdog.Report) -> Void) {
    guard watchdog.limit >= .milliseconds(20) else {
      fatalError("Troupe: a watchdog's limit is 20 milliseconds or more, not \(watchdog.limit)")
    }
    limit = watchdog.limit.nanosecondsClamped
    site = Site(table: table, report: report, listener: watchdog.listener)
    nextForPool = limit
  }

  /// No actor lives any more. A pool that waits for a last timer keeps nothing of its system.
  func stop() {
    let gone = lock.withLock { site.take() }
    withExtendedLifetime(gone) {}
  }

  func look(at pool: PoolScheduler) {
    let now = pool.coarseNow
    if sights.isEmpty { sights = Array(repeating: Sight(), count: pool.workers.count) }
    var shortest = Int64.max
    for worker in pool.workers {
      let activations = worker.activations.load(ordering: .relaxed)
      let bits = worker.running.load(ordering: .relaxed)
      var sight = sights[worker.index]
      if activations != sight.activations || bits == 0 || pool.state.isIdle(worker.index) {
        sight = Sight(activations: activations, since: now, next: limit)
      }
      let lasted = now - sight.since
      shortest = min(shortest, lasted)
      if lasted >= sight.next {
        sight.next = lasted.multipliedReportingOverflow(by: 2).partialValue
        pool.report { [self] in report(worker, Runnable(bits: bits), activations, .nanoseconds(lasted)) }
      }
      sights[worker.index] = sight
    }
    if shortest < limit {
      nextForPool = limit
    } else if shortest >= nextForPool {
      nextForPool = shortest.multipliedReportingOverflow(by: 2).partialValue
      let report = Watchdog.Report(subject: .pool(threads: pool.workers.count), duration: .nanoseconds(shortest))
      pool.report { [self] in say(report) }
    }
  }

  private func report(_ worker: PoolWorker, _ runnable: Runnable, _ activations: UInt, _ duration: Duration) {
    guard runnable.isCell else { return say(.init(subject: .task, duration: duration)) }
    // If it still runs, what was found is the one. Else it is over, and needs no report.
    guard let cell = find(runnable.bits), worker.activations.load(ordering: .relaxed) == activations,
      worker.running.load(ordering: .relaxed) == runnable.bits
    else { return }
    let subject = Watchdog.Subject.handler(path: cell.path, messageType: typeName(at: cell.messageType))
    say(.init(subject: subject, duration: duration))
  }

  /// Level by level, each table under its lock. It takes time with very many actors, and nobody waits for it
  /// but spawns at a table that is being looked through.
  private func find(_ bits: UInt) -> Cell? {
    guard let table = lock.withLock({ site?.table }) else { return nil }
    var level = [table]
    while !level.isEmpty {
      var below: [ChildTable] = []
      for table in level { if let cell = table.search(for: bits, tables: &below) { return cell } }
      level = below
    }
    return nil
  }

  private func say(_ report: Watchdog.Report) {
    guard let site = lock.withLock({ site }) else { return }
    site.report(report)
    site.listener?(report)
  }
}
