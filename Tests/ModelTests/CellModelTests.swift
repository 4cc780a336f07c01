import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// How an actor goes idle and is woken, by messages, by the control lane and by what comes beside the
  /// queue; that one worker at a time runs it; how it ends.
  @Suite struct Cells {
    enum Step: String {
      case send, stop, suspend, resume, envelope, shutdown
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
      let sends = steps.map { $0.count { $0 == .send || $0 == .envelope } }
      let stops = steps.joined().contains { $0 == .stop || $0 == .shutdown }
      return Execution(threads) {
        let dead = system.counts.allDeadLetters
        let trouble = witness.trouble(sends: sends, dead: dead, mayLose: stops || capacity != 0)
        let isAlive = system.counts.topLevelActors == 1
        // A system that is dropped without an end keeps its actors.
        system.requestShutdown()
        scheduler.runAll()
        // Whoever takes the last ended child out of the table ends the shutdown.
        let isShutDown = !system.core.wakeAtEnd(ShutdownWaiter(deadline: .max))
        let isOver = system.counts.topLevelActors == 0
        return trouble ?? (isAlive == stops ? "the actor \(stops ? "has not ended" : "has ended")" : nil)
          ?? (isOver ? nil : "the actor does not end") ?? (isShutDown ? nil : "the shutdown does not end")
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
        case .shutdown: system.requestShutdown()
        case .suspend: system.suspend(address)
        case .resume: system.resume(address)
        case .envelope:
          // As a timer or a piped result does; refused by an actor that has ended.
          let isAccepted = address.target.cell.post(MessageEnvelope<Int>(index * 4 + number))
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
      check([[.send, .envelope, .send], [.envelope]])
    }
    @Test func `what comes beside the queue, and the end`() { check([[.send, .envelope], [.stop]]) }
    @Test func `one that stops the actor, and one that shuts the system down`() { check([[.stop], [.shutdown]]) }
    @Test func `two that stop it`() { check([[.stop], [.stop]], workers: 2, fewer: 1) }
  }
}
