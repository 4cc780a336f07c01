/// How an actor's mailbox takes messages, and in which order it gives them out.
///
/// Bounds and rules are about messages that are sent. What the actor asked for, such as timers, notices of
/// watched actors and results of its own work, is never refused, dropped or replaced, and no part of a bound.
public struct MailboxOptions: Sendable {
  /// What a bounded mailbox does with a message when it is full.
  public enum Overflow: Sendable, Hashable {
    /// It goes back to the sender (`trySend`), or becomes a dead letter, `mailboxFull` (`send`); the default.
    case reject
    /// It becomes a dead letter, `overflow`; for the sender it was sent.
    case dropNewest
    /// It is rejected, and the actor fails with `MailboxOverflow`: its supervision decides.
    case fail
  }

  /// 0: unbounded, or the store's own affair. Else the queue counts the room, and `deliver` waits for it.
  @usableFromInline let capacity: Int
  let overflow: Overflow
  /// Makes the second kind of mailbox, where others than the consumer take messages out, or in another order.
  let store: (@Sendable () -> MailboxStore)?
  /// The type that `store` takes.
  let messageType: Any.Type?

  private init(
    capacity: Int, overflow: Overflow = .reject, messageType: Any.Type? = nil,
    store: (@Sendable () -> MailboxStore)? = nil
  ) {
    self.capacity = capacity
    self.overflow = overflow
    self.messageType = messageType
    self.store = store
  }

  /// Always has room; the default.
  public static var unbounded: MailboxOptions { MailboxOptions(capacity: 0) }

  /// Has room for so many messages; `deliver` waits for it. Its memory is allocated at spawn. A capacity
  /// below 1 or above 2^30 stops the program.
  public static func bounded(_ capacity: Int, overflow: Overflow = .reject) -> MailboxOptions {
    MailboxOptions(capacity: checked(capacity), overflow: overflow)
  }

  /// Keeps the last `capacity` messages: one that comes when it is full takes the place of the oldest, which
  /// becomes a dead letter, `overflow`. For what is worth less the older it is. A message costs a lock and an
  /// allocation. A capacity below 1 or above 2^30 stops the program.
  public static func droppingOldest(_ capacity: Int) -> MailboxOptions {
    let capacity = checked(capacity)
    return MailboxOptions(capacity: 0) { DroppingStore(capacity) }
  }

  /// Keeps one message for each key: a later one with the same key takes the place of the earlier, at its
  /// place in the line; the earlier becomes a dead letter, `replaced`. When `capacity` keys are there and
  /// another comes, the oldest message becomes a dead letter, `overflow`. `key` runs on the sender's thread,
  /// and keys are compared under a lock: that must not send. A message costs a lock and an allocation. A
  /// capacity below 1 or above 2^30 stops the program.
  public static func coalescing<Message: ~Copyable, Key: Hashable & Sendable>(
    _ capacity: Int, by key: @escaping @Sendable (borrowing Message) -> Key
  ) -> MailboxOptions {
    let capacity = checked(capacity)
    return typed(Message.self) { CoalescingStore(capacity, key) }
  }

  /// Gives out the message with the highest priority first, and among equals the oldest. Unbounded: `O(log
  /// n)` and a lock a message. `priority` runs on the sender's thread. Timers, notices and results count as
  /// priority 0.
  public static func prioritized<Message: ~Copyable>(
    by priority: @escaping @Sendable (borrowing Message) -> Int
  ) -> MailboxOptions {
    typed(Message.self) { PriorityStore(priority) }
  }

  /// The same with room for so many messages: what comes when it is full is rejected, whatever its priority;
  /// `deliver` waits, and those who wait get room in the order in which they came. A capacity below 1 or
  /// above 2^18 - 1 stops the program.
  public static func prioritized<Message: ~Copyable>(
    _ capacity: Int, by priority: @escaping @Sendable (borrowing Message) -> Int
  ) -> MailboxOptions {
    if capacity < 1 || capacity > TailWord.maximumPermits {
      fatalError(
        "Troupe: the capacity of a mailbox with priorities must lie between 1 and 2^18 - 1, and is \(capacity)")
    }
    return typed(Message.self, capacity) { PriorityStore(priority) }
  }

  /// The key or priority must be one of this actor's messages.
  @usableFromInline func check<Message: ~Copyable>(_ type: Message.Type) {
    guard let messageType, messageType != unsafeBitCast(type, to: Any.Type.self) else { return }
    fatalError(
      "Troupe: a mailbox whose key or priority is of \(messageType) was given to an actor of \(typeName(type))")
  }

  private static func typed<Message: ~Copyable>(
    _ type: Message.Type, _ capacity: Int = 0, _ store: @escaping @Sendable () -> MailboxStore
  ) -> MailboxOptions {
    MailboxOptions(capacity: capacity, messageType: unsafeBitCast(type, to: Any.Type.self), store: store)
  }

  private static func checked(_ capacity: Int) -> Int {
    if capacity < 1 || capacity > 1 << 30 {
      fatalError("Troupe: a mailbox's capacity must lie between 1 and 2^30, and is \(capacity)")
    }
    return capacity
  }
}

/// What an actor fails with whose mailbox was full under `MailboxOptions.Overflow.fail`.
public struct MailboxOverflow: Error, CustomStringConvertible {
  /// One line for a log.
  public var description: String { "the mailbox was full" }
}
