/// The sending end of an unbounded channel. All copies send to the same channel, which closes when the last copy is
/// gone.
///
/// A receiver that loops until the channel closes waits for that moment, so a sender that is kept too long makes such
/// a loop hang. A closure keeps what it captured for as long as somebody keeps the closure, and a local variable may
/// live to the end of its scope. Give each closure its own copy and end the variable, as in
/// `Thread.detachNewThread { [sender] in … }` followed by `_ = consume sender`. (A variable that holds a `Thread`
/// object also keeps that thread's closure.)
///
/// Any number of threads and tasks may use a sender at the same time. Two senders are equal if they send to the same
/// channel.
public struct Sender<Element: ~Copyable>: Sendable {
  @usableFromInline let handle: SenderHandle<Element>
  @usableFromInline let queue: MessageQueue<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.init(SenderHandle(core)) }
  @inlinable init(_ handle: SenderHandle<Element>) {
    self.handle = handle
    queue = handle.core.queue
  }

  /// Appends an element and never waits. This is O(1), with one allocation for each new block of slots.
  ///
  /// If the channel is closed, the outcome is `closed` and holds the element. A channel is closed when its receiver has
  /// closed it or is gone, and to a sender that was made after all earlier ones were gone.
  @inlinable public func send(_ element: consuming sending Element) -> sending SendOutcome<Element> {
    switch queue.push(element) {
    case .done: return .sent
    case .wake:
      handle.core.consumer.signal()
      return .sent
    case .closed(let element): return .closed(disconnected(element))
    case .full(let element): return .closed(disconnected(element))
    }
  }

  /// Does the same as `send`, because an unbounded channel always has room. Code written for a bounded channel can
  /// call it unchanged.
  @inlinable public func trySend(_ element: consuming sending Element) -> sending TrySendOutcome<Element> {
    switch queue.push(element) {
    case .done: return .sent
    case .wake:
      handle.core.consumer.signal()
      return .sent
    case .closed(let element): return .closed(disconnected(element))
    case .full(let element): return .closed(disconnected(element))
    }
  }

  /// A handle to the same channel that does not keep it open.
  public var weak: WeakSender<Element> { WeakSender(core: handle.core) }
}

/// A handle to an unbounded channel that does not keep it open. Use it where an object should be able to send without
/// being the reason that the receiver goes on waiting.
public struct WeakSender<Element: ~Copyable>: Sendable {
  let core: ChannelCore<Element>

  /// Returns a sender if one exists at this moment, and nil otherwise.
  ///
  /// Once the last sender is gone the channel is closed, and stays so: from then on this returns nil, even if another
  /// sender is taken out of the channel value.
  public func upgrade() -> Sender<Element>? { SenderHandle.upgrade(core).map { Sender($0) } }
}

/// The sending end of a bounded or rendezvous channel. All copies send to the same channel, which closes when the
/// last copy is gone and no permit is left.
///
/// Any number of threads and tasks may use a sender at the same time. Two senders are equal if they send to the same
/// channel.
public struct BoundedSender<Element: ~Copyable>: Sendable {
  @usableFromInline let handle: SenderHandle<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.init(SenderHandle(core)) }
  @inlinable init(_ handle: SenderHandle<Element>) { self.handle = handle }

  /// Appends an element if there is room at once and nobody waits for that room already. Never waits.
  ///
  /// If it cannot, the outcome holds the element. A rendezvous channel has room only while its receiver is waiting.
  @inlinable public func trySend(_ element: consuming sending Element) -> sending TrySendOutcome<Element> {
    disconnected(handle.core.trySend(element))
  }

  /// Appends an element, blocking the calling thread while there is no room.
  ///
  /// Waiting senders are served in the order in which they came. With a timeout of zero or less, the element is still
  /// sent if there is room at once. An element that could not be sent comes back in the outcome.
  ///
  /// A worker of an actor system must not be blocked, and neither must a thread that runs a task: there, the call
  /// stops the program with a message as soon as it would have to wait.
  /// - Parameters:
  ///   - element: The element to send.
  ///   - timeout: How long to wait at most; nil waits without limit.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await send(_:)` in an async function or in a closure typed `async`"
  )
  @inlinable public func send(
    _ element: consuming sending Element, timeout: Duration? = nil
  ) -> sending WaitingSendOutcome<Element> {
    if let rendezvous = handle.core.rendezvous {
      let deadline = timeout.map { Deadline(after: $0) } ?? .never
      return disconnected(handle.core.send(element, rendezvous, until: deadline))
    }
    switch handle.core.trySend(element) {
    case .sent: return .sent
    case .closed(let element): return .closed(disconnected(element))
    case .full(let element): return handle.core.sendSlowly(element, timeout)
    }
  }

  /// Appends an element, suspending the calling task while there is no room.
  ///
  /// Waiting senders are served in the order in which they came. If the task is cancelled while it waits, the element
  /// comes back in the outcome; an element that got into the channel before the cancellation stays there, and the
  /// outcome is `sent`.
  /// - Parameters:
  ///   - element: The element to send.
  ///   - timeout: How long to wait at most; nil waits without limit.
  @inlinable
  nonisolated(nonsending)
    public func send(
      _ element: consuming sending Element, timeout: Duration? = nil
    ) async -> sending WaitingSendOutcome<Element>
  {
    if handle.core.rendezvous == nil {
      switch handle.core.trySend(element) {
      case .sent: return .sent
      case .closed(let element): return .closed(disconnected(element))
      case .full(let element): return await handle.core.sendSlowly(element, timeout)
      }
    }
    return await handle.core.sendSlowly(element, timeout)
  }

  /// A handle to the same channel that does not keep it open.
  public var weak: WeakBoundedSender<Element> { WeakBoundedSender(core: handle.core) }
}

/// A handle to a bounded or rendezvous channel that does not keep it open.
public struct WeakBoundedSender<Element: ~Copyable>: Sendable {
  let core: ChannelCore<Element>

  /// Returns a sender if one exists at this moment, and nil otherwise.
  ///
  /// Once the last sender is gone and no permit is left, the channel is closed to new elements, and stays so: from
  /// then on this returns nil, even if another sender is taken out of the channel value.
  public func upgrade() -> BoundedSender<Element>? { SenderHandle.upgrade(core).map { BoundedSender($0) } }
}
