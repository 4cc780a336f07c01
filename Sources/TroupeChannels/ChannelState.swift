// What the two ends can see of their channel. A figure is exact while nobody else uses the channel; while somebody
// does, it may be out of date by the time it is returned.

extension ChannelCore where Element: ~Copyable {
  @usableFromInline var count: Int { capacity == 0 ? 0 : queue.count }

  /// How many elements the receiver could take without waiting for a sender to come. On a rendezvous channel these
  /// are the elements of the senders that wait.
  @usableFromInline var pending: Int { rendezvous?.offerCount ?? queue.count }

  /// Suspends until the receiver has closed the channel or is gone, or until the task is cancelled.
  nonisolated(nonsending) func waitUntilGone() async {
    guard let watcher = goneWatchers.register() else { return }
    await watcher.parker.waitUnlessCancelled()
    goneWatchers.remove(watcher)
  }

  var description: String {
    let kind = capacity == .max ? "unbounded" : capacity == 0 ? "rendezvous" : "bounded(\(capacity))"
    return "\(kind), \(count) queued\(isClosed ? ", closed" : "")"
  }
}

extension Sender where Element: ~Copyable {
  /// How many elements have been sent and not yet received. This is O(1), and may be out of date as soon as it is
  /// returned.
  public var count: Int { handle.core.count }
  /// Whether no element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// Whether the channel is closed, so that a send would be refused; `SendError.closed` says when that is so.
  public var isClosed: Bool { handle.core.isClosed }
  /// Suspends the task until the receiver has closed the channel or is gone, and returns at once if it has. It also
  /// returns, early, if the task is cancelled.
  nonisolated(nonsending) public func receiverGone() async { await handle.core.waitUntilGone() }
}

extension BoundedSender where Element: ~Copyable {
  /// How many elements have been sent and not yet received; always 0 on a rendezvous channel. This is O(1), and may
  /// be out of date as soon as it is returned.
  public var count: Int { handle.core.count }
  /// Whether no element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// How many elements and permits the channel has room for; 0 on a rendezvous channel. The capacity never changes.
  public var capacity: Int { handle.core.capacity }
  /// How much room is left by the elements and permits that are in the channel; always 0 on a rendezvous channel.
  public var remainingCapacity: Int { handle.core.capacity == 0 ? 0 : handle.core.queue.remainingRoom() }
  /// Whether no room is left; always true on a rendezvous channel.
  public var isFull: Bool { remainingCapacity == 0 }
  /// Whether the channel is closed, so that a send would be refused; `SendError.closed` says when that is so.
  public var isClosed: Bool { handle.core.isClosed }
  /// Suspends the task until the receiver has closed the channel or is gone, and returns at once if it has. It also
  /// returns, early, if the task is cancelled.
  nonisolated(nonsending) public func receiverGone() async { await handle.core.waitUntilGone() }
}

extension Receiver where Element: ~Copyable {
  /// How many elements have been sent and not yet received; always 0 on a rendezvous channel. This is O(1), and may
  /// be out of date as soon as it is returned.
  public var count: Int { core.count }
  /// Whether no element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// How many elements and permits the channel has room for: 0 on a rendezvous channel, nil on an unbounded one.
  public var capacity: Int? { core.capacity == .max ? nil : core.capacity }
  /// Whether no new element can be sent, because this end closed the channel or because all senders are gone, where a
  /// permit that is left counts as a sender. Elements that were sent before may still be there to receive.
  public var isClosed: Bool { core.isClosed }
  /// Returns whether the sender is the other end of this channel.
  public func isSameChannel(as sender: Sender<Element>) -> Bool { core === sender.handle.core }
  /// Returns whether the sender is the other end of this channel.
  public func isSameChannel(as sender: BoundedSender<Element>) -> Bool { core === sender.handle.core }
  /// Names the kind of the channel and its figures, and never contains elements.
  public var description: String { "Receiver(\(core.description))" }
}

extension Sender: Hashable where Element: ~Copyable {
  /// Returns whether both send to the same channel.
  public static func == (a: Sender, b: Sender) -> Bool { a.handle.core === b.handle.core }
  /// Hashes the identity of the channel.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(handle.core)) }
}

extension BoundedSender: Hashable where Element: ~Copyable {
  /// Returns whether both send to the same channel.
  public static func == (a: BoundedSender, b: BoundedSender) -> Bool { a.handle.core === b.handle.core }
  /// Hashes the identity of the channel.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(handle.core)) }
}

extension Sender: CustomStringConvertible where Element: ~Copyable {
  /// Names the kind of the channel and its figures, and never contains elements.
  public var description: String { "Sender(\(handle.core.description))" }
}

extension BoundedSender: CustomStringConvertible where Element: ~Copyable {
  /// Names the kind of the channel and its figures, and never contains elements.
  public var description: String { "BoundedSender(\(handle.core.description))" }
}
