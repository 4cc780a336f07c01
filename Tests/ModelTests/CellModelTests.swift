import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// How an actor goes idle and is woken, by messages, by the control lane and by what comes beside the queue; that one worker at a time
  /// runs it; how it ends.
  @Suite struct Cells {
    enum Step: String {
      case send, stop, suspend, resume, parcel
    }

    private func check(
      _ steps: [[Step]], capacity: Int = 0, workers: Int = 1, startsSuspended: Bool = false, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      let name = steps.map { $0.map(\.rawValue).joined(separator: " ") }.joined(separator: " + ")
      let kind = capacity == 0 ? "" : ", capacity \(capacity)"
      Check.all("actor\(kind), \(name), \(workers) worker\(workers == 1 ? "" : "s")", fewer: fewer, location: location)
      {
        execution(steps, capacity: capacity, workers: workers, startsSuspended: startsSuspended)
      }
    }

    private func execution(
      _ steps: [[Step]], capacity: Int, workers: Int, startsSuspended: Bool
    ) -> Execution {
      let scheduler = ModelScheduler(workers: workers, posters: steps.count)
      let system = ActorSystem(
        core: SystemCore(
          name: "model", options: ActorSystem.Options(supervision: .stop, log: { _ in }), scheduler: scheduler,
          counts: scheduler.counts))
      let witness = Witness()
      var options = SpawnOptions()
      if capacity != 0 { options.mailbox = .bounded(capacity, overflow: .dropNewest) }
      let address = system.spawn("a", options: options) { Counting(witness: witness) }
      // The actor has started, and idles.
      scheduler.runAll()
      if startsSuspended {
        system.suspend(address)
        scheduler.runAll()
      }
      var threads: [() -> Void] = steps.indices.map { index in
        {
          post(steps[index], from: index, to: address, system, witness)
          scheduler.posterDone()
        }
      }
      threads += (0..<workers).map { index in { scheduler.run(index) } }
      let sends = steps.map { $0.count { $0 == .send || $0 == .parcel } }
      let stops = steps.joined().contains(.stop)
      return Execution(threads) {
        let dead = system.counts.allDeadLetters
        let trouble = witness.trouble(sends: sends, dead: dead, mayLose: stops || capacity != 0)
        let isAlive = system.counts.topLevelActors == 1
        // A system that is dropped without an end keeps its actors.
        system.requestShutdown()
        scheduler.runAll()
        let isOver = system.counts.topLevelActors == 0
        return trouble ?? (isAlive == stops ? "the actor \(stops ? "has not ended" : "has ended")" : nil)
          ?? (isOver ? nil : "the actor does not end")
      }
    }

    private func post(
      _ steps: [Step], from index: Int, to address: Address<Int>, _ system: ActorSystem, _ witness: Witness
    ) {
      var number = 0
      for step in steps {
        switch step {
        case .send:
          address.send(index * 4 + number)
          number += 1
        case .stop: system.stop(address)
        case .suspend: system.suspend(address)
        case .resume: system.resume(address)
        case .parcel:
          // As a timer or a piped result does; refused by an actor that has ended.
          let isAccepted = address.target.cell.post(MessageParcel<Int>(index * 4 + number))
          if !isAccepted { witness.refused.wrappingAdd(1, ordering: .relaxed) }
          number += 1
        }
      }
    }

    @Test func `two senders, one worker`() { check([[.send, .send], [.send]]) }
    @Test func `two senders, two workers`() { check([[.send], [.send]], workers: 2, fewer: 1) }
    @Test func `a sender and one that stops the actor`() { check([[.send, .send], [.stop]]) }
    @Test func `a sender and one that stops the actor, two workers`() {
      check([[.send], [.stop]], workers: 2, fewer: 1)
    }
    @Test func `a sender and one that suspends and resumes`() { check([[.send, .send], [.suspend, .resume]]) }
    @Test func `suspended once more, then resumed`() {
      check([[.send], [.suspend, .resume]], startsSuspended: true)
    }
    @Test func `a bounded mailbox that drops the newest`() { check([[.send, .send], [.send]], capacity: 1) }
    @Test func `messages, and others that come beside the queue`() {
      check([[.send, .parcel, .send], [.parcel]])
    }
    @Test func `what comes beside the queue, and the end`() { check([[.send, .parcel], [.stop]]) }
    @Test func `two that stop it`() { check([[.stop], [.stop]], workers: 2, fewer: 1) }
  }
}

