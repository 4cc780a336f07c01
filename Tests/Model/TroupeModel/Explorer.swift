internal import CModel

/// One execution of a scenario: what each thread does, and what must hold when all are done.
package struct Execution {
  package let threads: [() -> Void]
  /// So many of them, the first ones, rest until they are started (`ModelSystem.rest`).
  package let resting: Int
  /// What is wrong, or nil.
  package let verify: () -> String?

  package init(_ threads: [() -> Void], resting: Int = 0, verify: @escaping () -> String?) {
    self.threads = threads
    self.resting = resting
    self.verify = verify
  }
}

/// What an exploration found.
package final class Exploration: CustomStringConvertible {
  package fileprivate(set) var executions = 0
  /// Operations at which a choice could be made, of all executions together.
  package fileprivate(set) var steps: Int64 = 0
  package fileprivate(set) var longest: Int64 = 0
  package let preemptions: Int
  /// No execution within the bound was left out.
  package fileprivate(set) var isComplete = false
  /// What is wrong with the execution that failed, and its trace.
  package fileprivate(set) var failure: String?
  /// Bytes that the executions after the first ones left behind.
  package fileprivate(set) var leaked: Int64 = 0

  /// False where the allocator does not tell, as under a sanitizer.
  package static var measuresMemory: Bool { troupe_model_allocated() != 0 }
  /// This build has the thread sanitizer, which sees the races of the executions that are explored.
  package static var showsRaces: Bool { troupe_model_shows_races() }

  fileprivate init(preemptions: Int) { self.preemptions = preemptions }

  package var description: String {
    if let failure { return "after \(executions) executions: \(failure)" }
    let extent = isComplete ? "all" : "not all,"
    let bound = preemptions == .max ? "chosen at random" : "with at most \(preemptions) preemptions"
    return "\(extent) \(executions) executions \(bound), \(steps) steps, \(longest) in the longest, "
      + "\(leaked) bytes left"
  }
}

extension Exploration {
  /// Runs `scenario` in every interleaving of its threads with at most `preemptions` preemptions, fewest first.
  ///
  /// It must do the same each time it meets the same choices. Stops at the first failure.
  package static func explore(preemptions: Int, _ scenario: () -> Execution) -> Exploration {
    var bound = 0
    while true {
      let result = Exploration(preemptions: bound)
      let first = scenario()
      troupe_model_begin(Int32(first.threads.count), Int32(first.resting), Int32(bound))
      result.run(limit: .max, scenario)
      if result.failure != nil || bound == preemptions { return result }
      bound += 1
    }
  }

  /// Runs `scenario` `count` times, with choices from a seed and any number of preemptions.
  package static func sample(_ count: Int, seed: UInt64, _ scenario: () -> Execution) -> Exploration {
    let result = Exploration(preemptions: .max)
    let first = scenario()
    troupe_model_randomize(Int32(first.threads.count), Int32(first.resting), .max, seed)
    result.run(limit: count, scenario)
    return result
  }

  private static let warmUp = 40

  private func run(limit: Int, _ scenario: () -> Execution) {
    var allocated: Int64 = 0
    while executions < limit {
      // Pools and caches have filled by then.
      if executions == Self.warmUp { allocated = troupe_model_allocated() }
      let trouble = Self.runOnce(scenario())
      executions += 1
      let length = troupe_model_step_count()
      steps += length
      longest = max(longest, length)
      if let trouble {
        failure = trouble
        return
      }
      if !troupe_model_advance() {
        isComplete = true
        break
      }
    }
    if executions > Self.warmUp { leaked = troupe_model_allocated() - allocated }
  }

  @inline(never) private static func runOnce(_ execution: Execution) -> String? {
    let end = withUnsafePointer(to: execution.threads) { threads in
      troupe_model_execute(
        { context, thread in
          context!.assumingMemoryBound(to: [() -> Void].self).pointee[Int(thread)]()
        }, UnsafeMutableRawPointer(mutating: threads))
    }
    let trouble: String?
    switch end {
    case TROUPE_MODEL_DONE: trouble = execution.verify()
    case TROUPE_MODEL_STUCK: trouble = "nobody can go on: a wake-up was lost"
    case TROUPE_MODEL_ENDLESS: trouble = "it does not end"
    default: trouble = "the scenario does not do the same each time"
    }
    guard let trouble else { return nil }
    return trouble + "\n" + trace()
  }

  // MARK: The trace

  private static func trace() -> String {
    var words: [UnsafeRawPointer: Int] = [:]
    let count = Int(troupe_model_event_count())
    let lines = (max(0, count - 200)..<count).map { index in
      let event = troupe_model_event_at(Int32(index))
      let word = event.word.map { word -> String in
        let number = words[word] ?? words.count
        words[word] = number
        return " w\(number)"
      }
      let change =
        event.before == event.after
        ? " \(hex(event.before))" : " \(hex(event.before)) -> \(hex(event.after))"
      return "  thread \(event.thread) \(name(event.operation))\(word ?? "")\(change)"
    }
    return lines.joined(separator: "\n")
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  private static func name(_ operation: Int32) -> String {
    let names = [
      "load", "store", "exchange", "compareExchange", "add", "subtract", "and", "or", "pause", "wait", "wake",
      "timeout", "step", "start",
    ]
    return names[Int(operation)]
  }
}
