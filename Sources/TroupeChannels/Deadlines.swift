// The forms of timed calls that take a deadline in place of a timeout. Use them where several calls together
// may take no longer than a given time: each of them waits for what is left of it. They are the same as the
// form with a timeout in everything else, and a deadline that has passed is a timeout of zero.

extension Receiver where Element: ~Copyable {
  /// Takes the next element, blocking the calling thread until `deadline` at most. An element that is there is returned
  /// even if the deadline has passed.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive(until:)` in an async function or in a closure typed `async`"
  )
  public mutating func receive(until deadline: ContinuousClock.Instant) -> sending TimedReceiveOutcome<Element> {
    receive(timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Takes the next element, suspending the task until `deadline` at most. An element that is there is returned even if
  /// the deadline has passed. If the task is cancelled while it waits, the outcome is `cancelled`.
  nonisolated(nonsending)
    public mutating func receive(until deadline: ContinuousClock.Instant) async -> sending TimedReceiveOutcome<Element>
  {
    await receive(timeout: ContinuousClock.now.duration(to: deadline))
  }
}

extension BoundedSender where Element: ~Copyable {
  /// Appends an element, blocking the calling thread until `deadline` at most while there is no room. If
  /// there is room at once, the element is sent even if the deadline has passed. An element that could not be
  /// sent comes back in the outcome.
  /// - Parameters:
  ///   - element: The element to send.
  ///   - deadline: When to stop waiting.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await send(_:until:)` in an async function or in a closure typed `async`"
  )
  public func send(
    _ element: consuming sending Element, until deadline: ContinuousClock.Instant
  ) -> sending WaitingSendOutcome<Element> {
    send(element, timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Appends an element, suspending the task until `deadline` at most while there is no room. If there is room at once,
  /// the element is sent even if the deadline has passed. An element that could not be sent comes back in the outcome,
  /// also when the task is cancelled while it waits.
  /// - Parameters:
  ///   - element: The element to send.
  ///   - deadline: When to stop waiting.
  nonisolated(nonsending)
    public func send(
      _ element: consuming sending Element, until deadline: ContinuousClock.Instant
    ) async -> sending WaitingSendOutcome<Element>
  {
    await send(element, timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Takes room for one element, blocking the calling thread until `deadline` at most. Throws `timedOut` if there was
  /// none by then, and `closed` if the channel is closed.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await reserve(until:)` in an async function or in a closure typed `async`"
  )
  public func reserve(until deadline: ContinuousClock.Instant) throws(ReserveError) -> Permit<Element> {
    try reserve(timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Takes room for `count` elements, blocking the calling thread until `deadline` at most. Throws `timedOut` if there
  /// was not enough by then, and `closed` if the channel is closed. A negative `count` stops the program.
  /// - Parameters:
  ///   - count: How many elements to take room for; at least zero.
  ///   - deadline: When to stop waiting.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await reserve(_:until:)` in an async function or in a closure typed `async`"
  )
  public func reserve(
    _ count: Int, until deadline: ContinuousClock.Instant
  ) throws(ReserveError) -> Permits<Element> {
    try reserve(count, timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Takes room for one element, suspending the task until `deadline` at most. Throws `timedOut` if there was none by
  /// then, `closed` if the channel is closed, and `cancelled` if the task is cancelled while it waits.
  nonisolated(nonsending)
    public func reserve(until deadline: ContinuousClock.Instant) async throws(ReserveError) -> Permit<Element>
  {
    try await reserve(timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Takes room for `count` elements, suspending the task until `deadline` at most. Throws `timedOut` if there was not
  /// enough by then, `closed` if the channel is closed, and `cancelled` if the task is cancelled while it waits. A
  /// negative `count` stops the program.
  /// - Parameters:
  ///   - count: How many elements to take room for; at least zero.
  ///   - deadline: When to stop waiting.
  nonisolated(nonsending)
    public func reserve(
      _ count: Int, until deadline: ContinuousClock.Instant
    ) async throws(ReserveError) -> Permits<Element>
  {
    try await reserve(count, timeout: ContinuousClock.now.duration(to: deadline))
  }
}

extension OneShotReceiver where Value: ~Copyable {
  /// Waits for the value, blocking the calling thread until `deadline` at most. A value that is there is
  /// returned even if the deadline has passed.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive(until:)` in an async function or in a closure typed `async`"
  )
  public consuming func receive(until deadline: ContinuousClock.Instant) -> sending OneShotOutcome<Value> {
    receive(timeout: ContinuousClock.now.duration(to: deadline))
  }

  /// Waits for the value, suspending the task until `deadline` at most. A value that is there is returned even if the
  /// deadline has passed. If the task is cancelled while it waits, the outcome is `cancelled`.
  nonisolated(nonsending)
    public consuming func receive(until deadline: ContinuousClock.Instant) async -> sending OneShotOutcome<Value>
  {
    await receive(timeout: ContinuousClock.now.duration(to: deadline))
  }
}
