import Synchronization
import Testing
import TroupeModel

extension ModelTests {
  /// The checker finds what it is there to find.
  @Suite struct Checker {
    private final class Words {
      let one = TroupeModel.Atomic<Int>(0)
      let two = TroupeModel.Atomic<UInt32>(0)
      var sum = 0
    }

    private func add(_ words: Words) {
      let before = words.one.load(ordering: .relaxed)
      words.one.store(before + 1, ordering: .relaxed)
    }

    @Test func `a lost update needs one preemption`() {
      func scenario() -> Execution {
        let words = Words()
        return Execution([{ add(words) }, { add(words) }]) {
          words.one.load(ordering: .relaxed) == 2 ? nil : "lost"
        }
      }
      let none = Exploration.explore(preemptions: 0, scenario)
      #expect(none.failure == nil && none.isComplete && none.executions == 2)
      let one = Exploration.explore(preemptions: 1, scenario)
      #expect(one.failure?.hasPrefix("lost") == true)
      #expect(one.preemptions == 1)
    }

    @Test func `every interleaving is met once`() {
      // Two threads of two steps each: 4! / (2! 2!).
      let words = Words()
      let result = Exploration.explore(preemptions: 9) {
        let step = { _ = words.one.load(ordering: .relaxed) }
        let other = { _ = words.two.load(ordering: .relaxed) }
        return Execution([
          {
            step()
            other()
          },
          {
            step()
            other()
          },
        ]) { nil }
      }
      // A thread's start is a choice of its own, and so is each of its two steps.
      #expect(result.isComplete && result.executions == 20)
    }

    @Test func `two that wait for each other are stuck`() {
      let result = Exploration.explore(preemptions: 1) {
        let words = Words()
        return Execution([
          { while words.one.load(ordering: .relaxed) == 0 { ModelSystem.pause() } },
          { words.two.store(1, ordering: .relaxed) },
        ]) { nil }
      }
      #expect(result.failure?.hasPrefix("nobody can go on") == true)
    }

    @Test func `a wait that nobody ends is stuck, one with a timeout is not`() {
      func scenario(_ limit: Int64) -> Exploration {
        Exploration.explore(preemptions: 1) {
          let words = Words()
          return Execution([{ sleep(on: words, limit) }, { words.two.store(0, ordering: .relaxed) }]) { nil }
        }
      }
      #expect(scenario(-1).failure?.hasPrefix("nobody can go on") == true)
      #expect(scenario(5).failure == nil)
    }

    private func sleep(on words: Words, _ limit: Int64) {
      withUnsafePointer(to: words.two) {
        let word = UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt32.self)
        _ = ModelSystem.futexWait(word, 0, limit)
      }
    }

    @Test func `an execution without an end is found`() {
      let result = Exploration.explore(preemptions: 0) {
        let words = Words()
        return Execution([
          { while true { words.one.wrappingAdd(1, ordering: .relaxed) } }, { words.two.store(1, ordering: .relaxed) },
        ]) { nil }
      }
      #expect(result.failure?.hasPrefix("it does not end") == true)
    }

    @Test(.enabled(if: Exploration.measuresMemory)) func `memory that is not freed is noticed`() {
      let result = Exploration.explore(preemptions: 9) {
        let words = Words()
        let leak = { _ = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8) }
        return Execution([
          {
            add(words)
            add(words)
            leak()
          }, { for _ in 0..<3 { add(words) } },
        ]) { nil }
      }
      #expect(result.executions > 400)
      #expect(result.leaked > 1 << 19)
    }

    @Test func `a thread that rests runs as often as it is started, and lets go when nothing can happen any more`() {
      var ends = 0
      let result = Exploration.explore(preemptions: 2) {
        let words = Words()
        var runs = 0
        return Execution(
          [
            {
              while ModelSystem.rest() {
                runs += 1
                add(words)
              }
              ends += 1
            }, { ModelSystem.start(0) }, { ModelSystem.start(0) },
          ], resting: 1
        ) { runs == 2 && words.one.load(ordering: .relaxed) == 2 ? nil : "\(runs) runs" }
      }
      #expect(result.failure == nil && result.isComplete && result.executions > 2)
      #expect(ends >= result.executions)
    }

    @Test func `a thread that spins is stuck though others rest`() {
      let result = Exploration.explore(preemptions: 0) {
        Execution([{ _ = ModelSystem.rest() }, { ModelSystem.pause() }], resting: 1) { nil }
      }
      #expect(result.failure?.hasPrefix("nobody can go on") == true)
    }

    @Test(arguments: [false, true]) func `time passes when nobody else can go on, or early if it may`(isEarly: Bool) {
      var earlyOnes = 0
      let result = Exploration.explore(preemptions: 0) {
        let words = Words()
        var seen = 0
        return Execution([
          {
            ModelSystem.waitForTime(mayBeEarly: isEarly)
            seen = words.one.load(ordering: .relaxed)
          }, { add(words) },
        ]) {
          if seen == 0 { earlyOnes += 1 }
          return nil
        }
      }
      #expect(result.failure == nil && result.isComplete)
      #expect((earlyOnes > 0) == isEarly)
    }

    @Test func `a quiet look is no choice`() {
      let result = Exploration.explore(preemptions: 9) {
        let words = Words()
        let look = { _ = ModelSystem.quietly { words.one.load(ordering: .relaxed) } }
        return Execution([look, look]) { nil }
      }
      // Who begins, and nothing else.
      #expect(result.executions == 2 && result.steps == 0)
    }

    // A process in which the sanitizer saw a race ends with this code.
    @Test(.enabled(if: Exploration.showsRaces))
    func `a race that needs a preemption is shown to the sanitizer`() async {
      await #expect(processExitsWith: .success) { Checker.exploreLetter(isWrittenLate: true, preemptions: 0) }
      await #expect(processExitsWith: .exitCode(66)) { Checker.exploreLetter(isWrittenLate: true, preemptions: 1) }
      await #expect(processExitsWith: .success) { Checker.exploreLetter(isWrittenLate: false, preemptions: 9) }
    }

    /// A letter is written and posted, or posted and written: then there is no race if who looks for it comes later.
    private static func exploreLetter(isWrittenLate: Bool, preemptions: Int) {
      let result = Exploration.explore(preemptions: preemptions) {
        let words = Words()
        return Execution([
          {
            if !isWrittenLate { words.sum = 1 }
            words.one.store(1, ordering: .releasing)
            if isWrittenLate { words.sum = 1 }
            words.two.store(1, ordering: .releasing)
          },
          {
            _ = words.two.load(ordering: .acquiring)
            guard words.one.load(ordering: .acquiring) == 1 else { return }
            // Asks the language's runtime for the type of the word, as the other thread did after it had written: that
            // orders nothing in the program.
            _ = words.one.load(ordering: .relaxed)
            words.sum += 1
          },
        ]) { nil }
      }
      precondition(result.failure == nil && result.isComplete)
    }
  }
}
