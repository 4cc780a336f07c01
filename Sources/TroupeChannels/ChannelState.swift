// What both ends can see of their channel. A figure is exact while nobody else touches the channel, and old at once if
// somebody does.

extension ChannelCore where Element: ~Copyable {
  @usableFromInline var count: Int { capacity == 0 ? 0 : queue.count }

  /// What a receiver could take without waiting for a sender to come: on a rendezvous channel, from those that wait.
  @usableFromInline var pending: Int { rendezvous?.offerCount ?? queue.count }

  /// Suspends until the receiver has closed the channel or is gone, or the task is cancelled.
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
  /// Elements sent and not yet received.
  public var count: Int { handle.core.count }
  /// No element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// The receiver has closed the channel or is gone: a send would fail.
  public var isClosed: Bool { handle.core.isClosed }
  /// Suspends until the receiver has closed the channel or is gone; at once if it has. Returns early if the task is cancelled.
  nonisolated(nonsending) public func receiverGone() async { await handle.core.waitUntilGone() }
}

extension BoundedSender where Element: ~Copyable {
  /// Elements sent and not yet received; 0 on a rendezvous channel.
  public var count: Int { handle.core.count }
  /// No element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// The most elements and permits that the channel has room for; 0 on a rendezvous channel. Never changes.
  public var capacity: Int { handle.core.capacity }
  /// The room beside elements and permits.
  public var remainingCapacity: Int { handle.core.capacity == 0 ? 0 : handle.core.queue.remainingRoom() }
  /// There is no room.
  public var isFull: Bool { remainingCapacity == 0 }
  /// The receiver has closed the channel or is gone: a send would fail.
  public var isClosed: Bool { handle.core.isClosed }
  /// Suspends until the receiver has closed the channel or is gone; at once if it has. Returns early if the task is cancelled.
  nonisolated(nonsending) public func receiverGone() async { await handle.core.waitUntilGone() }
}

extension Receiver where Element: ~Copyable {
  /// Elements sent and not yet received; 0 on a rendezvous channel.
  public var count: Int { core.count }
  /// No element is waiting to be received.
  public var isEmpty: Bool { count == 0 }
  /// The most elements and permits that the channel has room for: 0 for rendezvous, nil for unbounded.
  public var capacity: Int? { core.capacity == .max ? nil : core.capacity }
  /// No new element can be sent: this end closed the channel, or all senders are gone. Elements may still be there to receive.
  /// In the second case a permit that is out counts as a sender.
  public var isClosed: Bool { core.isClosed }
  /// Whether the sender is the other end of this channel.
  public func isSameChannel(as sender: Sender<Element>) -> Bool { core === sender.handle.core }
  /// Whether the sender is the other end of this channel.
  public func isSameChannel(as sender: BoundedSender<Element>) -> Bool { core === sender.handle.core }
  /// The channel's kind and figures; never elements.
  public var description: String { "Receiver(\(core.description))" }
}

extension Sender: Hashable where Element: ~Copyable {
  /// Whether both send to the same channel.
  public static func == (a: Sender, b: Sender) -> Bool { a.handle.core === b.handle.core }
  /// Hashes the channel's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(handle.core)) }
}

extension BoundedSender: Hashable where Element: ~Copyable {
  /// Whether both send to the same channel.
  public static func == (a: BoundedSender, b: BoundedSender) -> Bool { a.handle.core === b.handle.core }
  /// Hashes the channel's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(handle.core)) }
}

extension Sender: CustomStringConvertible where Element: ~Copyable {
  /// The channel's kind and figures; never elements.
  public var description: String { "Sender(\(handle.core.description))" }
}

extension BoundedSender: CustomStringConvertible where Element: ~Copyable {
  /// The channel's kind and figures; never elements.
  public var description: String { "BoundedSender(\(handle.core.description))" }
}
