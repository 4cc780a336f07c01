import CTroupeShims
import TestSupport
import Testing

@testable import Troupe

/// The thread that moves a wheel by the real clock.
@Suite(.spins) struct TimerClockTests {
  /// A slot of the fourth level of the wheel, 17 s. The clock wakes when it begins, and then at the deadline.
  private static let slot: Int64 = 1 << 34
  /// When a slot begins, the second or a later one from now: further away than a test lasts.
  private static func far(_ slots: Int64) -> Int64 { (troupe_clock_now() / slot + slots) * slot }

  /// Spins for up to so many nanoseconds.
  private static func dawdle(_ random: inout Random, _ nanoseconds: Int) {
    let end = troupe_clock_now() + Int64(random.below(nanoseconds))
    while troupe_clock_now() < end {}
  }

  @Test func `threads that set timers at once: each fires, and none early`() async {
    let clock = TimerClock()
    let (threads, each) = (3, Scale.count(2000))
    let (early, done) = (Counter(), Countdown(threads * each))
    let setters = (0..<threads).map { number in
      TestThread {
        var random = Random(seed: UInt64(number))
        for _ in 0..<each {
          let deadline = troupe_clock_now() + Int64(random.below(5_000_000))
          clock.wheel.add(
            ActionTimer(deadline: deadline) { _ in
              if troupe_clock_now() < deadline { early.add() }
              done.down()
            })
        }
      }
    }
    for setter in setters { await setter.value }
    await done.wait()
    #expect(early.value == 0)
    clock.end()
  }

  @Test func `an earlier deadline is kept, whatever the clock is at when it is set, and so is the later one`() async {
    let clock = TimerClock()
    let late = Event()
    let wrong = await TestThread { () -> Int in
      var random = Random(seed: 1)
      var wrong = 0
      var end = Self.far(3)
      // The clock wakes for those below at this time. One that it was not told of would wait until then.
      let begin = end - Self.slot
      // Earlier than all that wait, so that the clock is told.
      let setEarlier = {
        if end < begin + Self.slot / 2 { return }
        end -= 1 << 16
        clock.wheel.add(ActionTimer(deadline: end) { _ in late.set() })
      }
      setEarlier()
      for round in 0..<Scale.count(3000) {
        switch round % 3 {
        // The clock has fired the one before, and goes to sleep, or sleeps.
        case 0: Self.dawdle(&random, 5_000)
        case 1: Self.dawdle(&random, 150_000)
        // It is woken for others, and looks again and again.
        default:
          let pause = troupe_clock_now() + 20_000 + Int64(random.below(100_000))
          while troupe_clock_now() < pause { setEarlier() }
        }
        let fired = Counter()
        let deadline = troupe_clock_now() + Int64(random.below(100_000))
        clock.wheel.add(ActionTimer(deadline: deadline) { _ in fired.add() })
        spinUntil { fired.value > 0 }
        let now = troupe_clock_now()
        if now < deadline || now >= begin { wrong += 1 }
        if now >= begin { break }
      }
      return wrong
    }.value
    guard wrong == 0 && !late.isSet else {
      Issue.record("\(wrong) waited for the later deadline")
      return clock.end()
    }
    // One that nothing earlier asks for any more.
    let (next, after) = (Event(), Event())
    let start = troupe_clock_now()
    clock.wheel.add(ActionTimer(deadline: start + 30_000_000) { _ in after.set() })
    clock.wheel.add(ActionTimer(deadline: start + 1_000_000) { _ in next.set() })
    await next.wait()
    await after.wait()
    #expect(troupe_clock_now() >= start + 30_000_000)
    clock.end()
  }

  @Test func `a request that comes after a later one does not replace it`() async {
    for _ in 0..<20 {
      let clock = TimerClock()
      // Nothing is set yet, so the wheel may be given another way to ask.
      let (ask, held) = (clock.wheel.arm, Trail<Int64>())
      clock.wheel.arm = { deadline, number in
        // Whoever set the first timer is slow to ask.
        if number == 1 { held.append(deadline) } else { ask(deadline, number) }
      }
      let (first, second) = (Event(), Event())
      let now = troupe_clock_now()
      clock.wheel.add(ActionTimer(deadline: now + 4_000_000) { _ in second.set() })
      clock.wheel.add(ActionTimer(deadline: now + 2_000_000) { _ in first.set() })
      for deadline in held.all { ask(deadline, 1) }
      await first.wait()
      await second.wait()
      #expect(held.count == 1 && troupe_clock_now() >= now + 4_000_000)
      clock.end()
    }
  }

