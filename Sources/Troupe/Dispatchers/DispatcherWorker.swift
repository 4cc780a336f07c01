import Synchronization

/// A worker beside the pool: a thread of a `ThreadScheduler`, or one block after the other of a `QueueScheduler`. One
/// thread at a time runs it.
///
/// Sendable because what is not atomic is touched only by the thread that runs it, or only by the tick.
class DispatcherWorker: Worker, @unchecked Sendable {
  /// The number of the turn. The thread that runs this worker writes it, and the tick reads it.
  private let turn = TurnState()
  // The turn that the tick saw last, and how many ticks it has seen of that turn. Only the tick touches these.
  private var turnSeen: UInt = 0
  private var ticksSeen = 0

  /// Runs one runnable, on a thread that is this worker.
  final func run(_ runnable: Runnable, in workers: DispatcherWorkers) {
    turn.begin()
    workers.armTick()
    if !runnable.isCell, case .yieldedLoop(let loop) = runnable.task {
      // Until now the job that the executor keeps has kept its task alive, and with it the executor. Once the job is
      // given back, another thread may run the task to its end, so the executor is held here.
      let loop = loop.takeUnretainedValue()
      withExtendedLifetime(loop) { execute(runnable) }
    } else {
      execute(runnable)
    }
    turn.end()
  }

  /// Tells the turn in hand, if there is one, that a tick has passed. Returns whether the turn needs another tick to
  /// know that it is long: it gets three at the most. Called by the tick, under the lock of `DispatcherWorkers`.
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

/// The number of a worker's turn: it is odd during a turn, and even between two turns. The worker's thread writes it,
/// so a load and a store are enough.
struct TurnState: ~Copyable, Sendable {
  private let number = Atomic<UInt>(0)

  var current: UInt { number.load(ordering: .sequentiallyConsistent) }
  /// Notes that a turn begins. The store is sequentially consistent, and comes before the look at `TickState`. The tick
  /// first says that no tick is ordered, and then looks at the turns (`current`). So the tick sees this turn, or this
  /// turn sees that it has to order a tick.
  func begin() { number.store(number.load(ordering: .relaxed) &+ 1, ordering: .sequentiallyConsistent) }
  /// Notes that the turn has ended. If the tick sees this late, it only tells a turn that is over that it is long.
  func end() { number.store(number.load(ordering: .relaxed) &+ 1, ordering: .releasing) }
}
