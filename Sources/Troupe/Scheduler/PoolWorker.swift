internal import CTroupeShims
import Synchronization

/// A worker of the pool: a queue of its own, and a slot for what it woke last, which runs next. The slot is what makes a
/// message and its answer stay on one core.
///
/// Sendable because what is not atomic is touched by the thread that runs it, or by the tick alone.
final class PoolWorker: Worker, @unchecked Sendable {
  let index: Int
  let dispatchQueue: WorkerQueue
  // The pool holds its workers; a count that all workers change would cost more than what it guards.
  private let unmanagedPool: Unmanaged<PoolScheduler>
  private let queue = LocalQueue()
  private let slot = Atomic<UInt>(0)
  /// On the way from the injector to the queue.
  @exclusivity(unchecked) private var fromOutside: [Runnable] = []
  /// Who waits for a turn has waited for the one that is under way: who gives up this one waits for the next.
  @exclusivity(unchecked) private var someoneWaits = false
  /// Started by the tick: the slots of the others are to be had as well.
  @exclusivity(unchecked) var takesSlots = false
  /// How many times the slot may still go first.
  @exclusivity(unchecked) private var slotBudget = PoolWorker.slotBudget
  @exclusivity(unchecked) private var lastTick: UInt32 = 0
  @exclusivity(unchecked) private var turns: UInt = 0
  let activations = Atomic<UInt>(0)
  /// What runs, for the watchdog: bits of a runnable, or 0. Not retained, so it is good for comparing only.
  let running = Atomic<UInt>(0)
  /// The tick's own.
  var activationsAtTick: UInt = 0

  /// After so many turns the slot queues up behind the others, so that a pair that plays ping-pong starves nobody.
  private static let slotBudget = 48

  init(_ pool: PoolScheduler, index: Int) {
    unmanagedPool = .passUnretained(pool)
    self.index = index
    dispatchQueue = PoolWorker.makeQueue(index)
    super.init(pool)
  }

  /// Tasks that gave up their turn, the first in line first. The tick may take them away.
  private let waiting = LocalQueue()

  override func giveTurn(_ runnable: Runnable) {
    if !waiting.push(runnable) { pushLast(runnable) }
  }

  /// From the tick: the turn does not end, and who waits for its end goes on elsewhere.
  func expelTurnsGiven() {
    while let runnable = waiting.pop() { Self.release(runnable) }
  }

  var hasWork: Bool { slot.load(ordering: .relaxed) != 0 || !queue.isEmpty }

  /// What others may steal at any time.
  var hasQueuedWork: Bool { !queue.isEmpty }

  // MARK: On its own thread

  override func push(_ runnable: Runnable) {
    // Acquire-release: a thief that takes the slot sees what the runnable refers to.
    let displaced = slot.exchange(runnable.bits, ordering: .acquiringAndReleasing)
    if displaced != 0 { pushLast(Runnable(bits: displaced)) }
  }

  func pushLast(_ runnable: Runnable) {
    if !queue.push(runnable) { overflow(runnable) }
    // Besides what this worker does next there is more to do.
    unmanagedPool._withUnsafeGuaranteedRef { if $0.state.mayWakeOne { $0.wakeOne(takingSlots: false) } }
  }

  /// The older half of the full queue, and one more, go where everyone looks.
  private func overflow(_ runnable: Runnable) {
    var moved = queue.takeHalf()
    moved.append(runnable)
    unmanagedPool._withUnsafeGuaranteedRef {
      $0.injector.push(moved)
      $0.wakeOne(takingSlots: false)
    }
  }

  private func next() -> Runnable? {
    turns &+= 1
    let now = ticks.load(ordering: .relaxed)
    if turns % 61 == 0 || now != lastTick {
      lastTick = now
      if let fromOutside = takeInjected(1) { return fromOutside }
    }
    if slotBudget > 0 {
      if let bits = takeSlot() {
        slotBudget -= 1
        return Runnable(bits: bits)
      }
    }
    slotBudget = Self.slotBudget
    if let own = queue.pop() { return own }
    if let bits = takeSlot() { return Runnable(bits: bits) }
    return takeInjected(128)
  }

  private func takeSlot() -> UInt? {
    if slot.load(ordering: .relaxed) == 0 { return nil }
    let bits = slot.exchange(0, ordering: .acquiringAndReleasing)
    return bits == 0 ? nil : bits
  }

  private func takeInjected(_ limit: Int) -> Runnable? {
    unmanagedPool._withUnsafeGuaranteedRef { pool in
      if pool.injector.isEmpty { return nil }
      let result = pool.injector.pop(limit: limit, rest: &fromOutside)
      for runnable in fromOutside where !queue.push(runnable) { overflow(runnable) }
      fromOutside.removeAll(keepingCapacity: true)
      return result
    }
  }

