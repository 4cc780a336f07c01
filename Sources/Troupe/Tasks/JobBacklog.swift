import Synchronization

/// The name of a `TroupeExecutor`, and whether the number of jobs that wait for it has been reported as high.
final class JobBacklog: Sendable {
  private let core: SystemCore
  let name: String
  /// From so many waiting jobs on, the backlog is reported. Zero means never.
  private let limit: Int
  /// Whether the backlog has been reported and has not shrunk to half of the limit since. The order of this and of the
  /// number of jobs does not matter: at worst a report comes a job later.
  private let isReported = Atomic<Bool>(false)

  init(_ core: SystemCore, name: String, limit: Int) {
    self.core = core
    self.name = name
    self.limit = limit
  }

  /// Called when so many jobs wait, one more than before. Returns whether the caller has to report that.
  func grows(to waiting: Int) -> Bool {
    limit > 0 && waiting >= limit && !isReported.exchange(true, ordering: .relaxed)
  }

  /// Called when a job has ended and so many others still wait.
  func shrinks(to waiting: Int) {
    if isReported.load(ordering: .relaxed) && waiting <= limit / 2 { isReported.store(false, ordering: .relaxed) }
  }

  func report(_ waiting: Int) { core.report(.backlog(executor: name, jobs: waiting)) }
}

/// The `TroupeExecutor`s of one system, for its snapshots and for its watchdog.
///
/// It is Sendable because what changes is touched only under the lock.
final class ExecutorTable: @unchecked Sendable {
  private struct Entry {
    let number: Int
    let jobs: Unmanaged<LoopExecutor>
  }
  private let lock = FutexLock()
  /// The executors by their address. An entry is removed before its executor is released, so under the lock each of
  /// them exists.
  private var entries: [UInt: Entry] = [:]
  private let made = Atomic<Int>(0)

  /// Returns how many executors there have been with this one.
  func nextNumber() -> Int { made.wrappingAdd(1, ordering: .relaxed).newValue }

  func add(_ jobs: LoopExecutor, _ number: Int) {
    let entry = Entry(number: number, jobs: .passUnretained(jobs))
    lock.withLock { entries[Self.address(entry.jobs)] = entry }
  }

  func remove(_ jobs: LoopExecutor) {
    let address = Self.address(.passUnretained(jobs))
    lock.withLock { _ = entries.removeValue(forKey: address) }
  }

  /// The name of the executor at an address, which need not be one any more.
  func name(at executor: Unmanaged<LoopExecutor>) -> String? {
    let address = Self.address(executor)
    return lock.withLock { entries[address]?.jobs._withUnsafeGuaranteedRef { $0.name } }
  }

  /// The figures of all executors, the one that was made first first.
  var snapshots: [ExecutorSnapshot] {
    let found = lock.withLock {
      entries.values.map { entry in
        entry.jobs._withUnsafeGuaranteedRef {
          (entry.number, ExecutorSnapshot(name: $0.name ?? "", jobs: $0.jobCount))
        }
      }
    }
    return found.sorted { $0.0 < $1.0 }.map { $0.1 }
  }

  private static func address(_ executor: Unmanaged<LoopExecutor>) -> UInt { UInt(bitPattern: executor.toOpaque()) }
}
