import Foundation
import Troupe

// The stages are walker ⇄ readers → splitters → counters → ranker.
//
// A reader asks the walker for each file. From there on every mailbox is bounded, and an actor that passes something
// on waits for room. The capacities below limit what is on its way, so the memory depends on them, on the number of
// different words, and on nothing else.

/// Counts the words in files and folders.
func countWords(
  in paths: [FilePath], _ output: Options.Output, _ tally: Tally, _ interruption: Interruption
) async throws -> Ranking {
  let system = ActorSystem("wordcount")
  // There are so many actors of each kind. With one for each processor, whatever stage has work to do can use all of
  // them.
  let width = ProcessInfo.processInfo.activeProcessorCount

  // The mailbox has room for all counters and for the one who asks.
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

  // All of these live until the shutdown. Should one of them fail before, the result would never come, so the
  // question must fail too.
  system.requestShutdown(whenOneEnds: counters)
  system.requestShutdown(whenOneEnds: splitters)
  system.requestShutdown(whenOneEnds: readers)
  system.requestShutdown(whenOneEnds: [walker])
  let ranking = try await ranker.ask(timeout: nil) { .result($0) }
  await system.shutdown()
  return ranking
}

/// The options of all actors here. None of them is restarted when it fails: what it had counted would be missing.
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
