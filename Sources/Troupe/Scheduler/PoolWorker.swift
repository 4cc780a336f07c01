internal import CTroupeShims
import Synchronization

/// A worker of the pool: a queue of its own, and a slot for what it woke last, which runs next. The slot is
/// what makes a message and its answer stay on one core.
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
  @exclusivity(unchecked) private var spreading = Spreading()
  @exclusivity(unchecked) private var isToRetire = false
  /// Wake-ups, by what runs here, of cells that were woken on another worker last. Written by this worker;
  /// others add them up.
  let crossings = Atomic<UInt>(0)
  let activations = Atomic<UInt>(0)
  /// What runs, for the watchdog: bits of a runnable, or 0. Not retained, so it is good for comparing only.
  let running = Atomic<UInt>(0)
  /// The tick's own.
  var activationsAtTick: UInt = 0

  /// After so many turns the slot queues up behind the others, so that a pair that plays ping-pong starves nobody.
  private static var slotBudget: Int { PoolShape.slotBudget }

  init(_ pool: PoolScheduler, index: Int) {
    unmanagedPool = .passUnretained(pool)
    self.index = index
    dispatchQueue = PoolWorker.makeQueue(index)
    super.init(pool)
  }

  /// Tasks that gave up their turn, the first in line first. The tick may take them away.
  private let waiting = LocalQueue()

  override func runAfterCurrent(_ runnable: Runnable) {
    if !waiting.push(runnable) { pushLast(runnable) }
  }

  /// From the tick: the turn does not end, and who waits for its end goes on elsewhere.
  func releaseYielded() {
    while let runnable = waiting.pop() { Self.release(runnable) }
  }

  // MARK: Cells of actors that have ended

  @exclusivity(unchecked) private var cells = CellCache()

  override func takeCell(_ sizeClass: Int) -> Unmanaged<Cell>? {
    unmanagedPool._withUnsafeGuaranteedRef { cells.take(sizeClass, $0.depot) }
  }
  override func keepCell(_ cell: Unmanaged<Cell>) {
    let sizeClass = cell._withUnsafeGuaranteedRef { Int($0.sizeClass) }
    unmanagedPool._withUnsafeGuaranteedRef { cells.put(cell, sizeClass, $0.depot) }
  }

  /// Bytes that the depot has not been told of yet.
  @exclusivity(unchecked) private var freedBytes = 0

  override func freedMemory(_ bytes: Int) {
    freedBytes += bytes
    guard freedBytes >= CellDepot.bytesTogether else { return }
    unmanagedPool._withUnsafeGuaranteedRef { $0.depot.freed(freedBytes) }
    freedBytes = 0
  }

  var hasWork: Bool { slot.load(ordering: .relaxed) != 0 || !queue.isEmpty }

  /// What others may steal at any time.
  var hasQueuedWork: Bool { !queue.isEmpty }

  // MARK: On its own thread

  override func push(_ runnable: Runnable) {
    if runnable.isCell && runnable.cell._withUnsafeGuaranteedRef({ $0.moves(to: index) }) {
      crossings.store(crossings.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
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
  ///
  /// Cells that have never run go to a line of their own, of which the newest are taken first. So actors that
  /// spawn actors that spawn actors grow in depth and not in breadth: as many live at a time as a few queues
  /// hold, in memory that is still in the caches, and not a million. That a work-stealing scheduler needs
  /// little space that way is due to Blumofe and Leiserson (1999).
  private func overflow(_ runnable: Runnable) {
    var started: [Runnable] = []
    var unstarted: [Runnable] = []
    for moved in queue.takeHalf() + CollectionOfOne(runnable) {
      // Nobody else has it now.
      if moved.isCell && moved.cell._withUnsafeGuaranteedRef({ $0.life.phase == .new }) {
        unstarted.append(moved)
      } else {
        started.append(moved)
      }
    }
    unmanagedPool._withUnsafeGuaranteedRef {
      if !started.isEmpty { $0.injector.push(started) }
      if !unstarted.isEmpty { $0.unstarted.push(unstarted) }
      $0.wakeOne(takingSlots: false)
    }
  }

  private func next() -> Runnable? {
    turns &+= 1
    let now = ticks.load(ordering: .relaxed)
    if now != lastTick {
      lastTick = now
      // Of those that have not started the oldest, too: they are not forgotten, however many come after them.
      if let found = takeShared(16, oldest: true) { return found }
    } else if turns % 61 == 0 {
      if let found = takeShared(16) { return found }
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
    return takeShared(128)
  }

  private func takeSlot() -> UInt? {
    if slot.load(ordering: .relaxed) == 0 { return nil }
    let bits = slot.exchange(0, ordering: .acquiringAndReleasing)
    return bits == 0 ? nil : bits
  }

  /// Takes one to run, and puts up to `limit` less one into the queue, as far as there is room.
  private func takeShared(_ limit: Int, oldest: Bool = false) -> Runnable? {
    unmanagedPool._withUnsafeGuaranteedRef { pool in
      if pool.injector.isEmpty && pool.unstarted.isEmpty { return nil }
      let limit = min(limit, queue.room + 1)
      let result =
        pool.injector.pop(limit: limit, rest: &fromOutside)
        ?? (oldest
          ? pool.unstarted.pop(limit: limit, rest: &fromOutside)
          : pool.unstarted.popNewest(limit: limit, rest: &fromOutside))
      for runnable in fromOutside where !queue.push(runnable) { overflow(runnable) }
      fromOutside.removeAll(keepingCapacity: true)
      return result
    }
  }

  /// What is no asynchronous cell runs here, on top of the loop: that has nothing to do meanwhile, and to
  /// park it and set it going again costs more than most turns. A loop that goes on there itself, after its
  /// handler was suspended, does not do the same: so the stack stays flat.
  override func nextAsync() -> Unmanaged<Cell>? {
    if isOnTop { return nil }
    while true {
      // One that retires does so in its own loop.
      if isToRetire { return nil }
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
    let number = activations.load(ordering: .relaxed) &+ 1
    activations.store(number, ordering: .relaxed)
    if number % Spreading.turns == 0 { lookAtSpreading() }
  }

  @inline(never) private func lookAtSpreading() {
    isToRetire = unmanagedPool._withUnsafeGuaranteedRef { pool in
      spreading.look(at: troupe_clock_now(), own: crossings.load(ordering: .relaxed)) { pool.crossings }
    }
  }

  /// Leaves what it has to the others and gives its thread back, for the time that the pool is quiet. False
  /// if no other has a thread.
  private func retire(in pool: PoolScheduler) -> Bool {
    isToRetire = false
    let count = pool.others.count
    guard waiting.isEmpty && pool.state.active(of: count) > 1 else { return false }
    var left: [Runnable] = []
    if let bits = takeSlot() { left.append(Runnable(bits: bits)) }
    while let runnable = queue.pop() { left.append(runnable) }
    // Before the step that makes it idle: whoever is active at that step finds it.
    if !left.isEmpty { pool.injector.push(left) }
    pool.state.beQuiet()
    return pool.state.retire(index, of: count)
  }

  func runUntilNothingIsLeft() {
    unmanagedPool._withUnsafeGuaranteedRef { pool in asCurrent { run(in: pool) } }
  }

  private func run(in pool: PoolScheduler) {
    do {
      spreading.restart(at: troupe_clock_now(), own: crossings.load(ordering: .relaxed))
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
        if isToRetire && retire(in: pool) { return }
      }
    }
  }

  /// Looks at the others' queues for a while: work often comes within the time that a thread takes to wake up.
  ///
  /// A short queue is left to its owner at first. A cell that is taken as soon as it has one message is idle
  /// again before its sender has written the next, and then every message costs a wake-up; a few microseconds
  /// later it has a batch.
  private func search(in pool: PoolScheduler) -> Runnable? {
    var backoff = Backoff()
    while true {
      if let runnable = next() ?? steal(in: pool, atLeast: takesSlots ? 1 : Self.longQueue) { return runnable }
      if backoff.isOver || pool.state.hasManySearchers(of: pool.others.count) { break }
      backoff.snooze()
    }
    return pool.state.isQuiet ? nil : steal(in: pool, atLeast: 1)
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
