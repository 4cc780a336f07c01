extension Channel {
  /// Waits for the first of several operations, blocking the calling thread, and completes that one alone.
  ///
  /// ```swift
  /// let line = Channel.select { select in
  ///   select.receive(&numbers) { number in "the number \(number ?? 0)" }
  ///   select.receive(&words) { word in "the word \(word ?? "")" }
  ///   select.otherwise(after: .seconds(1)) { "nothing for a second" }
  /// }
  /// ```
  /// The closure names the operations: see `Selection`, whose methods it calls, for what may be in it. An operation
  /// that is not completed has no effect: it takes no element, sends none, and keeps no place in a line.
  ///
  /// The closure of the operation that was completed gives the value that is returned. A selection without an operation
  /// to wait for stops the program. On a worker of an actor system, or on a thread that runs a task, it stops the
  /// program as soon as it would have to wait. This is O(n) for n operations.
  /// - Parameters:
  ///   - inOrder: Which of several operations that are ready is completed. By default each has the same probability, so
  ///     that each of them gets its turn, however busy the others are. If this is true it is the one that the closure
  ///     names first. Use that where one channel matters more, such as one that says when to stop; the others wait for
  ///     as long as it is ready.
  ///   - operations: Names the operations. It is called several times.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await Channel.select` in an async function or in a closure typed `async`"
  )
  @inlinable public static func select<Outcome: ~Copyable>(
    inOrder: Bool = false, _ operations: (inout Selection<Outcome>) -> Void
  ) -> Outcome {
    var selection = Selection<Outcome>(isInOrder: inOrder)
    if selection.begin(operations), let outcome = selection.outcome.take() { return outcome }
    return selection.wait(operations)
  }

  /// Waits for the first of several operations, suspending the task, and completes that one alone.
  ///
  /// It returns nil if the task is cancelled while it waits; then no operation was completed, and nothing is lost. A
  /// task that is cancelled already still completes an operation that is ready. A selection without an operation to
  /// wait for waits until the task is cancelled. In everything else it is like the form for threads.
  ///
  /// ```swift
  /// while let event = await Channel.select({ select in
  ///   select.receive(&orders) { order in Event.order(order) }
  ///   select.receive(&ticks) { _ in Event.tick }
  /// }) { handle(event) }
  /// ```
  /// - Parameters:
  ///   - inOrder: Which of several operations that are ready is completed. By default each has the same probability, so
  ///     that each of them gets its turn, however busy the others are. If this is true it is the one that the closure
  ///     names first. Use that where one channel matters more, such as one that says when to stop; the others wait for
  ///     as long as it is ready.
  ///   - operations: Names the operations. It is called several times.
  @inlinable
  nonisolated(nonsending)
    public static func select<Outcome: ~Copyable>(
      inOrder: Bool = false, _ operations: (inout Selection<Outcome>) -> Void
    ) async -> Outcome?
  {
    var selection = Selection<Outcome>(isInOrder: inOrder)
    if selection.begin(operations), let outcome = selection.outcome.take() {
      if selection.isTurnOver { await TaskYield.yield() }
      return outcome
    }
    return await selection.wait(operations)
  }
}
