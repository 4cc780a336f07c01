internal import CTroupeShims
import Synchronization

/// A worker of the pool. It has a queue of runnables of its own, and a slot for the runnable that it woke last, which
/// runs next. Because of the slot, a message and the answer to it are handled on one core.
///
/// Sendable because what is not atomic is touched only by the thread that runs the worker, or only by the tick.
final class PoolWorker: Worker, @unchecked Sendable {
  let index: Int
  let dispatchQueue: WorkerQueue
  // The pool holds its workers, so this reference need not be counted. To count it would mean that all workers change
  // one word all the time.
  let unmanagedPool: Unmanaged<PoolScheduler>
  private let queue = LocalQueue()
  /// The bits of the runnable that this worker woke last, or 0. Each step that puts one in or takes one out is an
  /// exchange, because a worker that the tick has started, or that finds this one held up, may take it.
  private let nextToRun = Atomic<UInt>(0)
  /// The runnables that `takeShared` moves from a shared queue to the worker's own. It is empty between two calls, and
  /// a property only so that its memory is used again.
  @exclusivity(unchecked) private var fromOutside: [Runnable] = []
  /// Whether a task was in `yielded` before the turn that is under way began. Only then a task goes on when the turn
  /// ends: one that gave up its turn during this turn has to wait for the end of the next.
  @exclusivity(unchecked) private var hadYieldedTasks = false
  /// Whether this worker may also take what lies in the slots of the others. Whoever starts the worker sets it, and it
  /// is true if that was the tick.
  @exclusivity(unchecked) var mayStealNext = false
  /// How many more times in a row the slot goes before the queue.
  @exclusivity(unchecked) private var nextBudget = PoolWorker.nextBudget
  /// How many runnables each of the others had begun at the time `activationsSeen`; see `takeFromHeldUp`.
  @exclusivity(unchecked) private var seenActivations: [UInt] = []
  @exclusivity(unchecked) private var activationsSeen: Int64 = 0
  /// When the worker had work again after it had run out of it, and how many runnables it had begun by then. The search
  /// counts as work. Kept only if there are sockets.
  @exclusivity(unchecked) private var stretchBegan: Int64 = 0
  @exclusivity(unchecked) private var activationsBefore: UInt = 0
  @exclusivity(unchecked) private var lastTick: UInt32 = 0
  @exclusivity(unchecked) private var turns: UInt = 0
  @exclusivity(unchecked) private var spreading = Spreading()
  /// Whether `Spreading` has found that this worker should retire. It does so after the turn in hand.
  @exclusivity(unchecked) private var isToRetire = false
  /// The number of crossings: wake-ups, by what runs on this worker, of cells that another worker woke last. Only this
  /// worker writes it, so a load and a store are enough. Others read it to add up those of all workers.
  let crossings = Atomic<UInt>(0)
  /// The number of runnables that this worker has begun. Only this worker writes it. The tick and the watchdog compare
  /// it with what they saw before, to find out whether the worker is stuck in a handler.
  let activations = Atomic<UInt>(0)
  /// The bits of the runnable in hand, or 0. The watchdog reads it. The runnable is not retained and may be gone, so
  /// the bits must only be compared.
  let running = Atomic<UInt>(0)
  /// The value of `activations` that the last tick saw. Only the tick touches it.
  private var activationsAtTick: UInt = 0

  /// How many times in a row the slot goes before the queue. After that the queue comes first once, so that two actors
  /// that play ping-pong do not starve the others.
  private static var nextBudget: Int { PoolSizes.nextBudget }

  init(_ pool: PoolScheduler, index: Int) {
    unmanagedPool = .passUnretained(pool)
    self.index = index
    dispatchQueue = PoolWorker.makeQueue(index)
    super.init(pool)
  }

  /// The tasks that gave up their turn on this worker, oldest first. The worker pushes and pops. The tick pops as well,
  /// from its own thread, when the worker is stuck.
  private let yielded = LocalQueue()

  /// Puts a task that gives up its turn in line. If the line is full it goes to the end of the worker's queue.
  override func runAfterCurrent(_ runnable: Runnable) {
    if !yielded.push(runnable) { pushLast(runnable) }
  }

  /// Called by the tick when the turn in hand does not end: makes the tasks that wait for its end runnable, so that
  /// they go on on other workers.
  func releaseYielded() {
    while let runnable = yielded.pop() { Self.release(runnable) }
  }

  /// Whether this worker waits in the poller: `onThread`, `inPoller` or `isLeaving`. While it waits it is idle, and may
  /// be claimed like any other.
  ///
  /// Relaxed, but for the two exchanges, which decide which of two threads goes on. What they publish is published by
  /// the steps on the word of the idle workers, which come before the one and after the other.
  let place = Atomic<UInt8>(0)

