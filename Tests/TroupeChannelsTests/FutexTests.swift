import CTroupeShims
import Synchronization
import TestSupport
import Testing

/// A word that threads sleep at.
private final class Word: Sendable {
  let value = Atomic<UInt32>(0)
  private var address: UnsafeMutablePointer<UInt32> {
    withUnsafePointer(to: value) { UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt32.self) }
  }

  func sleep(while expected: UInt32, nanoseconds: Int64 = -1) -> Bool {
    troupe_futex_wait(address, expected, nanoseconds)
  }
  func wake(_ count: Int32) { troupe_futex_wake(address, count) }

  /// Waits until it has another value than the given one. Some of its sleeps have an end.
  func wait(while expected: UInt32, _ random: inout SystemRandomNumberGenerator) {
    while value.load(ordering: .acquiring) == expected {
      _ = sleep(
        while: expected, nanoseconds: Bool.random(using: &random) ? .random(in: 0..<20_000, using: &random) : -1)
    }
  }
}

private final class Arrivals: Sendable {
  let count = Atomic<Int>(0)
}

/// What `troupe_futex_wait` and `troupe_futex_wake` promise, whichever system they are written for.
@Suite(.spins) struct FutexTests {
  @Test func `a thread does not sleep at a word that has another value`() async {
    let word = Word()
    #expect(await TestThread { word.sleep(while: 1) }.value)
  }

  @Test(arguments: [0, 1, 50_000, 3_000_000] as [Int64])
  func `a sleep that nobody ends lasts its time, and says so`(nanoseconds: Int64) async {
    let early = await TestThread {
      let word = Word()
      var early = 0
      for _ in 0..<10 {
        var start = troupe_clock_now()
        while word.sleep(while: 0, nanoseconds: nanoseconds) { start = troupe_clock_now() }
        if troupe_clock_now() - start < nanoseconds { early += 1 }
      }
      return early
    }.value
    #expect(early == 0)
  }

  /// A day and more is much to some systems. The thread is not to be told that the time has passed.
  @Test(arguments: [90_000_000_000_000, .max - 1, .max] as [Int64])
  func `a sleep of any length can be ended`(nanoseconds: Int64) async {
    let word = Word()
    let sleeper = TestThread {
      while word.value.load(ordering: .acquiring) == 0 {
        if !word.sleep(while: 0, nanoseconds: nanoseconds) { return false }
      }
      return true
    }
    await TestThread {
      word.value.store(1, ordering: .releasing)
      word.wake(1)
    }.value
    #expect(await sleeper.value)
  }

  /// There are more words than the portable table has queues. A wake that is lost stops the test.
  @Test func `no wake is lost`() async {
    let rounds = Scale.count(4_000)
    let pairs = (0..<4).map { _ in
      let words = (0..<150).map { _ in Word() }
      let asks = TestThread {
        var random = SystemRandomNumberGenerator()
        for round in 0..<rounds {
          let word = words[round % words.count]
          word.value.store(1, ordering: .releasing)
          word.wake(1)
          word.wait(while: 1, &random)
        }
        return true
      }
      let answers = TestThread {
        var random = SystemRandomNumberGenerator()
        for round in 0..<rounds {
          let word = words[round % words.count]
          word.wait(while: 0, &random)
          word.value.store(0, ordering: .releasing)
          word.wake(1)
        }
        return true
      }
      return [asks, answers]
    }
    for thread in pairs.joined() { #expect(await thread.value) }
  }

  @Test func `one call wakes as many as it says`() async {
    let (word, arrivals) = (Word(), Arrivals())
    let (sleepers, rounds) = (8, Scale.count(500))
    let threads = (0..<sleepers).map { _ in
      TestThread {
        for round in 0..<rounds {
          arrivals.count.add(1, ordering: .sequentiallyConsistent)
          while word.value.load(ordering: .acquiring) == UInt32(round) { _ = word.sleep(while: UInt32(round)) }
        }
        return true
      }
    }
    let waker = TestThread {
      for round in 1...rounds {
        spinUntil { arrivals.count.load(ordering: .sequentiallyConsistent) == round * sleepers }
        word.value.store(UInt32(round), ordering: .releasing)
        word.wake(Int32(sleepers))
      }
      return true
    }
    for thread in threads + [waker] { #expect(await thread.value) }
  }

  @Test func `the coarse clock is never ahead`() {
    var ahead = 0
    for _ in 0..<Scale.count(100_000) {
      let coarse = troupe_clock_coarse()
      if coarse > troupe_clock_now() { ahead += 1 }
    }
    #expect(ahead == 0)
  }
}
