// In a task. None of these blocks a thread, and an element that is there is taken without suspending, but for one in 256:
// a channel that is always ready must not keep the thread from others.
extension Receiver where Element: ~Copyable {
  /// Takes the next element, suspending the task until there is one.
  ///
  /// Nil: the channel is closed and empty, or the task was cancelled (`Task.isCancelled` tells which). A cancelled
  /// receive loses nothing: the element stays for the next one. A cancelled task still takes what is there.
  @inlinable
  nonisolated(nonsending)
    public mutating func receive() async -> sending Element?
  {
    if let element = core.take() {
      return core.isTurnOver ? await core.endTurn(with: element) : disconnected(element)
    }
    return await core.receiveSuspending()
  }

  /// Takes the next element, suspending the task for at most `timeout`. An element that is there is returned whatever the
  /// timeout, also zero or a negative one; no timeout is too long.
  @inlinable
  nonisolated(nonsending)
    public mutating func receive(timeout: Duration) async -> sending TimedReceiveOutcome<Element>
  {
    if let element = core.take() {
      return .received(core.isTurnOver ? await core.endTurn(with: element) : disconnected(element))
    }
    return await core.receiveSuspending(timeout)
  }

  /// Passes up to `limit` elements to `body`, suspending the task until there is one, then taking what is there.
  ///
  /// Returns how many; 0 means closed and empty, a cancelled task, or a limit of 0. A negative limit stops the program.
  @discardableResult
  @inlinable
  nonisolated(nonsending)
    public mutating func receiveMany<Failure: Error>(
      limit: Int, _ body: (consuming sending Element) throws(Failure) -> Void
    ) async throws(Failure) -> Int
  {
    guard limit >= 0 else { fatalError("Troupe: the limit of receiveMany must not be negative") }
    let start = core.turn
    guard limit > 0, let element = await receive() else { return 0 }
    try body(element)
    var count = 1
    while count < limit, case .received(let element) = tryReceive() {
      count += 1
      try body(element)
    }
    // Batches may step over the element at which `receive` ends the turn.
    if core.turn != start { await TaskTurn.yield() }
    return count
  }

  /// Passes each element to `body`, until the channel is closed and empty or the task is cancelled.
  /// If `body` throws, the loop ends, and the receiver goes on with the next element.
  @inlinable
  nonisolated(nonsending)
    public mutating func forEach<Failure: Error>(
      _ body: nonisolated(nonsending) (consuming sending Element) async throws(Failure) -> Void
    ) async throws(Failure)
  {
    while let element = await receive() { try await body(element) }
  }
}

extension Receiver where Element: Copyable {
  /// Appends up to `limit` elements to `elements`, suspending the task until there is one, then taking what is there.
  ///
  /// Returns how many; 0 means closed and empty, a cancelled task, or a limit of 0. A negative limit stops the program.
  @discardableResult
  @inlinable
  nonisolated(nonsending)
    public mutating func receiveMany(into elements: inout [Element], limit: Int) async -> Int
  {
    var received: [Element] = []
    let count = await receiveMany(limit: limit) { received.append($0) }
    elements += received
    return count
  }

  /// The elements as a sequence for a `for await` loop, which ends when the channel is closed and empty, or when the task
  /// is cancelled. The receiver goes into the sequence, and goes with it.
  public consuming func elements() -> Elements<Element> { Elements(self) }
}

/// The elements of a channel as an asynchronous sequence; made by `Receiver.elements()`.
///
/// Every iterator goes on where the one before stopped: there is one receiver inside. That is also why it is not Sendable.
public struct Elements<Element>: AsyncSequence, AsyncIteratorProtocol {
  /// The sequence never throws.
  public typealias Failure = Never

  @usableFromInline final class Box {
    @usableFromInline var receiver: Receiver<Element>
    init(_ receiver: consuming Receiver<Element>) { self.receiver = receiver }
  }
  @usableFromInline let box: Box

  init(_ receiver: consuming Receiver<Element>) { box = Box(receiver) }

  /// The sequence is its own iterator.
  @inlinable public func makeAsyncIterator() -> Elements { self }

  /// The next element, or nil at the end.
  @inlinable public func next() async -> Element? {
    if let element = box.receiver.core.take() {
      return box.receiver.core.isTurnOver ? await box.receiver.core.endTurn(with: element) : element
    }
    return await box.receiver.core.receiveSuspending()
  }

  /// The next element, or nil at the end.
  @inlinable public func next(isolation actor: isolated (any Actor)?) async -> Element? {
    if let element = box.receiver.core.take() {
      return box.receiver.core.isTurnOver ? await box.receiver.core.endTurn(with: element) : element
    }
    return await box.receiver.core.receiveSuspending()
  }
}

@available(*, unavailable) extension Elements: Sendable {}

extension ChannelCore where Element: ~Copyable {
  /// Elements that a task may take in a row, counted by their places in the queue, so that it costs no state.
  @inlinable var turn: UInt { queue.consumer.pointee.headIndex >> 8 }
  /// Whether the element just taken was the last of a turn.
  @inlinable var isTurnOver: Bool { queue.consumer.pointee.headIndex & 255 == 0 }

  /// Lets others have the thread, then returns the element.
  @usableFromInline
  nonisolated(nonsending)
    func endTurn(with element: consuming Element) async -> sending Element
  {
    await TaskTurn.yield()
    return disconnected(element)
  }

  @inlinable
  nonisolated(nonsending)
    func receiveSuspending() async -> sending Element?
  {
    switch await receive(until: .never) {
    case .received(let element): return disconnected(element)
    default: return nil
    }
  }
  @usableFromInline
  nonisolated(nonsending)
    func receiveSuspending(_ timeout: Duration) async -> sending TimedReceiveOutcome<Element>
  {
    disconnected(await receive(until: Deadline(after: timeout)))
  }
}
