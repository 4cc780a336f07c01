/// The sending end of an unbounded channel. A copy sends to the same channel; the channel closes when the last copy is gone.
///
/// A receiver that loops to the end waits for that. A closure keeps what it captured for as long as somebody keeps the closure,
/// and a local variable lives to the end of its scope: where the loop does not end, give the closure its own copy and end
/// the variable, as in `Thread.detachNewThread { [sender] in … }` followed by `_ = consume sender`. (A variable that holds a
/// `Thread` object keeps that thread's closure.)
///
/// Any thread and any task may use it, also several at once. Two senders are equal if they send to the same channel.
public struct Sender<Element: ~Copyable>: Sendable {
  @usableFromInline let handle: SenderHandle<Element>
  @usableFromInline let queue: MessageQueue<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.init(SenderHandle(core)) }
  @inlinable init(_ handle: SenderHandle<Element>) {
    self.handle = handle
    queue = handle.core.queue
  }

  /// Appends an element and never waits: O(1), and an allocation once in a block of slots.
  ///
  /// If the receiver has closed the channel or is gone, the element comes back in the outcome.
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

  /// The same as `send`: there is always room.
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

  /// A handle that does not keep the channel open.
  public var weak: WeakSender<Element> { WeakSender(core: handle.core) }
}

/// A handle to an unbounded channel that does not keep it open.
public struct WeakSender<Element: ~Copyable>: Sendable {
  let core: ChannelCore<Element>

  /// A sender, if one still exists; nil from the moment on that the last one is gone.
  public func upgrade() -> Sender<Element>? { SenderHandle.upgrade(core).map { Sender($0) } }
}

/// The sending end of a bounded or rendezvous channel. A copy sends to the same channel; the channel closes when the last
/// copy is gone and no permit is out.
///
/// Any thread and any task may use it, also several at once. Two senders are equal if they send to the same channel.
public struct BoundedSender<Element: ~Copyable>: Sendable {
  @usableFromInline let handle: SenderHandle<Element>

  @inlinable init(_ core: ChannelCore<Element>) { self.init(SenderHandle(core)) }
  @inlinable init(_ handle: SenderHandle<Element>) { self.handle = handle }

  /// Appends an element if there is room at once and nobody waits for it; never waits.
  ///
  /// On a rendezvous channel there is room only while the receiver waits.
  @inlinable public func trySend(_ element: consuming sending Element) -> sending TrySendOutcome<Element> {
    disconnected(handle.core.trySend(element))
  }

  /// Appends an element, blocking the thread while there is no room.
  ///
  /// Those who wait get room in the order in which they came. A timeout of zero or less still sends if there is room.
  /// On a worker of an actor system or inside a task, where a thread must not be blocked, it stops the program with a
  /// message once it would have to wait.
  /// - Parameter timeout: how long to wait at most; nil waits without limit.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await send(_:)` in asynchronous code; in main.swift, inside an async function"
  )
  @inlinable public func send(
    _ element: consuming sending Element, timeout: Duration? = nil
  ) -> sending WaitingSendOutcome<Element> {
    if handle.core.rendezvous == nil {
      switch handle.core.trySend(element) {
      case .sent: return .sent
      case .closed(let element): return .closed(disconnected(element))
      case .full(let element): return handle.core.sendSlowly(element, timeout)
      }
    }
    return handle.core.sendSlowly(element, timeout)
  }

  /// Appends an element, suspending the task while there is no room.
  ///
  /// Those who wait get room in the order in which they came. If the task is cancelled while it waits, the element comes
  /// back; an element that went into the channel first stays there, and the outcome is `sent`.
  /// - Parameter timeout: how long to wait at most; nil waits without limit.
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

  /// A handle that does not keep the channel open.
  public var weak: WeakBoundedSender<Element> { WeakBoundedSender(core: handle.core) }
}

/// A handle to a bounded or rendezvous channel that does not keep it open.
public struct WeakBoundedSender<Element: ~Copyable>: Sendable {
  let core: ChannelCore<Element>

  /// A sender, if one still exists; nil from the moment on that the last one is gone.
  public func upgrade() -> BoundedSender<Element>? { SenderHandle.upgrade(core).map { BoundedSender($0) } }
}