  /// What is no asynchronous cell runs here, on top of the loop: that has nothing to do meanwhile, and to park it and set it going again costs more than
  /// most turns. A loop that goes on there itself, after its handler was suspended, does not do the same: so the stack stays flat.
  override func nextAsync() -> Unmanaged<Cell>? {
    if isOnTop { return nil }
    while true {
      if someoneWaits {
        someoneWaits = false
        if let next = waiting.pop() {
          running.store(next.bits, ordering: .relaxed)
          onTop { resume(next) }
        }
      }
      if let runnable = next() {
        activates(runnable)
        someoneWaits = !waiting.isEmpty
        if runnable.isCell && runnable.cell._withUnsafeGuaranteedRef({ $0.isAsync }) { return runnable.cell }
        onTop { execute(runnable) }
      } else if let next = waiting.pop() {
        activates(next)
        onTop { resume(next) }
      } else {
        return nil
      }
    }
  }

  private func activates(_ runnable: Runnable) {
    running.store(runnable.bits, ordering: .relaxed)
    activations.store(activations.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  func runUntilNothingIsLeft() {
    unmanagedPool._withUnsafeGuaranteedRef { pool in asCurrent { run(in: pool) } }
  }

  private func run(in pool: PoolScheduler) {
    do {
      var isSearching = true
      while true {
        var found = next()
        if found == nil {
          if let next = waiting.pop() {
            activates(next)
            resume(next)
            continue
          }
          if !isSearching {
            pool.state.startSearching()
            isSearching = true
          }
          found = search(in: pool)
        }
        if isSearching {
          isSearching = false
          let wasLast = pool.state.stopSearching()
          // What woke the searcher may be more than it took.
          if found != nil && wasLast && pool.hasQueuedWork { pool.wakeOne(takingSlots: false) }
        }
        guard let runnable = found else {
          if !becomeIdle(in: pool) { return }
          isSearching = true
          pool.state.startSearching()
          continue
        }
        activates(runnable)
        someoneWaits = !waiting.isEmpty
        execute(runnable)
        if someoneWaits, let next = waiting.pop() {
          running.store(next.bits, ordering: .relaxed)
          resume(next)
        }
        someoneWaits = false
        running.store(0, ordering: .relaxed)
      }
    }
  }

  /// Looks at the others' queues for a while: work often comes within the time that a thread takes to wake up.
  ///
  /// A short queue is left to its owner at first. A cell that is taken as soon as it has one message is idle again before its
  /// sender has written the next, and then every message costs a wake-up; a few microseconds later it has a batch.
  private func search(in pool: PoolScheduler) -> Runnable? {
    var backoff = Backoff()
    let before = othersActivations(in: pool)
    while true {
      if let runnable = next() ?? steal(in: pool, atLeast: takesSlots ? 1 : Self.longQueue) { return runnable }
      if backoff.isOver { break }
      backoff.snooze()
    }
    // Turns of a few hundred nanoseconds: what is queued there will be done before it could be moved, and messages between two
    // cores would cost more than they save. Until the next tick nobody has to be woken for short queues.
    if othersActivations(in: pool) &- before > Self.quickTurns {
      pool.state.hush()
      return nil
    }
    return steal(in: pool, atLeast: 1)
  }

  /// More turns than this in the time of a search, some microseconds, are quick.
  private static let quickTurns: UInt = 16

  private func othersActivations(in pool: PoolScheduler) -> UInt {
    var sum: UInt = 0
    for other in pool.others {
      sum &+= other._withUnsafeGuaranteedRef { $0 === self ? 0 : $0.activations.load(ordering: .relaxed) }
    }
    return sum
  }

  private static let longQueue: UInt = 128

  private func steal(in pool: PoolScheduler, atLeast length: UInt) -> Runnable? {
    let count = pool.others.count
    for i in 1..<max(count, 1) {
      let stolen = pool.others[(index + i) % count]._withUnsafeGuaranteedRef { victim -> Runnable? in
        if let runnable = queue.steal(from: victim.queue, atLeast: length) { return runnable }
        if takesSlots, let bits = victim.takeSlot() {
          takesSlots = false
          return Runnable(bits: bits)
        }
        return nil
      }
      if let stolen { return stolen }
    }
    return nil
  }

  /// Gives the thread back, after one more look behind the step that says so. True if there was something after all.
  private func becomeIdle(in pool: PoolScheduler) -> Bool {
    takesSlots = false
    pool.state.becomeIdle(index)
    guard pool.hasQueuedWork && pool.state.unidle(index) else { return false }
    // The tick may have seen everybody idle in between, and have stopped.
    pool.armTick()
    return true
  }
}

extension PoolScheduler {
  /// Work that any worker could take.
  var hasQueuedWork: Bool {
    !injector.isEmpty || !state.isHushed && others.contains { $0._withUnsafeGuaranteedRef { $0.hasQueuedWork } }
  }
}
