import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// The thread that moves the timing wheel: `TimerClock`, whose thread is thread 0 of the scenario. Its time passes
  /// when its sleep is over, and at no other moment.
  @Suite struct Clocks {
    /// A thread for each list of ticks sets a timer for each of them; `first` are set before anything runs. When all
    /// have fired the first of these threads ends the clock, or one more ends it `atOnce`.
    private func check(
      _ name: String, first: [Int64] = [], _ setters: [[Int64]], endsAtOnce: Bool = false, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      defer { ModelSystem.whenTimePasses = nil }
      Check.all("clock, \(name)", fewer: fewer, location: location) {
        let run = ClockRun(count: first.count + setters.reduce(0) { $0 + $1.count })
        for tick in first { run.set(tick) }
        var threads: [() -> Void] = [{ ModelThread.serve() }]
        for (index, ticks) in setters.enumerated() {
          threads.append {
            for tick in ticks { run.set(tick) }
            if index == 0 && !endsAtOnce { run.endWhenAllHaveFired() }
          }
        }
        if endsAtOnce { threads.append { run.end() } }
        return Execution(threads, resting: 1) { run.trouble(mustFire: !endsAtOnce) }
      }
    }

    @Test func `a timer, while it sleeps for a later one`() { check("an earlier timer", first: [3], [[1]]) }
    @Test func `timers of one thread, the later first`() { check("3, 2, 1", [[3, 2, 1]]) }
    // It has slept, looks at what is next, and goes to sleep for the last one.
    @Test func `a timer, while it goes to sleep again`() { check("1 and 4, then 2", first: [1, 4], [[2]]) }
    @Test func `two threads that set timers`() { check("2 and 1", [[2], [1]]) }
    @Test func `two threads that set timers, while it sleeps for a later one`() {
      check("4, then 3 and 2", first: [4], [[3], [2]], fewer: 1)
    }
    @Test func `it ends while it sleeps`() { check("end", first: [3], [], endsAtOnce: true, fewer: -1) }
    @Test func `it ends while a timer is set`() { check("1, end", [[1]], endsAtOnce: true) }
    @Test func `it ends while an earlier timer is set`() {
      check("3, then 1, end", first: [3], [[1]], endsAtOnce: true)
    }
  }
}

/// One execution with a clock, and what has become of the timers.
///
/// The words are relaxed ones of the library: the sanitizer must not take them for synchronisation of the program's.
private final class ClockRun {
  let clock: TimerClock
  private let count: Int
  private let start = TimerSlots.ticks(until: ModelSystem.clock())
  /// The tick at which each timer is due. One that is set after its deadline is due at the next tick.
  private let ticks: UnsafeMutablePointer<Synchronization.Atomic<Int64>>
  private let fired: UnsafeMutablePointer<Synchronization.Atomic<Int>>
  /// The tick to which the clock has slept.
  private let now = Synchronization.Atomic<Int64>(0)
  private let begun = Synchronization.Atomic<Int>(0)
  private let done = Synchronization.Atomic<Int>(0)
  private let isEnding = Synchronization.Atomic<Bool>(false)
  private var faults: [String] = []

  init(count: Int) {
    self.count = count
    ticks = .allocate(capacity: count)
    fired = .allocate(capacity: count)
    for index in 0..<count {
      (ticks + index).initialize(to: Synchronization.Atomic(0))
      (fired + index).initialize(to: Synchronization.Atomic(0))
    }
    ModelThread.reset()
    clock = TimerClock()
    // The wheel begins at 0: to the present, where a tick is a slot.
    clock.wheel.advance(to: ModelSystem.clock(), request: 0)
    ModelSystem.whenTimePasses = { [unowned(unsafe) self] in timePasses() }
  }

  deinit {
    ticks.deallocate()
    fired.deallocate()
  }

  func set(_ tick: Int64) {
    let tick = start + tick
    let index = begun.wrappingAdd(1, ordering: .relaxed).oldValue
    nonisolated(unsafe) unowned(unsafe) let run = self
    clock.wheel.add(ActionTimer(deadline: TimerSlots.time(of: tick)) { _ in run.fire(index, tick) })
    // Time may have passed meanwhile.
    ticks[index].store(max(tick, now.load(ordering: .relaxed) + 1), ordering: .relaxed)
    done.wrappingAdd(1, ordering: .relaxed)
  }

  private func fire(_ index: Int, _ tick: Int64) {
    if ModelSystem.clock() < TimerSlots.time(of: tick) { faults.append("timer \(index) is early") }
    fired[index].wrappingAdd(1, ordering: .relaxed)
  }

  private func firedCount(_ index: Int) -> Int { fired[index].load(ordering: .relaxed) }

  /// The clock has slept until now. While somebody is setting a timer, another's may be late: who sets one for a later
  /// time relies on the one that is about to wake the clock. So may all be once somebody ends it.
  private func timePasses() {
    now.store(TimerSlots.ticks(until: ModelSystem.clock()), ordering: .relaxed)
    if begun.load(ordering: .relaxed) != done.load(ordering: .relaxed) || isEnding.load(ordering: .relaxed) { return }
    for index in 0..<done.load(ordering: .relaxed) where firedCount(index) == 0 {
      if TimerSlots.time(of: ticks[index].load(ordering: .relaxed)) < ModelSystem.clock() {
        faults.append("the clock sleeps past timer \(index)")
      }
    }
  }

  func endWhenAllHaveFired() {
    while (0..<count).contains(where: { firedCount($0) == 0 }) { ModelSystem.pause() }
    end()
  }

  func end() {
    isEnding.store(true, ordering: .relaxed)
    clock.end()
  }

  /// Thread 0 rests, or the execution would not be over: the clock has ended.
  func trouble(mustFire: Bool) -> String? {
    if let fault = faults.first { return fault }
    if ModelThread.count > 1 { return "the clock has \(ModelThread.count) threads" }
    let counts = (0..<count).map(firedCount)
    return counts.allSatisfy { $0 == 1 || $0 == 0 && !mustFire } ? nil : "fired \(counts)"
  }
}
