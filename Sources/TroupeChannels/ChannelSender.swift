/// What the sending ends of all channels have in common: `Sender` and `BoundedSender` conform. Use it for code that is
/// to work with either.
///
/// ```swift
/// func report(_ text: String, to log: some ChannelSender<String>) async {
///   if !(await log.sendWhenRoom(text)).isSent { print("nobody reads the log") }
/// }
/// ```
/// Each call does what the member of the same name says at the sender's own type.
public protocol ChannelSender<Element>: Hashable, Sendable {
  /// What is sent.
  associatedtype Element: ~Copyable

  /// Sends an element if there is room at once, and never waits. To a channel without a limit there always is.
  func trySend(_ element: consuming sending Element) -> sending TrySendOutcome<Element>

  /// Sends an element, suspending the calling task while there is no room. To a channel without a limit it never
  /// suspends. If the task is cancelled while it waits, the element comes back in the outcome.
  nonisolated(nonsending) func sendWhenRoom(
    _ element: consuming sending Element
  ) async -> sending WaitingSendOutcome<Element>

  /// How many elements have been sent and not yet received.
  var count: Int { get }
  /// Whether no element is waiting to be received.
  var isEmpty: Bool { get }
  /// Whether the channel is closed, so that a send would be refused.
  var isClosed: Bool { get }

  /// Suspends the task until the receiver has closed the channel or is gone, or until the task is cancelled.
  nonisolated(nonsending) func receiverGone() async
}

extension Sender: ChannelSender where Element: ~Copyable {
  /// Does the same as `send`, which never waits, in the form that code for both kinds of senders can call.
  @inlinable
  nonisolated(nonsending)
    public func sendWhenRoom(_ element: consuming sending Element) async -> sending WaitingSendOutcome<Element>
  {
    switch send(element) {
    case .sent: return .sent
    case .closed(let element): return .closed(disconnected(element))
    }
  }
}

extension BoundedSender: ChannelSender where Element: ~Copyable {
  /// Does the same as the asynchronous `send`, in the form that code for both kinds of senders can call.
  @inlinable
  nonisolated(nonsending)
    public func sendWhenRoom(_ element: consuming sending Element) async -> sending WaitingSendOutcome<Element>
  {
    await send(element)
  }
}