  @Test func `one that is cancelled does not fire, and those that are left do`() async {
    let clock = TimerClock()
    let each = Scale.count(20_000)
    let (total, over) = (Counter(), Event())
    let (kept, cancelled) = await TestThread { () -> (Int, [CountedTimer]) in
      var random = Random(seed: 3)
      var (kept, cancelled) = (0, [CountedTimer]())
      for _ in 0..<each {
        let timer = CountedTimer(troupe_clock_now() + Int64(random.below(200_000)), total)
        clock.wheel.add(timer.timer)
        guard random.chance(1, in: 2) else {
          kept += 1
          continue
        }
        // Before it is due, when it is, and afterwards.
        Self.dawdle(&random, random.chance(1, in: 8) ? 300_000 : 500)
        clock.wheel.cancel(timer.timer)
        timer.firedWhenCancelled = timer.fired.value
        cancelled.append(timer)
      }
      // All that is due before has fired when this does.
      clock.wheel.add(ActionTimer(deadline: troupe_clock_now() + 1_000_000) { _ in over.set() })
      return (kept, cancelled)
    }.value
    await over.wait()
    let firedAllTheSame = cancelled.reduce(0) { $0 + $1.firedWhenCancelled! }
    #expect(cancelled.allSatisfy { $0.fired.value == $0.firedWhenCancelled })
    #expect(total.value == kept + firedAllTheSame && firedAllTheSame > 0 && firedAllTheSame < cancelled.count)
    clock.end()
  }

  @Test func `a clock that ends lets go of its timers and fires none, also if one of them ends it`() async {
    // The clock does not sleep at each of these ends.
    for round in 0..<40 {
      let byItself = round % 4 == 3
      let (ledger, started, fired) = (Ledger(), Event(), Counter())
      let deadline = Self.far(2)
      do {
        let clock = TimerClock()
        for _ in 0..<100 {
          let witness = Witness(ledger)
          clock.wheel.add(
            ActionTimer(deadline: deadline) { _ in withExtendedLifetime(witness) { fired.add() } })
        }
        clock.wheel.add(
          ActionTimer(deadline: troupe_clock_now()) { _ in
            if byItself { clock.end() }
            started.set()
          })
        await started.wait()
        if !byItself { clock.end() }
      }
      // Its thread has the last reference.
      #expect(await settled { ledger.isBalanced })
      #expect(ledger.madeCount == 100 && fired.value == 0)
      guard troupe_clock_now() < deadline else {
        Issue.record("it has slept until then")
        return
      }
    }
  }
}

/// What an actor, an asker and a sender see of it, by the exact clock.
@Suite(.spins) struct EarlyTests {
  static let longest = 5_000_000
  static func some(_ random: inout Random) -> Int64 { Int64(random.below(longest)) }

  @Test func `an actor's timers are never early`() async {
    let pool = Pooled()
    let (singles, rates, each) = (Scale.count(600), 10, 10)
    let (early, done) = (Counter(), Countdown(singles + rates * each))
    let actor = pool.system.spawn(state: [Int64]()) {
      (due: inout [Int64], message: consuming Int, context: Context<Int>) in
      let now = troupe_clock_now()
      if message >= 0 {
        if now < due[message] { early.add() }
        // The next one of those with a fixed rate.
        if message >= singles { due[message] += Int64(1 + message) * 1000 }
        return done.down()
      }
      var random = Random(seed: 1)
      for i in 0..<singles + rates {
        let after = Self.some(&random)
        due.append(troupe_clock_now() + after)
        if i < singles {
          context.timers.once(i, after: .nanoseconds(after), i)
        } else {
          context.timers.fixedRate(i, every: .microseconds(1 + i), after: .nanoseconds(after)) { i }
        }
      }
    }
    actor.send(-1)
    await done.wait()
    #expect(early.value == 0)
    await pool.end()
  }

