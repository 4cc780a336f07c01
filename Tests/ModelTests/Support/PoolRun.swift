import Synchronization
import Testing
import TroupeModel

@testable import Troupe

/// One execution with a pool. What it runs are pieces, whose turn is one call of a closure: cells without a behavior,
/// and jobs, of a serial executor or of none.
final class PoolRun {
  typealias Turn = (PoolRun) -> Void

  let pool: PoolScheduler
  private var kinds: [CellKind] = []
  private var cells: [Cell] = []
  /// By piece; nil for a cell.
  private var jobs: [ModelJob?] = []
  /// By piece; nil for a cell, and for a job of no executor of its own.
  private var homes: [LoopExecutor?] = []
  private let taskExecutor: WorkerExecutor
  private let turns: [Int: Turn]
  // Four bits a piece. Relaxed words of the library: the sanitizer must not take them for synchronisation of
  // the program's.
  private let asked = Synchronization.Atomic<UInt64>(0)
  private let ran = Synchronization.Atomic<UInt64>(0)
  /// Plain memory, written by who schedules and read and written by who runs: the pool has to publish it.
  private let notes: UnsafeMutablePointer<Int>
  private var trouble: String?
  /// For turns that wait for other turns.
  private let flag = TroupeModel.Atomic<Bool>(false)

  /// The system that the cells belong to, for the sake of form.
  static let core: SystemCore = {
    let pool = PoolScheduler(workers: 1)
    return SystemCore(
      name: "model", options: ActorSystem.Options(log: { _ in }), scheduler: pool, counts: pool.workers.map(\.counts))
  }()

  /// With workers that idle. Each piece counts as one that ran on another worker last, if the scenario says so. The
  /// pieces of `loops` are jobs of one serial executor for each list, those of `tasks` are jobs of no executor.
  init(
    pieces: Int, workers: Int, areForeign: Bool = false, loops: [[Int]] = [], tasks: [Int] = [],
    turns: [Int: Turn]
  ) {
    ModelPool.ticks = 0
    ModelPool.mostTicks = 0
    ModelPool.startsIdle = false
    pool = PoolScheduler(workers: workers)
    taskExecutor = WorkerExecutor(pool)
    self.turns = turns
    notes = .allocate(capacity: pieces)
    notes.initialize(repeating: 0, count: pieces)
    nonisolated(unsafe) unowned(unsafe) let run = self
    for piece in 0..<pieces {
      let place = Self.core.table.place(nil)
      // Its memory is nobody's: no message comes.
      let bits = UnsafeRawPointer(notes)
      let kind = CellKind(key: bits, body: .sync { _, _ in run.turn(of: piece) }, messageType: bits)
      kinds.append(kind)
      let cell = Cell(byteCount: 16, alignment: 16, sizeClass: 0, options: SpawnOptions(), place: place)
      cell.begin(
        at: place, kind: .passUnretained(kind), isRestartable: false)
      if areForeign { _ = cell.moves(to: 63) }
      // Of those that overflow, the ones that have never run go elsewhere than the others: some of each.
      if piece % 2 == 0 { cell.life.phase = .running }
      cells.append(cell)
    }
    jobs = Array(repeating: nil, count: pieces)
    homes = Array(repeating: nil, count: pieces)
    for loop in loops {
      let executor = LoopExecutor(pool, runsHandlers: false)
      let busy = Busy()
      for piece in loop {
        homes[piece] = executor
        jobs[piece] = ModelJob(
          onSerialExecutor: {
            if busy.isBusy { run.trouble = "two jobs of an executor run at a time" }
            busy.isBusy = true
            run.turn(of: piece)
            ModelSystem.step()
            busy.isBusy = false
          }, onTaskExecutor: { run.trouble = "a job runs where it does not belong" })
      }
    }
    for piece in tasks {
      // Where it waited for a turn it finds out that it belongs elsewhere.
      jobs[piece] = ModelJob(onSerialExecutor: { run.goHome(piece) }, onTaskExecutor: { run.turn(of: piece) })
    }
  }

