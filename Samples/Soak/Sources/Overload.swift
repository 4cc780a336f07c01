import Foundation
import Synchronization
import Troupe

/// Measures what a flood does to actors that have nothing to do with it, and checks that bounds hold under it.
struct Overload {
  let duration: Duration

  /// Answers at once.
  struct Oracle: Behavior {
    mutating func receive(_ reply: consuming Reply<Int>, in context: Context<Reply<Int>>) { reply.send(1) }
  }

  /// Takes some hundred nanoseconds for each message.
  struct Sink: Behavior {
    let handled: Counter
    var sum = 0
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for i in 0..<100 { sum = sum &* 31 &+ i }
      handled.add(sum == 1 ? 2 : 1)
    }
  }

  final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func add(_ n: Int) { count.wrappingAdd(n, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
  }

  func run() async -> [String] {
    let logged = Counter()
    let system = ActorSystem(
      "overload",
      options: ActorSystem.Options(
        highWater: 10_000, log: { if $0.contains("high water") { logged.add(1) } }, watchdog: nil))
    var troubles: [String] = []
    let oracle = system.spawn("oracle") { Oracle() }
    let quiet = await latencies(oracle)
    print("an ask, nothing else going on: \(quiet)")

    let handled = Counter()
    let sink = system.spawn("sink") { Sink(handled: handled) }
    let flood = Flood(system, sink)
    let beside = await latencies(oracle)
    let (sent, deepest) = await flood.end()
    print("an ask, an unbounded mailbox flooded by 2 tasks: \(beside)")
    print("  \(sent) sent, \(deepest) queued at the most, high water reported \(logged.value) times")
    if deepest >= 20_000 && logged.value == 0 { troubles.append("no alarm at high water") }

    var options = SpawnOptions()
    options.mailbox = .bounded(64)
    let narrow = system.spawn("narrow", options: options) { Sink(handled: handled) }
    let other = Flood(system, narrow, bound: 64)
    let bounded = await latencies(oracle)
    let (tried, most) = await other.end()
    print("an ask, a bounded mailbox flooded by 2 tasks: \(bounded)")
    print("  \(tried) accepted, \(most) queued at the most, of 64")
    if most > 64 { troubles.append("a bounded mailbox of 64 held \(most)") }

    for (name, latency) in [("unbounded", beside), ("bounded", bounded)] where latency.value(0.99) > 100_000_000 {
      troubles.append("\(name): an unrelated ask took more than 100 ms, one in a hundred")
    }
    await system.shutdown()
    let all = sent + tried
    let dead = system.counts.allDeadLetters
    if handled.value + dead != all {
      troubles.append("\(all) accepted, \(handled.value) handled, \(dead) dead letters")
    }
    return troubles + (await Rules().run())
  }

  /// Measures on a thread of its own, because the actor is to be measured and not the pool that runs tasks.
  private func latencies(_ oracle: Address<Reply<Int>>) async -> Percentiles {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [duration] in
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: duration)
        var samples: [Int64] = []
        while clock.now < end {
          let start = clock.now
          _ = try? oracle.ask(timeout: nil) { $0 } as Int
          let (seconds, attoseconds) = (clock.now - start).components
          samples.append(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
          // The pause is there so that what is measured is an actor that idles.
          usleep(200)
        }
        continuation.resume(returning: Percentiles(samples))
      }
    }
  }

  /// Two tasks that send as fast as they can, up to a million messages ahead.
  private final class Flood: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let sent = Counter()
    private let deepest = Atomic<Int>(0)
    private let tasks: Mutex<[Task<Void, Never>]> = Mutex([])

    init(_ system: ActorSystem, _ sink: Address<Int>, bound: Int = .max) {
      let all = (0..<2).map { _ in
        Task { [self] in
          var number = 0
          while !isOver.load(ordering: .relaxed) {
            number += 1
            if case .sent = sink.trySend(number) { sent.add(1) }
            if number % 64 != 0 { continue }
            deepest.max(sink.pendingCount, ordering: .relaxed)
            while sink.pendingCount > 1_000_000 && !isOver.load(ordering: .relaxed) { await Task.yield() }
            if number % 65_536 == 0 { await Task.yield() }
          }
        }
      }
      tasks.withLock { $0 = all }
    }

    func end() async -> (sent: Int, deepest: Int) {
      isOver.store(true, ordering: .relaxed)
      for task in tasks.withLock({ $0 }) { await task.value }
      return (sent.value, deepest.load(ordering: .relaxed))
    }
  }
}