/// What the actor saw. Relaxed words of the library: the sanitizer must not take them for synchronisation of the program's.
private final class Witness: Sendable {
  private let isInside = Synchronization.Atomic<Bool>(false)
  private let overlaps = Synchronization.Atomic<Int>(0)
  private let order = Synchronization.Atomic<UInt64>(0)
  let count = Synchronization.Atomic<Int>(0)
  let refused = Synchronization.Atomic<Int>(0)

  func handle(_ number: Int) {
    if isInside.exchange(true, ordering: .relaxed) { overlaps.wrappingAdd(1, ordering: .relaxed) }
    // A step at which others may come in.
    ModelSystem.step()
    let place = count.wrappingAdd(1, ordering: .relaxed).oldValue
    order.bitwiseOr(UInt64(number + 1) << UInt64(4 * place), ordering: .relaxed)
    isInside.store(false, ordering: .relaxed)
  }

  private var numbers: [Int] {
    let order = order.load(ordering: .relaxed)
    return (0..<count.load(ordering: .relaxed)).map { Int(order >> UInt64(4 * $0) & 15) - 1 }
  }

  func trouble(sends: [Int], dead: Int, mayLose: Bool) -> String? {
    let numbers = numbers
    let total = sends.reduce(0, +) - refused.load(ordering: .relaxed)
    if overlaps.load(ordering: .relaxed) > 0 { return "two workers ran it at a time" }
    if numbers.count + dead != total { return "of \(total), handled \(numbers), dead letters \(dead)" }
    if !mayLose && dead > 0 { return "\(dead) dead letters" }
    for sender in sends.indices {
      let own = numbers.filter { $0 / 4 == sender }
      if own != own.sorted() || Set(own).count != own.count { return "handled \(numbers)" }
    }
    return nil
  }
}

private struct Counting: Behavior {
  let witness: Witness
  mutating func receive(_ message: consuming Int, in context: Context<Int>) { witness.handle(message) }
}

/// A line of what can run, and workers that are threads of the model. A wake-up that is lost leaves messages behind.
private final class ModelScheduler: Scheduler, @unchecked Sendable {
  unowned(unsafe) var executor: WorkerExecutor!
  private let lock = FutexLock()
  private var line: [Runnable] = []
  private let length = TroupeModel.Atomic<Int>(0)
  private var workers: [Worker] = []
  private let posters: TroupeModel.Atomic<Int>

  init(workers count: Int, posters: Int) {
    self.posters = TroupeModel.Atomic(posters)
    workers = (0..<count).map { _ in Worker(self) }
  }

  var counts: [WorkerCounts] { workers.map(\.counts) }

  func schedule(_ runnable: Runnable) {
    lock.withLock {
      line.append(runnable)
      length.store(line.count, ordering: .releasing)
    }
  }
  func yield(_ cell: Cell, on worker: Worker) { schedule(Runnable(cell)) }
  func nextRandom() -> UInt64 { 0 }
  var preciseNow: Int64 { 0 }
  var coarseNow: Int64 { 0 }
  var latestNow: Int64 { 0 }
  func deadline(after delay: Duration) -> Int64 { .max }
  func add(_ timer: Timer) {}
  func cancel(_ timer: Timer) {}
  func stop() { for worker in workers { worker.loops.end(on: worker) } }
  var runsEverything: Bool { true }

  private func step(_ worker: Worker) -> Bool {
    // To look changes nothing, so that two workers without work do not keep each other awake.
    if length.load(ordering: .acquiring) == 0 { return false }
    guard let next = lock.withLock({ take() }) else { return false }
    worker.asCurrent { worker.execute(next) }
    return true
  }

  private func take() -> Runnable? {
    guard !line.isEmpty else { return nil }
    length.store(line.count - 1, ordering: .releasing)
    return line.removeFirst()
  }

  /// Outside of the model's threads.
  func runAll() { while step(workers[0]) {} }

  func posterDone() { posters.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

  /// A worker: runs what there is until nothing can come any more.
  func run(_ index: Int) {
    while true {
      let isOver = posters.load(ordering: .acquiring) == 0
      if step(workers[index]) { continue }
      if isOver { return }
      ModelSystem.pause()
    }
  }
}
