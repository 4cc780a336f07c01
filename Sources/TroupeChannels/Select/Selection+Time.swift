extension Selection where Outcome: ~Copyable {
  /// Says what to do if no operation is ready. Such a selection never waits.
  ///
  /// - Parameter body: What to do. What it returns is what `select` returns.
  @inlinable public mutating func otherwise(_ body: () -> Outcome) {
    place &+= 1
    if isFirstAttempt { startLookHere() }
    switch pass {
    case .look: fallback = place
    case .complete: if place == chosen { finish(body()) }
    default: break
    }
  }

  /// Says what to do if no operation is ready within a time. With a time of zero or less, the selection never waits.
  ///
  /// The time begins when the selection has looked at all operations once and found none that is ready. An operation
  /// that is ready when the time is over is chosen rather than this.
  /// - Parameters:
  ///   - timeout: How long to wait.
  ///   - body: What to do then. What it returns is what `select` returns.
  public mutating func otherwise(after timeout: Duration, _ body: () -> Outcome) {
    otherwise(after: timeout, clock: ContinuousClock(), body)
  }

  /// Says what to do if no operation is ready within a time that another clock measures, such as that of a simulation.
  ///
  /// - Parameters:
  ///   - timeout: How long to wait. With a time of zero or less, the selection never waits.
  ///   - clock: The clock.
  ///   - body: What to do then. What it returns is what `select` returns.
  public mutating func otherwise<C: Clock>(after timeout: Duration, clock: C, _ body: () -> Outcome)
  where C.Duration == Duration {
    place &+= 1
    if isFirstAttempt { startLookHere() }
    if pass == .look && timeout > .zero {
      if !isLookAgain { return }
      let waiter = self.waiter ?? SelectWaiter()
      self.waiter = waiter
      if waiter.moments[place] == nil { waiter.moments[place] = clock.now.advanced(by: timeout) }
    }
    wait(until: waiter?.moments[place] as? C.Instant, clock, isFallback: true)
    if pass == .complete && place == chosen { finish(body()) }
  }

  /// Says what to do if no operation is ready by a moment. If that has passed, the selection never waits.
  ///
  /// - Parameters:
  ///   - deadline: The moment. An operation that is ready by then is chosen rather than this.
  ///   - clock: The clock that the moment belongs to.
  ///   - body: What to do then. What it returns is what `select` returns.
  public mutating func otherwise<C: Clock>(
    until deadline: C.Instant, clock: C = ContinuousClock(), _ body: () -> Outcome
  ) where C.Duration == Duration {
    place &+= 1
    if isFirstAttempt { startLookHere() }
    wait(until: deadline, clock, isFallback: true)
    if pass == .complete && place == chosen { finish(body()) }
  }

  /// Names the operation "take what time has brought". It is ready when the moment of the timer has come. Once a timer
  /// made by `Channel.after` has fired, it is no operation at all.
  ///
  /// - Parameters:
  ///   - timer: The timer. It must not be used in `body`.
  ///   - body: What to do if the operation is chosen. Its argument is the moment that the timer was to fire at. What it
  ///     returns is what `select` returns.
  public mutating func receive<C: Clock>(_ timer: inout TimeReceiver<C>, _ body: (C.Instant) -> Outcome) {
    place &+= 1
    if isFirstAttempt { startLookHere() }
    if pass == .complete {
      if place == chosen, let moment = timer.tryReceive() { finish(body(moment)) }
    } else if let next = timer.next {
      wait(until: next, timer.clock, isFallback: false)
    }
  }

  /// Looks at a clock, or waits for it. A deadline that is nil has passed.
  private mutating func wait<C: Clock>(until deadline: C.Instant?, _ clock: C, isFallback: Bool)
  where C.Duration == Duration {
    switch pass {
    case .attempt:
      // A fallback is nothing to attempt, because the others go first.
      if place == chosen, !isFallback, let deadline, clock.now >= deadline { found() }
    case .look:
      if let deadline, clock.now < deadline { return }
      if isFallback { fallback = place } else { found() }
    case .register:
      guard let waiter, let deadline, !isAborted else { return }
      waiter.waiting = place + 1
      if clock is ContinuousClock {
        waiter.deadline = min(waiter.deadline, Deadline(after: clock.now.duration(to: deadline)))
      } else {
        waiter.sleepers.append { try? await clock.sleep(until: deadline, tolerance: nil) }
      }
    default: break
    }
  }
}