  // MARK: Cells of actors that have ended

  @exclusivity(unchecked) private var cells = CellCache()

  override func takeCell(_ sizeClass: Int) -> Unmanaged<Cell>? {
    unmanagedPool._withUnsafeGuaranteedRef { cells.take(sizeClass, $0.depot) }
  }
  override func keepCell(_ cell: Unmanaged<Cell>) {
    let sizeClass = cell._withUnsafeGuaranteedRef { Int($0.sizeClass) }
    unmanagedPool._withUnsafeGuaranteedRef { cells.put(cell, sizeClass, $0.depot) }
  }

  /// The number of freed bytes that the depot has not been told of yet.
  @exclusivity(unchecked) private var freedBytes = 0

  override func freedMemory(_ bytes: Int) {
    freedBytes += bytes
    guard freedBytes >= CellDepot.bytesTogether else { return }
    unmanagedPool._withUnsafeGuaranteedRef { $0.depot.freed(freedBytes) }
    freedBytes = 0
  }

  /// Whether there is anything in the slot or in the queue. The tick asks, and a stale answer only means that it acts
  /// one tick later.
  var hasWork: Bool { nextToRun.load(ordering: .relaxed) != 0 || !queue.isEmpty }

  /// Whether there is anything that other workers may steal at any time, which the slot is not.
  var hasQueuedWork: Bool { !queue.isEmpty }

  /// Whether so much waits in the queue that it pays to wake another worker.
  var hasWorkToShare: Bool {
    queue.count >= unmanagedPool._withUnsafeGuaranteedRef { $0.state.worthWaking.load(ordering: .relaxed) }
  }

  /// Called by the tick. Returns how many runnables this worker has begun since the last tick.
  func tickPasses() -> UInt {
    ticks.wrappingAdd(1, ordering: .relaxed)
    let number = activations.load(ordering: .relaxed)
    defer { activationsAtTick = number }
    return number &- activationsAtTick
  }

  // MARK: On its own thread

