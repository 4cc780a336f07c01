import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct TimerWheelTests {
  @Test(arguments: 0..<UInt64(48))
  func `timers fire once, in the order of their ticks, none early, none late, as in a sorted list`(
    seed: UInt64
  ) {
    let model = WheelModel(seed: seed)
    for _ in 0..<Scale.count(3000) { model.act() }
    model.end()
  }

  @Test func `the end of time and its beginning are deadlines like others`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    let deadlines = [Int64.max, Int64.max - 1, 0, -1, Int64.min, 1, 1 << 62, 3_155_760_000_000_000_000]
    for (i, deadline) in deadlines.enumerated() { clock.wheel.add(ActionTimer.recorder(deadline, i, trail)) }
    clock.advance(to: 2 << 20)
    #expect(Set(trail.all) == [2, 3, 4, 5])
    clock.advance(to: 3_155_759_999_999_999_999)
    #expect(trail.count == 4)
    clock.advance(to: 3_155_760_000_000_000_000 + 1 << 20)
    #expect(trail.all.last == 7)
    clock.advance(to: .max - 1 << 21)
    #expect(trail.all.last == 6 && trail.count == 6)
    // Time of the wheel goes by whole ticks, and this clock ends before the last one has.
    #expect(clock.armed == .max)
  }

  @Test func `a timer of years costs a few calls of the clock, not one a turn of the wheel`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    clock.wheel.add(ActionTimer.recorder(1 << 61, 1, trail))
    clock.wheel.add(ActionTimer.recorder(1, 2, trail))
    var calls = 0
    while let next = clock.armed {
      clock.advance(to: next)
      calls += 1
    }
    #expect(trail.all == [2, 1])
    #expect(calls <= 10)
  }

  @Test func `timers of one deadline fire in the order in which they were set, however long before`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    // At each of these times the deadline lies in another level of the wheel.
    let deadline = Int64(70_000_000_000_000)
    var times = (0..<47).map { deadline - 1 << Int64($0) }.filter { $0 >= 0 }
    times.sort()
    for (i, time) in times.enumerated() {
      clock.advance(to: time)
      for j in 0..<40 { clock.wheel.add(ActionTimer.recorder(deadline, i * 40 + j, trail)) }
    }
    clock.advance(to: deadline + 1 << 20)
    #expect(trail.all == Array(0..<times.count * 40))
  }

  @Test func `an earlier deadline asks the clock again, a later one does not`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    for deadline in [Int64](stride(from: 100, to: 0, by: -1)) + Array(1..<100) {
      clock.wheel.add(ActionTimer.recorder(deadline << 20, 0, trail))
    }
    #expect(clock.requests == 100)
    // Requests that were overtaken do nothing.
    for request in 1..<UInt64(100) { clock.wheel.advance(to: 1 << 40, request: request) }
    #expect(trail.count == 0)
    clock.advance(to: 100 << 20)
    #expect(trail.count == 199 && clock.armed == nil)
  }

  @Test func `one that is cancelled leaves its place to others, and the clock is not called for it again`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    let first = ActionTimer.recorder(5 << 20, 1, trail)
    clock.wheel.add(first)
    clock.wheel.cancel(first)
    // The first of the list, the last of it, and one in between.
    let timers = (10..<15).map { ActionTimer.recorder(5 << 20, $0, trail) }
    for timer in timers { clock.wheel.add(timer) }
    for i in [0, 2, 4] { clock.wheel.cancel(timers[i]) }
    clock.wheel.add(ActionTimer.recorder(5 << 20, 20, trail))
    let later = ActionTimer.recorder(9 << 20, 30, trail)
    clock.wheel.add(later)
    clock.advance(to: 6 << 20)
    #expect(trail.all == [11, 13, 20])
    #expect(clock.armed! > 6 << 20 && clock.armed! <= 9 << 20)
    clock.wheel.cancel(later)
    // It was asked for, and finds nothing.
    clock.advance(to: 9 << 20)
    #expect(clock.armed == nil && trail.count == 3)
    clock.wheel.add(ActionTimer.recorder(12 << 20, 40, trail))
    clock.advance(to: 12 << 20)
    #expect(trail.all == [11, 13, 20, 40])
  }

  @Test func `many timers that are due at once leave the clock's thread to others in between`() {
    let clock = ManualClock()
    let trail = Trail<Int>()
    let count = 10_000
    for i in 0..<count { clock.wheel.add(ActionTimer.recorder(5 << 20, i, trail)) }
    clock.advanceOnce(to: 6 << 20)
    #expect(trail.count < count / 2)
    #expect(clock.armed! <= 6 << 20)
    clock.advance(to: 6 << 20)
    #expect(trail.all == Array(0..<count))
  }

  @Test func `a wheel that goes lets go of its timers, and so does whoever cancels or fires one`() {
    let ledger = Ledger()
    do {
      let clock = ManualClock()
      for i in 0..<3000 {
        let witness = Witness(ledger)
        let timer = ActionTimer(deadline: Int64(i) << 30) { _ in withExtendedLifetime(witness) {} }
        clock.wheel.add(timer)
        if i % 3 == 0 { clock.wheel.cancel(timer) }
      }
      #expect(ledger.alive == 2000)
      clock.advance(to: 1500 << 30)
      #expect(ledger.alive == 1000)
    }
    #expect(ledger.isBalanced)
  }

  @Test func `threads that set and cancel while the clock goes: each timer fires or is cancelled, one of the two`()
    async
  {
    let clock = ManualClock()
    let now = Counter()
    let total = Counter()
    let threads = 3
    let each = Scale.count(40_000)
    let left = Counter()
    left.add(threads)
    let setters = (0..<threads).map { number in
      TestThread { () -> (Int, Int) in
        var random = Random(seed: UInt64(number))
        var (cancelled, wrong) = (0, 0)
        var timers: [CountedTimer] = []
        for _ in 0..<each {
          let timer = CountedTimer(Int64(now.value + random.below(1 << (14 + random.below(14)))), total)
          clock.wheel.add(timer.timer)
          timers.append(timer)
          // Mostly one that is about to fire.
          guard random.chance(1, in: 2) else { continue }
          let victim = timers[timers.count - 1 - random.below(min(timers.count, 64))]
          clock.wheel.cancel(victim.timer)
          let fired = victim.fired.value
          if victim.firedWhenCancelled == nil && fired == 0 { cancelled += 1 }
          if let before = victim.firedWhenCancelled, before != fired { wrong += 1 }
          victim.firedWhenCancelled = fired
        }
        left.add(-1)
        spinUntil { clock.isDone }
        for timer in timers {
          let fired = timer.fired.value
          if let known = timer.firedWhenCancelled { if fired != known { wrong += 1 } } else if fired != 1 { wrong += 1 }
        }
        return (cancelled, wrong)
      }
    }
    let ticker = TestThread { () -> Int in
      while left.value > 0 {
        now.add(1 << 19)
        clock.advance(to: Int64(now.value))
      }
      clock.advance(to: Int64(now.value) + 1 << 30)
      clock.finish()
      return total.value
    }
    let fired = await ticker.value
    var cancelled = 0
    for setter in setters {
      let (ofThis, wrong) = await setter.value
      #expect(wrong == 0)
      cancelled += ofThis
    }
    #expect(fired + cancelled == threads * each)
  }

  @Test(arguments: 0..<UInt64(16))
  func `under simulation timers fire at their deadlines, and of one in the order in which they were set`(
    seed: UInt64
  ) {
    let scheduler = SimulatedScheduler(seed: seed)
    var random = Random(seed: seed)
    let trail = Trail<Int>()
    var waiting: [(number: Int, timer: ActionTimer)] = []
    var now = scheduler.coarseNow
    for i in 0..<2000 {
      switch random.below(5) {
      case 0, 1, 2:
        let timer = ActionTimer.recorder(now + Int64(random.below(100)), i, trail)
        waiting.append((i, timer))
        scheduler.add(timer)
      case 3:
        guard !waiting.isEmpty else { continue }
        let timer = waiting.remove(at: random.below(waiting.count)).timer
        scheduler.cancel(timer)
        scheduler.cancel(timer)
      default:
        trail.clear()
        now += Int64(random.below(30))
        scheduler.advance(by: .nanoseconds(now - scheduler.coarseNow))
        let due = waiting.filter { $0.timer.deadline <= now }.sorted {
          ($0.timer.deadline, $0.number) < ($1.timer.deadline, $1.number)
        }
        #expect(trail.all == due.map(\.number), "seed \(seed)")
        waiting.removeAll { $0.timer.deadline <= now }
      }
    }
  }
}
