import Foundation
import Troupe

// walker ⇄ readers → splitters → counters → ranker
//
// A reader asks the walker for each file. From there on every mailbox is bounded, and who passes something on waits for
// room. The figures below are all there is in between, so the memory depends on them, on the number of different words,
// and on nothing else.

/// Counts the words in files and folders.
func countWords(
  in paths: [FilePath], _ output: Options.Output, _ tally: Tally, _ interruption: Interruption
) async throws -> Ranking {
  let system = ActorSystem("wordcount")
  // Of each kind; with one for each processor, whatever stage has work to do can use all of them.
  let width = ProcessInfo.processInfo.activeProcessorCount

  // All counters, and one who asks.
  let ranker = system.spawn("ranker", options: mailbox(width + 1)) { Ranker(output, counters: width) }
  let counters = (0..<width).map { number in
    system.spawn("counter-\(number)", options: mailbox(2)) { Counter(output, splitters: width, ranker: ranker) }
  }
  let splitters = (0..<width).map { number in
    system.spawn("splitter-\(number)", options: mailbox(2)) { Splitter(readers: width, counters: counters) }
  }
  // A reader asks for one file at a time.
  let walker = system.spawn("walker", options: mailbox(width, on: .blocking)) { Walker(paths, tally, interruption) }
  let readers = (0..<width).map { number in
    system.spawn("reader-\(number)", options: mailbox(1, on: .blocking)) {
      Reader(number: number, walker, splitters, tally, interruption)
    }
  }

  // They all live until the shutdown. Should one fail before, the result would never come: then the question fails too.
  system.requestShutdown(whenOneEnds: counters)
  system.requestShutdown(whenOneEnds: splitters)
  system.requestShutdown(whenOneEnds: readers)
  system.requestShutdown(whenOneEnds: [walker])
  let ranking = try await ranker.ask(timeout: nil) { .result($0) }
  await system.shutdown()
  return ranking
}

/// None of them is started again when it fails: what it had counted would be missing.
private func mailbox(_ capacity: Int, on dispatcher: Dispatcher = .default) -> SpawnOptions {
  SpawnOptions(mailbox: .bounded(capacity), dispatcher: dispatcher, supervision: .stop)
}

extension ActorSystem {
  fileprivate func requestShutdown<Message: ~Copyable>(whenOneEnds actors: [Address<Message>]) {
    for actor in actors {
      Task {
        _ = await actor.termination
        requestShutdown()
      }
    }
  }
}
