// This folder holds the mailbox of an actor as far as it is more than a queue: its options, its control lane, the
// envelopes that come beside the queue, and the stores of mailboxes with rules.

/// Says how an actor's mailbox takes messages, and in which order it gives them out. Set it in `SpawnOptions.mailbox`.
///
/// Bounds and rules apply to messages that are sent. What the actor itself asked for, such as timers, notices of
/// watched actors and results of its own work, is never refused, dropped or replaced, and does not count against a
/// bound.
///
/// ```swift
/// let meter = system.spawn(options: SpawnOptions(mailbox: .droppingOldest(100))) { Meter() }
/// ```
public struct MailboxOptions: Sendable {
  /// Says what a bounded mailbox does with a message when it is full.
  public enum Overflow: Sendable, Hashable {
    /// The message is refused: `trySend` gives it back to the sender, and `send` makes it a dead letter with the reason
    /// `mailboxFull`. This is the default.
    case reject
    /// The message becomes a dead letter with the reason `overflow`. To the sender it counts as sent.
    case dropNewest
    /// The message is refused, and the actor fails with `MailboxOverflow`, so that its supervision decides what becomes
    /// of it.
    case fail
  }

  /// How many messages there is room for. The queue counts the room, and `deliver` waits for it. It is 0 if the mailbox
  /// is unbounded, or if its store keeps to a bound of its own.
  @usableFromInline let capacity: Int
  let overflow: Overflow
  /// Makes the store of a mailbox with a rule, in which messages leave before the consumer takes them or in another
  /// order. It is nil for a mailbox that is only a queue.
  let store: (@Sendable () -> MailboxStore)?
  /// The type of the messages that `store` takes, if it is for one type only.
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

  /// A mailbox that always has room. This is the default.
  public static var unbounded: MailboxOptions { MailboxOptions(capacity: 0) }

  /// A mailbox with room for `capacity` messages. If it is full, `deliver` waits for room, and for the other ways to
  /// send `overflow` says what happens.
  ///
  /// Its memory is allocated when the actor is spawned. A capacity below 1 or above 2^30 stops the program.
  public static func bounded(_ capacity: Int, overflow: Overflow = .reject) -> MailboxOptions {
    MailboxOptions(capacity: checked(capacity), overflow: overflow)
  }

  /// A mailbox that keeps the last `capacity` messages. If it is full, a new message takes the place of the oldest one,
  /// which becomes a dead letter with the reason `overflow`. Use it for messages that are worth less the older they
  /// are.
  ///
  /// Each message costs a lock and an allocation. A capacity below 1 or above 2^30 stops the program.
  public static func droppingOldest(_ capacity: Int) -> MailboxOptions {
    let capacity = checked(capacity)
    return MailboxOptions(capacity: 0) { DroppingStore(capacity) }
  }

  /// A mailbox that keeps one message for each key.
  ///
  /// A new message takes the place of an earlier one with the same key, where that stood in the line. The earlier
  /// message becomes a dead letter with the reason `replaced`. If there are `capacity` keys and a message with another
  /// one comes, the oldest message becomes a dead letter with the reason `overflow`.
  ///
  /// Each message costs a lock and an allocation. A capacity below 1 or above 2^30 stops the program.
  ///
  /// - Parameters:
  ///   - capacity: How many messages, each with another key, the mailbox keeps.
  ///   - key: Returns the key of a message. It is called on the sender's thread. The keys are compared under a lock of
  ///     the mailbox, so their `==` and `hash(into:)` must not send to the actor.
  public static func coalescing<Message: ~Copyable, Key: Hashable & Sendable>(
    _ capacity: Int, by key: @escaping @Sendable (borrowing Message) -> Key
  ) -> MailboxOptions {
    let capacity = checked(capacity)
    return typed(Message.self) { CoalescingStore(capacity, key) }
  }

  /// An unbounded mailbox that gives out the message with the highest priority first, and among equals the oldest.
  ///
  /// Each message costs O(log n) and a lock. Timers, notices and results of the actor's own work have priority 0.
  ///
  /// - Parameter priority: Returns the priority of a message. It is called on the sender's thread.
  public static func prioritized<Message: ~Copyable>(
    by priority: @escaping @Sendable (borrowing Message) -> Int
  ) -> MailboxOptions {
    typed(Message.self) { PriorityStore(priority) }
  }

  /// A mailbox with room for `capacity` messages that gives out the message with the highest priority first, and among
  /// equals the oldest.
  ///
  /// If it is full, a message is refused whatever its priority. `deliver` waits for room, and those who wait get it in
  /// the order in which they came. Each message costs O(log n) and a lock. A capacity below 1 or above 2^18 - 1 stops
  /// the program.
  ///
  /// - Parameters:
  ///   - capacity: How many messages there is room for.
  ///   - priority: Returns the priority of a message. It is called on the sender's thread.
  public static func prioritized<Message: ~Copyable>(
    _ capacity: Int, by priority: @escaping @Sendable (borrowing Message) -> Int
  ) -> MailboxOptions {
    if capacity < 1 || capacity > TailWord.maximumPermits {
      fatalError(
        "Troupe: the capacity of a mailbox with priorities must lie between 1 and 2^18 - 1, and is \(capacity)")
    }
    return typed(Message.self, capacity) { PriorityStore(priority) }
  }

  /// Stops the program if the key or the priority is for messages of another type than this actor's.
  @usableFromInline func check<Message: ~Copyable>(_ type: Message.Type) {
    guard let messageType, messageType != unsafeBitCast(type, to: Any.Type.self) else { return }
    fatalError(
      "Troupe: the mailbox's key or priority is for messages of \(messageType), but the actor's are \(typeName(type))")
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

/// The error with which an actor fails if its mailbox was full and its options say `MailboxOptions.Overflow.fail`.
public struct MailboxOverflow: Error, CustomStringConvertible {
  /// The error as one line for a log.
  public var description: String { "a message came when the mailbox was full" }
}
