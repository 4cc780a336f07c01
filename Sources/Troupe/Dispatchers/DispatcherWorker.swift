import Synchronization

/// A worker beside the pool. One thread at a time runs it.
///
/// Sendable because what is not atomic is its thread's, or that of the tick.
class DispatcherWorker: Worker, @unchecked Sendable {
  /// Odd during a turn. Written by the thread that runs this worker.
  private let turn = TurnState()
  // The tick's own.
  private var turnSeen: UInt = 0
  private var ticksSeen = 0

  /// Runs one thing, on a thread that is this worker.
  final func run(_ runnable: Runnable, in workers: DispatcherWorkers) {
    turn.begin()
    workers.armTick()
    if !runnable.isCell, case .yieldedLoop(let loop) = runnable.task {
      // The job is kept until now, and with it the loop; once it is given back, another thread may run it to its end.
      let loop = loop.takeUnretainedValue()
      withExtendedLifetime(loop) { execute(runnable) }
    } else {
      execute(runnable)
    }
    turn.end()
  }

  /// True if the turn in hand needs another tick to know that it is long.
  final func tick() -> Bool {
    let now = turn.current
    guard now % 2 == 1 else { return false }
    if now != turnSeen {
      turnSeen = now
      ticksSeen = 0
    }
    if ticksSeen < 3 { ticks.wrappingAdd(1, ordering: .relaxed) }
    ticksSeen += 1
    return ticksSeen < 3
  }
}

/// The number of the turn of a worker; odd while it lasts.
struct TurnState: ~Copyable, Sendable {
  private let number = Atomic<UInt>(0)

  var current: UInt { number.load(ordering: .sequentiallyConsistent) }
  /// Sequentially consistent, and before the look at `TickState`.
  func begin() { number.store(number.load(ordering: .relaxed) &+ 1, ordering: .sequentiallyConsistent) }
  func end() { number.store(number.load(ordering: .relaxed) &+ 1, ordering: .releasing) }
}
