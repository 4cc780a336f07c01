import Synchronization
import Testing
import TroupeModel

@testable import Troupe

/// What pools run in scenarios: cells without a behavior, whose turn is one call of a closure. They keep nothing from one execution to
/// the next, so they are made once for all.
final class PoolStage {
  typealias Turn = (PoolRun) -> Void

  private let core: SystemCore
  private(set) var cells: [Cell] = []
  /// The execution under way.
  fileprivate var run: PoolRun!

  init(pieces: Int) {
    let pool = PoolScheduler(workers: 1)
    core = SystemCore(
      name: "model", options: ActorSystem.Options(log: { _ in }), scheduler: pool, counts: pool.workers.map(\.counts))
    for index in 0..<pieces {
      let (queue, storage) = BehaviorStorage<Never, Never>.allocate(capacity: 0, ring: 0, initial: 0)
      nonisolated(unsafe) unowned(unsafe) let stage = self
      cells.append(
        Cell(
          queue: queue, storage: storage, options: SpawnOptions(), isRestartable: false,
          body: .sync { _, _ in stage.run.turn(of: index) }, place: core.table.place(nil),
          messageType: unsafeBitCast(Never.self, to: UnsafeRawPointer.self), shape: QueueShape(Never.self)))
    }
  }

  /// A pool with workers that idle, and the turns of its pieces.
  func begin(workers: Int, turns: [Int: Turn]) -> PoolRun {
    ModelPool.ticks = 0
    ModelPool.mostTicks = 0
    run = PoolRun(self, PoolScheduler(workers: workers), turns)
    return run
  }
}

/// One execution with a pool.
final class PoolRun {
  let pool: PoolScheduler
  private unowned let stage: PoolStage
  private let turns: [Int: PoolStage.Turn]
  // Four bits a piece. Relaxed words of the library: the sanitizer must not take them for synchronisation of the program's.
  private let asked = Synchronization.Atomic<UInt64>(0)
  private let ran = Synchronization.Atomic<UInt64>(0)
  /// Plain memory, written by who schedules and read and written by who runs: the pool has to publish it.
  private let notes: UnsafeMutablePointer<Int>
  private var trouble: String?
  /// For turns that wait for other turns.
  private let flag = TroupeModel.Atomic<Bool>(false)

  fileprivate init(_ stage: PoolStage, _ pool: PoolScheduler, _ turns: [Int: PoolStage.Turn]) {
    self.stage = stage
    self.pool = pool
    self.turns = turns
    notes = .allocate(capacity: stage.cells.count)
    notes.initialize(repeating: 0, count: stage.cells.count)
  }

  deinit { notes.deallocate() }

  /// Makes a piece runnable. It must not be, or be running, at that time.
  func schedule(_ piece: Int) {
    note(piece, 1)
    pool.schedule(Runnable(stage.cells[piece]))
  }

  /// From within its own turn: makes it run again after the others.
  func yield(_ piece: Int) {
    note(piece, 1)
    pool.yield(stage.cells[piece], on: Worker.current!)
  }

  private func note(_ piece: Int, _ value: Int) {
    asked.wrappingAdd(1 << UInt64(4 * piece), ordering: .relaxed)
    notes[piece] = value
  }

  fileprivate func turn(of piece: Int) {
    if notes[piece] != 1 { trouble = "piece \(piece) has its turn before it was scheduled, or again" }
    notes[piece] = 2
    let worker = unsafeDowncast(Worker.current!, to: PoolWorker.self)
    if ModelSystem.quietly({ pool.state.isIdle(worker.index) }) { trouble = "a worker runs that says it idles" }
    ran.wrappingAdd(1 << UInt64(4 * piece), ordering: .relaxed)
    turns[piece]?(self)
  }

  /// How often a piece has had its turn so far.
  func turnCount(of piece: Int) -> Int { Int(ran.load(ordering: .relaxed) >> UInt64(4 * piece) & 15) }

  func raiseFlag() { flag.store(true, ordering: .releasing) }
  /// Does not return before another turn has raised the flag.
  func waitForFlag() { while !flag.load(ordering: .acquiring) { ModelSystem.pause() } }

  /// What must hold when nobody can go on.
  func trouble(asked expected: Int) -> String? {
    let pieces = stage.cells.indices
    let counts = { (word: borrowing Synchronization.Atomic<UInt64>) in
      let bits = word.load(ordering: .relaxed)
      return pieces.map { Int(bits >> UInt64(4 * $0) & 15) }
    }
    let (asked, ran) = (counts(self.asked), counts(self.ran))
    if asked.reduce(0, +) != expected { return "asked for \(asked), of \(expected)" }
    if asked != ran { return "asked for \(asked), ran \(ran); \(places)" }
    if let trouble { return trouble }
    if ModelPool.mostTicks > 1 { return "\(ModelPool.mostTicks) ticks were ordered at a time" }
    if !pool.state.isAllIdle(pool.workers.count) { return "a worker without a thread does not idle" }
    for _ in 0..<8 { pool.state.tickPasses() }
    if !pool.state.mayWakeOne { return "a worker without a thread searches" }
    return places == "" ? nil : "something is left: \(places)"
  }

  private var places: String {
    var places = pool.injector.isEmpty ? [] : ["the injector is not empty"]
    for worker in pool.workers where worker.hasWork { places.append("worker \(worker.index) has something") }
    return places.joined(separator: ", ")
  }
}