  /// Plain memory, which the executor has to publish.
  private final class Busy { var isBusy = false }

  deinit { notes.deallocate() }

  /// Makes a piece runnable. It must not be, or be running, at that time.
  func schedule(_ piece: Int) {
    note(piece, 1)
    guard let job = jobs[piece] else { return pool.schedule(Runnable(cells[piece])) }
    if let home = homes[piece] { home.add(job.bits) } else { pool.schedule(Runnable(job.bits)) }
  }

  private func goHome(_ piece: Int) { if let job = jobs[piece] { pool.schedule(Runnable(job.bits)) } }

  /// From within the turn of a job: makes it run again after something else has had a turn. What it does after this,
  /// another thread may do at the same time.
  func waitATurn(_ piece: Int) {
    note(piece, 1)
    if let job = jobs[piece], !ModelTurns.wait(job.bits) { trouble = "a job does not run on a worker" }
  }

  /// From within its own turn: makes it run again after the others.
  func yield(_ piece: Int) {
    note(piece, 1)
    pool.yield(Runnable(cells[piece]), on: Worker.current!)
  }

  private func note(_ piece: Int, _ value: Int) {
    asked.wrappingAdd(1 << UInt64(4 * piece), ordering: .relaxed)
    notes[piece] = value
  }

  private func turn(of piece: Int) {
    if notes[piece] != 1 { trouble = "piece \(piece) has its turn before it was scheduled, or again" }
    notes[piece] = 2
    let worker = unsafeDowncast(Worker.current!, to: PoolWorker.self)
    if worker.isIdle { trouble = "a worker runs that says it idles" }
    ran.wrappingAdd(1 << UInt64(4 * piece), ordering: .relaxed)
    turns[piece]?(self)
  }

  /// How often a piece has had its turn so far.
  func turnCount(of piece: Int) -> Int { Int(ran.load(ordering: .relaxed) >> UInt64(4 * piece) & 15) }

  func raiseFlag() { flag.store(true, ordering: .releasing) }
  /// Does not return before another turn has raised the flag.
  func waitForFlag() { while !flag.load(ordering: .acquiring) { ModelSystem.pause() } }

  /// Does not return before the tick has come.
  func waitForTick() {
    Worker.withCurrent { worker in
      let before = worker.ticks.load(ordering: .relaxed)
      while worker.ticks.load(ordering: .relaxed) == before { ModelSystem.pause() }
    }
  }

  /// From within a turn: something is wrong.
  func fail(_ trouble: String) { self.trouble = trouble }

  /// What must hold when nobody can go on. Nil: it does not matter how many turns were asked for.
  func trouble(asked expected: Int?) -> String? {
    let pieces = cells.indices
    let counts = { (word: borrowing Synchronization.Atomic<UInt64>) in
      let bits = word.load(ordering: .relaxed)
      return pieces.map { Int(bits >> UInt64(4 * $0) & 15) }
    }
    let (asked, ran) = (counts(self.asked), counts(self.ran))
    if let expected, asked.reduce(0, +) != expected { return "asked for \(asked), of \(expected)" }
    if asked != ran { return "asked for \(asked), ran \(ran); \(places)" }
    if let trouble { return trouble }
    if ModelPool.startsIdle { return "a worker is started that says it idles" }
    if ModelPool.mostTicks > 1 { return "\(ModelPool.mostTicks) ticks were ordered at a time" }
    if !pool.state.isAllIdle(pool.workers.count) { return "a worker without a thread does not idle" }
    for _ in 0..<8 { pool.state.tickPasses() }
    if !pool.state.mayWakeOne { return "a worker without a thread searches" }
    return places == "" ? nil : "something is left: \(places)"
  }

  private var places: String {
    var places = pool.injector.isEmpty ? [] : ["the injector is not empty"]
    if !pool.unstarted.isEmpty { places.append("the line of the unstarted is not empty") }
    for worker in pool.workers where worker.hasWork { places.append("worker \(worker.index) has something") }
    return places.joined(separator: ", ")
  }
}