  /// Sets a timeout, handles for a while, and sets another when it is told of it.
  private struct Idle: Behavior {
    let (early, done): (Counter, Countdown)
    var random = Random(seed: 5)
    var since: Int64 = 0
    var timeout: Int64 = 0
    /// How often it has come since.
    var times: Int64 = 0

    mutating func set(_ context: Context<Int>) {
      timeout = 1 + EarlyTests.some(&random)
      times = 0
      since = troupe_clock_now()
      context.setReceiveTimeout(.nanoseconds(timeout))
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      if timeout == 0 || random.chance(1, in: 2) { set(context) }
      let end = troupe_clock_now() + Int64(random.below(400_000))
      while troupe_clock_now() < end {}
      // It is counted from the end of the handler.
      since = troupe_clock_now()
      times = 0
    }
    mutating func signal(_ signal: Signal, in context: Context<Int>) {
      // A signal is no message: also the second one is counted from the first, not from the end of this handler.
      times += 1
      if troupe_clock_now() - since < timeout * times { early.add() }
      done.down()
      if random.chance(1, in: 2) { context.address.send(1) } else { set(context) }
    }
  }

  @Test func `a receive timeout is never early`() async {
    let pool = Pooled()
    let (early, actors) = (Counter(), 10)
    let done = Countdown(Scale.count(60) * actors)
    for number in 0..<UInt64(actors) {
      pool.system.spawn { Idle(early: early, done: done, random: Random(seed: number)) }.send(0)
    }
    await done.wait()
    #expect(early.value == 0)
    await pool.end()
  }

  @Test func `the timeout of an ask is never early, in a task of the system, in any other, and on a thread`() async {
    let pool = Pooled()
    let oracle = pool.system.spawn { Oracle() }
    let ask: @Sendable (UInt64) async -> Int = { seed in
      var random = Random(seed: seed)
      var wrong = 0
      for _ in 0..<Scale.count(60) {
        let timeout = Self.some(&random)
        let start = troupe_clock_now()
        let error = await failureOf { () async throws(AskError) in
          try await oracle.ask(timeout: .nanoseconds(timeout)) { .keep($0) } as Int
        }
        if error?.kind != "timedOut" || troupe_clock_now() - start < timeout { wrong += 1 }
      }
      return wrong
    }
    let tasks = (0..<UInt64(6)).map { n in
      n % 2 == 0 ? Task(executorPreference: pool.system.executor) { await ask(n) } : Task { await ask(n) }
    }
    let thread = TestThread { () -> Int in
      var random = Random(seed: 9)
      var wrong = 0
      for _ in 0..<Scale.count(60) {
        let timeout = Self.some(&random)
        let start = troupe_clock_now()
        do throws(AskError) {
          _ = try oracle.ask(timeout: .nanoseconds(timeout)) { .keep($0) } as Int
          wrong += 1
        } catch { if error.kind != "timedOut" || troupe_clock_now() - start < timeout { wrong += 1 } }
      }
      return wrong
    }
    for task in tasks { #expect(await task.value == 0) }
    #expect(await thread.value == 0)
    await pool.end()
  }

  @Test func `the timeout of a delivery is never early`() async {
    let pool = Pooled()
    let (held, opened) = (Event(), Event())
    let options = SpawnOptions(mailbox: .bounded(1))
    let actor = pool.system.spawn(options: options, state: 0) { (_: inout Int, message: consuming Int, _) in
      held.set()
      if message == 0 { opened.spin() }
    }
    actor.send(0)
    await held.wait()
    // Now the mailbox is full, and stays so.
    #expect(actor.trySend(1) == .sent)
    let deliver: @Sendable (UInt64) async -> Int = { seed in
      var random = Random(seed: seed)
      var wrong = 0
      for i in 0..<Scale.count(60) {
        let timeout = Self.some(&random)
        let start = troupe_clock_now()
        let outcome = await actor.deliver(i, timeout: .nanoseconds(timeout))
        if outcome != .timedOut(i) || troupe_clock_now() - start < timeout { wrong += 1 }
      }
      return wrong
    }
    let tasks = (0..<UInt64(6)).map { n in Task { await deliver(n) } }
    for task in tasks { #expect(await task.value == 0) }
    opened.set()
    await pool.end()
  }
}