  /// Puts a runnable that was woken on this worker into the slot. What was there before goes to the end of the queue.
  override func push(_ runnable: Runnable) {
    if runnable.isCell && runnable.cell._withUnsafeGuaranteedRef({ $0.moves(to: index) }) {
      crossings.store(crossings.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
    // Acquire-release. It publishes what the runnable refers to, and pairs with the exchange in `takeNext` on whichever
    // thread takes it; it acquires because the worker goes on with what it displaces.
    let displaced = nextToRun.exchange(runnable.bits, ordering: .acquiringAndReleasing)
    if displaced != 0 { pushLast(Runnable(bits: displaced)) }
  }

  /// Puts a runnable at the end of the queue.
  func pushLast(_ runnable: Runnable) {
    if !queue.push(runnable) { overflow(runnable) }
    // There is more to do now than what this worker runs next, so an idle worker can help.
    unmanagedPool._withUnsafeGuaranteedRef {
      if $0.state.mayWakeOne && hasWorkToShare { $0.wakeOne(mayStealNext: false) }
    }
  }

  /// Called when the queue is full: moves its older half, and the runnable that did not fit, to the queues that all
  /// workers share.
  ///
  /// Cells that have never run go to a queue of their own, of which the newest are taken first. Because of this, actors
  /// that spawn actors that spawn actors grow in depth and not in breadth: no more of them live at a time than a few
  /// queues hold, in memory that is still in the caches, instead of a million. That a work-stealing scheduler needs
  /// little space in this way is due to Blumofe and Leiserson (1999).
  private func overflow(_ runnable: Runnable) {
    var started: [Runnable] = []
    var unstarted: [Runnable] = []
    for moved in queue.takeHalf() + CollectionOfOne(runnable) {
      // The runnable is in no queue now, so no other worker can run the cell, and its phase can be read.
      if moved.isCell && moved.cell._withUnsafeGuaranteedRef({ $0.life.phase == .starting }) {
        unstarted.append(moved)
      } else {
        started.append(moved)
      }
    }
    unmanagedPool._withUnsafeGuaranteedRef {
      if !started.isEmpty { $0.injector.push(started) }
      if !unstarted.isEmpty { $0.unstarted.push(unstarted) }
      $0.wakeOne(mayStealNext: false)
    }
  }

  /// Takes what this worker runs next, or returns nil if there is nothing in the slot, the queue, or the shared queues.
  /// Every 61st time, and after each tick, it looks at the shared queues first, so that what comes from outside does
  /// not wait for ever behind a worker's own work.
  private func next() -> Runnable? {
    turns &+= 1
    let now = ticks.load(ordering: .relaxed)
    if now != lastTick {
      lastTick = now
      lookAtPoller()
      // After a tick the oldest of the unstarted cells come first, so that none waits for ever behind newer ones.
      if let found = takeShared(16, oldest: true) { return found }
    } else if turns % 61 == 0 {
      lookAtPoller()
      if let found = takeShared(16) { return found }
    }
    if nextBudget > 0 {
      if let bits = takeNext() {
        nextBudget -= 1
        return Runnable(bits: bits)
      }
    }
    nextBudget = Self.nextBudget
    if let own = queue.pop() { return own }
    if let bits = takeNext() { return Runnable(bits: bits) }
    return takeShared(128)
  }

  /// Empties the slot and returns the bits of what was in it, if anything. The worker calls it for its own slot, and
  /// for those of others if the tick has started it or they are held up.
  private func takeNext() -> UInt? {
    if nextToRun.load(ordering: .relaxed) == 0 { return nil }
    let bits = nextToRun.exchange(0, ordering: .acquiringAndReleasing)
    return bits == 0 ? nil : bits
  }

  /// Takes up to `limit` runnables from the shared queues, as far as the worker's queue has room. Returns the first,
  /// and puts the others into the worker's queue, from which other workers may steal them.
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

  /// Returns the next asynchronous cell to the loop that calls this. What comes before that cell and is none runs here,
  /// on top of the loop, which has nothing to do meanwhile: to park the loop and to set it going again would cost more
  /// than most turns take. A loop that itself runs on top of another, because its handler was suspended before, gets
  /// nil and parks, so that the stack does not grow.
  override func nextAsync() -> Unmanaged<Cell>? {
    if isOnTop { return nil }
    while true {
      // A worker retires in its outermost function, `run(in:)`, so the loop has to park first.
      if isToRetire { return nil }
      if hadYieldedTasks {
        hadYieldedTasks = false
        if let next = yielded.pop() {
          running.store(next.bits, ordering: .relaxed)
          onTop { resume(next) }
        }
      }
      if let runnable = next() {
        activates(runnable)
        hadYieldedTasks = !yielded.isEmpty
        if runnable.isCell && runnable.cell._withUnsafeGuaranteedRef({ $0.isAsync }) { return runnable.cell }
        onTop { execute(runnable) }
      } else if let next = yielded.pop() {
        activates(next)
        onTop { resume(next) }
      } else {
        return nil
      }
    }
  }

  /// Notes that a runnable begins, for the tick and the watchdog, and from time to time asks `Spreading` whether this
  /// worker should retire.
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

  /// Gives all that this worker has to the others, and then its thread back, for as long as the pool is quiet. Returns
  /// false if the worker has to go on, because no other worker has a thread or because tasks wait for their turn here.
  private func retire(in pool: PoolScheduler) -> Bool {
    isToRetire = false
    let count = pool.others.count
    guard yielded.isEmpty && pool.state.active(of: count) > 1 else { return false }
    var left: [Runnable] = []
    if let bits = takeNext() { left.append(Runnable(bits: bits)) }
    while let runnable = queue.pop() { left.append(runnable) }
    // This has to come before the step in `PoolState.retire` that makes the worker idle. Whoever has a thread at that
    // step looks at the injector before it goes idle, and finds this.
    if !left.isEmpty { pool.injector.push(left) }
    pool.state.beQuiet()
    return pool.state.retire(index, of: count)
  }

  /// Runs on a thread of Dispatch until there is nothing left to do, or until the worker retires.
  func runUntilNothingIsLeft() {
    unmanagedPool._withUnsafeGuaranteedRef { pool in asCurrent { run(in: pool) } }
  }

  private func run(in pool: PoolScheduler) {
    do {
      let now = troupe_clock_now()
      spreading.restart(at: now, own: crossings.load(ordering: .relaxed))
      beginStretch(at: now)
      var isSearching = true
      while true {
        var found = next()
        if found == nil {
          if let next = yielded.pop() {
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
          // There may be more work than this worker took. While it was searching nobody else was woken for that, so the
          // last searcher wakes the next one.
          if found != nil && wasLast && (pool.hasWorkToShare || leavesSockets(in: pool)) {
            pool.wakeOne(mayStealNext: false)
          }
        }
        guard let runnable = found else {
          switch becomeIdle(in: pool) {
          case .idle: return
          case .awake: pool.state.startSearching()
          // Whoever claimed the worker has counted it as one that searches.
          case .claimed: break
          }
          isSearching = true
          continue
        }
        activates(runnable)
        hadYieldedTasks = !yielded.isEmpty
        execute(runnable)
        if hadYieldedTasks, let next = yielded.pop() {
          running.store(next.bits, ordering: .relaxed)
          resume(next)
        }
        hadYieldedTasks = false
        running.store(0, ordering: .relaxed)
        if isToRetire && retire(in: pool) { return }
      }
    }
  }

  /// Looks for work in all queues for a few microseconds, since work often comes within the time that it would take to
  /// wake a thread. Returns nil if none was found.
  ///
  /// A queue shorter than `longQueue` is left to its owner until the end of the search. A cell that is stolen as soon
  /// as it has one message would be idle again before its sender has written the next, and every message would cost a
  /// wake-up. A few microseconds later the cell has a batch of messages.
  private func search(in pool: PoolScheduler) -> Runnable? {
    var backoff = Backoff()
    if let poller = pool.existingPoller, poller._withUnsafeGuaranteedRef({ $0.isWanted }) {
      let now = troupe_clock_now()
      noteStretch(endsAt: now)
      let found = takeFromHeldUp(in: pool, at: now)
      // Also if something was found, so that the sockets need not wait for a worker that is held up again and again.
      poller._withUnsafeGuaranteedRef { if $0.lacksWaiter { $0.look() } }
      if let found { return found }
    }
    while true {
      if let runnable = next() ?? steal(in: pool, atLeast: mayStealNext ? 1 : Self.longQueue) { return runnable }
      if backoff.isOver || pool.state.hasManySearchers(of: pool.others.count) { break }
      backoff.snooze()
    }
    return pool.state.isQuiet ? nil : steal(in: pool, atLeast: 1)
  }

  private static let longQueue: UInt = 128

  /// Notes that the worker has run out of work, and how long the turns took that it has made since it had work again.
  /// Called only if there are sockets.
  func noteStretch(endsAt now: Int64) {
    let turns = Int64(activations.load(ordering: .relaxed) &- activationsBefore)
    if turns > 0 {
      unmanagedPool._withUnsafeGuaranteedRef { $0.state.note(turnTime: (now - stretchBegan) / turns) }
    }
    beginStretch(at: now)
  }

  /// Notes that the worker has something to run again.
  func beginStretch(at now: Int64) {
    stretchBegan = now
    activationsBefore = activations.load(ordering: .relaxed)
  }

  /// Whether nobody would hear of the sockets while this worker, which has just found something to run, is in a turn
  /// that may last: no other worker waits in the poller or searches, and turns have taken a quarter of a millisecond
  /// lately. Then another worker is woken, and waits in the poller. For shorter turns that would cost more than it
  /// gains.
  private func leavesSockets(in pool: PoolScheduler) -> Bool {
    pool.state.turnTime > PoolSizes.longTurn && pool.pollerLacksWaiter
  }

  /// Takes what waits behind a worker that has begun nothing for 100 microseconds: because its thread has lost the
  /// processor to another program, or because its handler takes long. Takes half of its queue, or what lies in its
  /// slot.
  ///
  /// Without this, a worker that finds something in the poller each time it searches would never look at what the
  /// others have, and the tick helps only if a worker idles. `Docs/Architecture.md` has figures.
  func takeFromHeldUp(in pool: PoolScheduler, at now: Int64) -> Runnable? {
    if now &- activationsSeen < PoolSizes.heldUpAfter { return nil }
    let count = pool.others.count
    for i in 1..<max(count, 1) where i <= seenActivations.count {
      let number = (index + i) % count
      let taken = pool.others[number]._withUnsafeGuaranteedRef { other -> Runnable? in
        // Relaxed: the number only decides whether anything is taken. What is taken is published by the steps of the
        // queue and of the slot.
        if other.activations.load(ordering: .relaxed) != seenActivations[number] { return nil }
        return queue.steal(from: other.queue, atLeast: 1) ?? other.takeNext().map { Runnable(bits: $0) }
      }
      if let taken { return taken }
    }
    // There is nothing to take, so they are looked at anew.
    if seenActivations.isEmpty { seenActivations = Array(repeating: 0, count: count) }
    for number in 0..<count {
      seenActivations[number] = pool.others[number]._withUnsafeGuaranteedRef { $0.activations.load(ordering: .relaxed) }
    }
    activationsSeen = now
    return nil
  }

  /// Takes half of the first queue that has at least `length` runnables, beginning with the worker after this one, and
  /// returns one of them. If `mayStealNext` is set, takes what lies in one other worker's slot instead.
  private func steal(in pool: PoolScheduler, atLeast length: UInt) -> Runnable? {
    let count = pool.others.count
    for i in 1..<max(count, 1) {
      let stolen = pool.others[(index + i) % count]._withUnsafeGuaranteedRef { victim -> Runnable? in
        if let runnable = queue.steal(from: victim.queue, atLeast: length) { return runnable }
        if mayStealNext, let bits = victim.takeNext() {
          mayStealNext = false
          return Runnable(bits: bits)
        }
        return nil
      }
      if let stolen { return stolen }
    }
    return nil
  }
}
