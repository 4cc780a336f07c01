// The ways to receive in a task. None of them blocks a thread. An element that is there is taken without suspending,
// except for one in 256: a channel that always has something ready must not keep its thread from others.
extension Receiver where Element: ~Copyable {
  /// Takes the next element, suspending the task until there is one.
  ///
  /// It returns nil if the channel is closed and empty, or if the task was cancelled; `Task.isCancelled` tells which.
  /// A cancelled receive loses nothing, because the element stays for the next one. A task that is cancelled already
  /// still gets an element that is there.
  @inlinable
  nonisolated(nonsending)
    public mutating func receive() async -> sending Element?
  {
    if let element = core.take() {
      return core.isTurnOver ? await core.endTurn(with: element) : disconnected(element)
    }
    return await core.receiveSuspending()
  }

  /// Takes the next element, suspending the task for at most `timeout`.
  ///
  /// An element that is there is returned whatever the timeout is, even zero or a negative one. No timeout is too
  /// long. If the task is cancelled while it waits, the outcome is `cancelled`.
  @inlinable
  nonisolated(nonsending)
    public mutating func receive(timeout: Duration) async -> sending TimedReceiveOutcome<Element>
  {
    if let element = core.take() {
      return .received(core.isTurnOver ? await core.endTurn(with: element) : disconnected(element))
    }
    return await core.receiveSuspending(timeout)
  }

  /// Passes up to `limit` elements to `body`: suspends the task until there is one, then takes what is there.
  ///
  /// It returns how many there were. That is 0 if the channel is closed and empty, the task was cancelled, or the
  /// limit is 0. A negative limit stops the program. If `body` throws, the call throws its error, and the elements
  /// not yet passed stay in the channel.
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
    // A batch may step over the element at which `receive` would have ended the turn.
    if core.turn != start { await TaskYield.yield() }
    return count
  }

  /// Passes each element to `body`, until the channel is closed and empty or the task is cancelled.
  ///
  /// If `body` throws, the loop ends with its error, and the receiver can go on with the next element.
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
  /// Appends up to `limit` elements to `elements`: suspends the task until there is one, then takes what is there.
  ///
  /// It returns how many there were. That is 0 if the channel is closed and empty, the task was cancelled, or the
  /// limit is 0. A negative limit stops the program.
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

  /// Turns the receiver into a sequence for a `for await` loop, which ends when the channel is closed and empty, or
  /// when the task is cancelled. The sequence owns the receiver: when the sequence is destroyed, the channel closes.
  public consuming func elements() -> Elements<Element> { Elements(self) }
}

/// The elements of a channel as an asynchronous sequence, made by `Receiver.elements()`.
///
/// All iterators share one receiver, so each goes on where the one before it stopped. That is also why the sequence
/// is not Sendable.
public struct Elements<Element>: AsyncSequence, AsyncIteratorProtocol {
  /// The sequence never throws.
  public typealias Failure = Never

  @usableFromInline final class Box {
    @usableFromInline var receiver: Receiver<Element>
    init(_ receiver: consuming Receiver<Element>) { self.receiver = receiver }
  }
  @usableFromInline let box: Box

  init(_ receiver: consuming Receiver<Element>) { box = Box(receiver) }

  /// Returns the sequence itself, which is its own iterator.
  @inlinable public func makeAsyncIterator() -> Elements { self }

  /// Takes the next element, suspending the task until there is one. It returns nil when the channel is closed and
  /// empty, or when the task is cancelled.
  @inlinable public func next() async -> Element? {
    if let element = box.receiver.core.take() {
      return box.receiver.core.isTurnOver ? await box.receiver.core.endTurn(with: element) : element
    }
    return await box.receiver.core.receiveSuspending()
  }

  /// Takes the next element, suspending the task until there is one. It returns nil when the channel is closed and
  /// empty, or when the task is cancelled.
  @inlinable public func next(isolation actor: isolated (any Actor)?) async -> Element? {
    if let element = box.receiver.core.take() {
      return box.receiver.core.isTurnOver ? await box.receiver.core.endTurn(with: element) : element
    }
    return await box.receiver.core.receiveSuspending()
  }
}

@available(*, unavailable) extension Elements: Sendable {}

extension ChannelCore where Element: ~Copyable {
  /// The number of the turn that the receiver is in. A turn is 256 elements, which is what a task may take in a row.
  /// The elements are counted by their places in the queue, so that counting needs no state of its own.
  @inlinable var turn: UInt { queue.consumer.pointee.headIndex >> 8 }
  /// Whether the element that was just taken was the last one of a turn.
  @inlinable var isTurnOver: Bool { queue.consumer.pointee.headIndex & 255 == 0 }

  /// Lets other tasks have the thread for a turn, then returns the element.
  @usableFromInline
  nonisolated(nonsending)
    func endTurn(with element: consuming Element) async -> sending Element
  {
    await TaskYield.yield()
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
