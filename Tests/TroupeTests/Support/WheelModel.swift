import Synchronization
import TestSupport
import Testing
import Troupe

/// A clock that a test moves: it calls the wheel when that asked for it, never before.
final class ManualClock: @unchecked Sendable {
  let wheel = TimerWheel()
  private let lock = FutexLock()
  private var request: (deadline: Int64, number: UInt64)?
  private var count = 0
  private let done = Counter()

  init() {
    wheel.arm = { [unowned self] deadline, number in
      lock.withLock {
        count += 1
        // Threads may come here out of order; the wheel's own numbers say which is the latest.
        if number > request?.number ?? 0 { request = (deadline, number) }
      }
    }
  }

  /// When the wheel wants to be called next.
  var armed: Int64? { lock.withLock { request?.deadline } }
  var requests: Int { lock.withLock { count } }

  func advanceOnce(to now: Int64) {
    guard let request = lock.withLock({ request }), request.deadline <= now else { return }
    wheel.advance(to: now, request: request.number)
    lock.withLock { if self.request?.number == request.number { self.request = nil } }
  }

  func advance(to now: Int64) {
    while let armed, armed <= now { advanceOnce(to: now) }
  }

  func finish() { done.add() }
  var isDone: Bool { done.value > 0 }
}

extension ActionTimer {
  /// Writes its number down.
  static func recorder(_ deadline: Int64, _ number: Int, _ trail: Trail<Int>) -> ActionTimer {
    ActionTimer(deadline: deadline) { _ in trail.append(number) }
  }
}

/// What a thread knows of a timer that it set.
final class CountedTimer: @unchecked Sendable {
  let timer: ActionTimer
  let fired: Counter
  /// How often it had when it was cancelled.
  var firedWhenCancelled: Int?

  init(_ deadline: Int64, _ total: Counter) {
    let fired = Counter()
    self.fired = fired
    timer = ActionTimer(deadline: deadline) { _ in
      fired.add()
      total.add()
    }
  }
}

/// A wheel beside a list of what should wait in it. Everything random comes from a seed.
final class WheelModel: @unchecked Sendable {
  private let clock = ManualClock()
  private let seed: UInt64
  private var random: Random
  private var now: Int64 = 0
  /// Up to this tick the wheel has gone.
  private var position: Int64 = 0
  private var waiting: [Timed] = []
  /// Where in `waiting`, by number.
  private var places: [Int: Int] = [:]
  private var added = 0
  /// What fired last: its tick, and when it was added.
  private var last: (Int64, Int) = (-1, 0)

  private struct Timed {
    let timer: ActionTimer
    let tick: Int64
    let number: Int
    var deadline: Int64 { timer.deadline }
  }

  init(seed: UInt64) {
    self.seed = seed
    random = Random(seed: seed)
  }

  private static let tickBits: Int64 = 16

  func act() {
    switch random.below(8) {
    case 0...3: add()
    case 4, 5: cancel()
    default: advance(by: someTime(largest: 46))
    }
  }

  /// Of any magnitude: as likely microseconds as months.
  private func someTime(largest: Int) -> Int64 { Int64(random.below(1 << (1 + random.below(largest)))) }

  /// The clock has gone to the end of time by then in some runs.
  private func later(largest bits: Int) -> Int64 {
    let sum = now.addingReportingOverflow(someTime(largest: bits))
    return sum.overflow ? .max : sum.partialValue
  }

  private func add() {
    let deadline: Int64 =
      switch random.below(20) {
      case 0: 0
      case 1: now
      case 2: Int64.max - someTime(largest: 60)
      case 3: now - someTime(largest: 40)
      case 4, 5: (later(largest: 45) >> Self.tickBits) << Self.tickBits
      case 6: later(largest: 60)
      default: later(largest: 45)
      }
    let whole = (deadline >> Self.tickBits) + (deadline & (1 << Self.tickBits - 1) == 0 ? 0 : 1)
    added += 1
    let number = added
    let timer = ActionTimer(deadline: deadline) { [unowned(unsafe) self] _ in fired(number) }
    places[number] = waiting.count
    waiting.append(Timed(timer: timer, tick: max(whole, position + 1), number: number))
    clock.wheel.add(timer)
  }

  private func cancel() {
    guard !waiting.isEmpty else { return }
    let timed = waiting[random.below(waiting.count)]
    remove(timed.number)
    clock.wheel.cancel(timed.timer)
    if random.chance(1, in: 4) { clock.wheel.cancel(timed.timer) }
  }

  private func remove(_ number: Int) {
    let place = places.removeValue(forKey: number)!
    let last = waiting.removeLast()
    if last.number == number { return }
    waiting[place] = last
    places[last.number] = place
  }

  private func fired(_ number: Int) {
    guard let place = places[number] else {
      Issue.record("\(number) fired twice, or after it was cancelled; seed \(seed)")
      return
    }
    let timed = waiting[place]
    #expect(timed.deadline <= now, "early; seed \(seed)")
    #expect((timed.tick, number) > last, "out of order; seed \(seed)")
    last = (timed.tick, number)
    position = timed.tick
    remove(number)
    switch random.below(6) {
    case 0: add()
    case 1: cancel()
    default: break
    }
  }

  private func advance(by time: Int64) {
    now = now.addingReportingOverflow(time).overflow ? .max : now + time
    let calls = clock.armed.map { $0 <= now } ?? false
    clock.advance(to: now)
    if calls { position = now >> Self.tickBits }
    let due = now >> Self.tickBits
    #expect(!waiting.contains { $0.tick <= due }, "late; seed \(seed)")
  }

  /// Lets all time pass.
  func end() {
    while let next = clock.armed, next < .max { advance(by: max(0, next - now)) }
    for timed in waiting {
      #expect(timed.deadline > Int64.max - 1 << Self.tickBits)
      clock.wheel.cancel(timed.timer)
    }
  }
}
