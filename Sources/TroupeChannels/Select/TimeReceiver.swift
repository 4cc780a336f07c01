/// A receiver that time feeds: made by `Channel.after(_:)` and `Channel.ticks(every:)`. What it receives is the moment
/// at which it was to fire.
///
/// It can be received from by itself, and it can be one operation of a selection. It has neither a thread nor a task
/// nor a queue: it compares the clock with a moment when somebody receives. So it costs nothing between two receives,
/// and any number of timers costs no more than their memory.
public struct TimeReceiver<C: Clock>: ~Copyable, Sendable where C.Duration == Duration {
  let clock: C
  /// When it fires next; nil if it does not fire again.
  var next: C.Instant?
  /// The time between two ticks; nil for a timer that fires once.
  let period: Duration?

  /// Takes the moment at which the timer was to fire, if that has come. Returns nil otherwise. It never waits.
  ///
  /// Ticks that were missed are one tick: the first of them is taken, and the next one comes at the first multiple of
  /// the period that lies in the future.
  public mutating func tryReceive() -> C.Instant? {
    let now = clock.now
    guard let moment = next, moment <= now else { return nil }
    guard let period else {
      next = nil
      return moment
    }
    let missed = Int64((moment.duration(to: now) / period).rounded(.down))
    var following = moment.advanced(by: period * (missed + 1))
    // The quotient above is rounded, so the multiple may be the one beside the right one.
    while following <= now { following = following.advanced(by: period) }
    next = following
    return moment
  }

  /// Waits until the timer fires, blocking the calling thread. Returns nil at once if it has fired and does not fire
  /// again; the peers of this call in Go and crossbeam would wait for ever.
  ///
  /// On a worker of an actor system, or on a thread that runs a task, it stops the program as soon as it would have to
  /// wait.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await receive()` in an async function or in a closure typed `async`"
  )
  public mutating func receive() -> C.Instant? {
    if next == nil { return nil }
    return Channel.select { selection in selection.receive(&self) { .some($0) } }
  }

  /// Suspends the task until the timer fires. Returns nil at once if it has fired and does not fire again, and nil if
  /// the task is cancelled before it fires; the tick is then not lost.
  nonisolated(nonsending) public mutating func receive() async -> C.Instant? {
    while let moment = next {
      if let fired = tryReceive() { return fired }
      do {
        try await clock.sleep(until: moment, tolerance: .zero)
      } catch {
        return nil
      }
    }
    return nil
  }
}

extension Channel {
  /// Makes a receiver that fires once, after a time, and never earlier.
  ///
  /// A time of zero or less fires at once. It costs nothing until somebody receives; see `TimeReceiver`.
  public static func after(_ delay: Duration) -> TimeReceiver<ContinuousClock> {
    after(delay, clock: ContinuousClock())
  }

  /// Makes a receiver that fires once, after a time that another clock measures. Use it to test code in virtual time.
  ///
  /// ```swift
  /// var timer = Channel.after(.seconds(30), clock: simulation.clock)
  /// ```
  public static func after<C: Clock>(_ delay: Duration, clock: C) -> TimeReceiver<C> where C.Duration == Duration {
    TimeReceiver(clock: clock, next: clock.now.advanced(by: delay), period: nil)
  }

  /// Makes a receiver that fires again and again, for the first time after one period.
  ///
  /// The moments are the multiples of the period, counted from this call, so that they do not drift however late the
  /// ticks are received. At most one tick is pending: those that are missed are one tick, as with Go's `Ticker`.
  /// (crossbeam's `tick` counts the next period from the receive instead.) A period that is not above zero stops the
  /// program.
  public static func ticks(every period: Duration) -> TimeReceiver<ContinuousClock> {
    ticks(every: period, clock: ContinuousClock())
  }

  /// Makes a receiver that fires again and again, by another clock. Use it to test code in virtual time.
  public static func ticks<C: Clock>(every period: Duration, clock: C) -> TimeReceiver<C> where C.Duration == Duration {
    guard period > .zero else { fatalError("Troupe: the period of Channel.ticks(every:) must be above zero") }
    return TimeReceiver(clock: clock, next: clock.now.advanced(by: period), period: period)
  }

  /// Makes a receiver that nothing ever comes to, and that is never closed. Use it in a selection in the place of a
  /// channel that is not there.
  public static func never<Element: ~Copyable>(of type: Element.Type = Element.self) -> Receiver<Element> {
    let core = ChannelCore<Element>(capacity: .max)
    core.neverCloses()
    core.noteReceiverTaken()
    return Receiver(core)
  }
}
