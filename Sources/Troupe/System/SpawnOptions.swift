import Synchronization

/// How an actor is set up. The defaults suit most.
public struct SpawnOptions: Sendable {
  // One word, and nil for the defaults: most spawns pass it on, and look at nothing else.
  @usableFromInline private(set) var box: Box?

  @usableFromInline final class Box: Sendable {
    let values: Values
    init(_ values: Values) { self.values = values }
  }

  struct Values: Sendable {
    var mailbox = MailboxOptions.unbounded
    var dispatcher = Dispatcher.default
    var supervision: Supervision?
    var childStrategy = ChildStrategy.oneForOne
    var keepsChildren = false
    var stashCapacity = SpawnOptions.defaultStashCapacity
    var lifetime = Lifetime.untilStopped
    static let defaults = Values()
  }

  static let defaultStashCapacity = 1000

  var values: Values {
    get { box?.values ?? .defaults }
    set { box = Box(newValue) }
  }

  /// How the mailbox takes messages.
  public var mailbox: MailboxOptions {
    get { values.mailbox }
    set { values.mailbox = newValue }
  }
  /// Where its turns run.
  public var dispatcher: Dispatcher {
    get { values.dispatcher }
    set { values.dispatcher = newValue }
  }
  /// What happens when it fails. Nil: what the system's options say.
  public var supervision: Supervision? {
    get { values.supervision }
    set { values.supervision = newValue }
  }
  /// Which of its children are restarted when one of them is.
  public var childStrategy: ChildStrategy {
    get { values.childStrategy }
    set { values.childStrategy = newValue }
  }
  /// Whether its children live on when it is restarted.
  public var keepsChildren: Bool {
    get { values.keepsChildren }
    set { values.keepsChildren = newValue }
  }
  /// How many messages its stash takes; below 0 stops the program at spawn.
  public var stashCapacity: Int {
    get { values.stashCapacity }
    set { values.stashCapacity = newValue }
  }

  /// What it lives for.
  public var lifetime: Lifetime {
    get { values.lifetime }
    set { values.lifetime = newValue }
  }

  /// The defaults.
  @inlinable public init() { box = nil }

  /// The defaults, but for what is given.
  public init(
    mailbox: MailboxOptions = .unbounded, dispatcher: Dispatcher = .default, supervision: Supervision? = nil,
    childStrategy: ChildStrategy = .oneForOne, keepsChildren: Bool = false, stashCapacity: Int = 1000,
    lifetime: Lifetime = .untilStopped
  ) {
    box = Box(
      Values(
        mailbox: mailbox, dispatcher: dispatcher, supervision: supervision, childStrategy: childStrategy,
        keepsChildren: keepsChildren, stashCapacity: stashCapacity, lifetime: lifetime))
  }

  /// Of the lock-free queue, and how many slots it has.
  @inlinable var capacity: Int { box == nil ? 0 : chosenCapacity }
  @inlinable var ring: Int { box == nil ? 0 : chosenRing }
  @usableFromInline var chosenCapacity: Int { values.mailbox.capacity }
  @usableFromInline var chosenRing: Int { values.mailbox.store == nil ? chosenCapacity : min(1, chosenCapacity) }

  @inlinable func check<Message: ~Copyable>(_ type: Message.Type) { if box != nil { checkChosen(type) } }
  @usableFromInline func checkChosen<Message: ~Copyable>(_ type: Message.Type) { values.mailbox.check(type) }
}

/// A cell's name, and those of its options that differ from the defaults. Most cells have none.
final class CellSettings: Sendable {
  let name: String?
  let supervision: Supervision?
  let childStrategy: ChildStrategy
  let keepsChildren: Bool
  let stashCapacity: Int
  /// Handles that are out; see `Handle`.
  let handles = Atomic<Int>(0)
  let overflow: MailboxOptions.Overflow
  let store: ParcelStore?
  let waiters: SendWaiters?
  /// Nil: the pool.
  let side: SideScheduler?
  /// See `Cell.existingAnnex`.
  @exclusivity(unchecked) nonisolated(unsafe) var annex: Annex?

  /// Nil if there is nothing but defaults. No failable initializer, which would allocate before it fails.
  static func unlessDefault(_ options: borrowing SpawnOptions, _ name: String?, _ side: SideScheduler?) -> CellSettings?
  {
    if options.box == nil && name == nil { return nil }
    let options = options.values
    guard options.stashCapacity >= 0 else {
      fatalError("Troupe: the capacity of a stash must not be negative, and is \(options.stashCapacity)")
    }
    let isDefault =
      name == nil && options.supervision == nil && options.childStrategy == .oneForOne && !options.keepsChildren
      && options.stashCapacity == SpawnOptions.defaultStashCapacity && options.lifetime == .untilStopped && side == nil
      && options.mailbox.overflow == .reject && options.mailbox.store == nil
      && options.mailbox.capacity == 0
    return isDefault ? nil : CellSettings(options, name, side)
  }

  private init(_ options: SpawnOptions.Values, _ name: String?, _ side: SideScheduler?) {
    self.name = name
    overflow = options.mailbox.overflow
    store = options.mailbox.store?()
    waiters = options.mailbox.capacity == 0 ? nil : SendWaiters()
    self.side = side
    supervision = options.supervision
    childStrategy = options.childStrategy
    keepsChildren = options.keepsChildren
    stashCapacity = options.stashCapacity
  }
}
