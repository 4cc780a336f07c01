// The ways to receive on a thread. Each call may block the calling thread. A worker of an actor system must not be
// blocked, and neither must a thread that runs a task: there, a call stops the program with a message as soon as it
// would have to wait.
extension Receiver where Element: ~Copyable {
  /// Takes the next element, blocking the calling thread until there is one. It returns nil if the channel is closed
  /// and empty.
  ///
  /// On a worker of an actor system, or on a thread that runs a task, it stops the program as soon as it would have
  /// to wait.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await receive()` in an async function or in a closure typed `async`"
  )
  @inlinable public mutating func receive() -> sending Element? {
    if let element = core.take() { return disconnected(element) }
    return core.receiveBlocking()
  }

  /// Takes the next element, blocking the calling thread for at most `timeout`.
  ///
  /// An element that is there is returned whatever the timeout is, even zero or a negative one. No timeout is too
  /// long.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await receive(timeout:)` in an async function or in a closure typed `async`"
  )
  @inlinable public mutating func receive(timeout: Duration) -> sending TimedReceiveOutcome<Element> {
    if let element = core.take() { return .received(disconnected(element)) }
    return core.receiveBlocking(timeout)
  }

  /// Passes up to `limit` elements to `body`: blocks the calling thread until there is one, then takes what is there.
  ///
  /// It returns how many there were, which is 0 if the channel is closed and empty or the limit is 0. A negative
  /// limit stops the program. If `body` throws, the call throws its error, and the elements not yet passed stay in
  /// the channel.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await receiveMany` in an async function or in a closure typed `async`"
  )
  @discardableResult
  @inlinable public mutating func receiveMany<Failure: Error>(
    limit: Int, _ body: (consuming sending Element) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    guard limit >= 0 else { fatalError("Troupe: the limit of receiveMany must not be negative") }
    guard limit > 0, let element = receive() else { return 0 }
    try body(element)
    var count = 1
    while count < limit, case .received(let element) = tryReceive() {
      count += 1
      try body(element)
    }
    return count
  }

  /// Passes each element to `body`, blocking the calling thread in between, until the channel is closed and empty.
  ///
  /// If `body` throws, the loop ends with its error, and the receiver can go on with the next element.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await forEach` in an async function or in a closure typed `async`"
  )
  @inlinable public mutating func forEach<Failure: Error>(
    _ body: (consuming sending Element) throws(Failure) -> Void
  ) throws(Failure) {
    while let element = receive() { try body(element) }
  }
}

extension Receiver where Element: Copyable {
  /// Appends up to `limit` elements to `elements`: blocks the calling thread until there is one, then takes what is
  /// there.
  ///
  /// It returns how many there were, which is 0 if the channel is closed and empty or the limit is 0. A negative
  /// limit stops the program.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await receiveMany` in an async function or in a closure typed `async`"
  )
  @discardableResult
  @inlinable public mutating func receiveMany(into elements: inout [Element], limit: Int) -> Int {
    var received: [Element] = []
    let count = receiveMany(limit: limit) { received.append($0) }
    elements += received
    return count
  }

  /// Turns the receiver into a sequence for a `for` loop, which blocks the calling thread in between and ends when
  /// the channel is closed and empty. The sequence owns the receiver: when the sequence is destroyed, the channel
  /// closes.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `for await` and `elements()` in an async function or in a closure typed `async`"
  )
  public consuming func blockingElements() -> BlockingElements<Element> { BlockingElements(self) }
}

/// The elements of a channel as a sequence that blocks the thread, made by `Receiver.blockingElements()`.
///
/// All iterators share one receiver, so each goes on where the one before it stopped.
public struct BlockingElements<Element>: Sequence, IteratorProtocol {
  @usableFromInline final class Box {
    @usableFromInline var receiver: Receiver<Element>
    init(_ receiver: consuming Receiver<Element>) { self.receiver = receiver }
    @usableFromInline func next() -> Element? {
      switch receiver.core.receive(until: .never) {
      case .received(let element): element
      case .closed, .timedOut, .cancelled: nil
      }
    }
  }
  @usableFromInline let box: Box

  init(_ receiver: consuming Receiver<Element>) { box = Box(receiver) }

  /// Takes the next element, blocking the calling thread until there is one. It returns nil when the channel is
  /// closed and empty.
  @inlinable public func next() -> Element? { box.receiver.core.take() ?? box.next() }
}

@available(*, unavailable) extension BlockingElements: Sendable {}

extension ChannelCore where Element: ~Copyable {
  @inlinable func receiveBlocking() -> sending Element? {
    guard let rendezvous else { return receiveSlowly() }
    // Specialized, unlike the slow half of the channels that store elements: each receive comes here.
    switch receive(rendezvous, until: .never) {
    case .received(let element): return disconnected(element)
    default: return nil
    }
  }
  @inlinable func receiveBlocking(_ timeout: Duration) -> sending TimedReceiveOutcome<Element> {
    let deadline = Deadline(after: timeout)
    guard let rendezvous else { return disconnected(receive(until: deadline)) }
    return disconnected(receive(rendezvous, until: deadline))
  }

  @usableFromInline func receiveSlowly() -> sending Element? {
    switch receive(until: .never) {
    case .received(let element): return disconnected(element)
    default: return nil
    }
  }
}
