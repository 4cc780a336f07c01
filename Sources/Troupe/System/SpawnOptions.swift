import Synchronization

/// The settings of an actor. The defaults suit most actors.
public struct SpawnOptions: Sendable {
  // This is one word, and nil for the defaults: most spawns pass it on and look at nothing else.
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

  /// How the mailbox takes and orders messages.
  public var mailbox: MailboxOptions {
    get { values.mailbox }
    set { values.mailbox = newValue }
  }
  /// Which threads the actor runs on.
  public var dispatcher: Dispatcher {
    get { values.dispatcher }
    set { values.dispatcher = newValue }
  }
  /// What happens when the actor fails; nil takes what the system's options say.
  public var supervision: Supervision? {
    get { values.supervision }
    set { values.supervision = newValue }
  }
  /// Which of the actor's children are restarted when one of them is.
  public var childStrategy: ChildStrategy {
    get { values.childStrategy }
    set { values.childStrategy = newValue }
  }
  /// Whether the actor's children live on when it is restarted.
  public var keepsChildren: Bool {
    get { values.keepsChildren }
    set { values.keepsChildren = newValue }
  }
  /// How many messages the actor's stash takes; a number below 0 stops the program at spawn.
  public var stashCapacity: Int {
    get { values.stashCapacity }
    set { values.stashCapacity = newValue }
  }

  /// What ends the actor's life, apart from being stopped.
  public var lifetime: Lifetime {
    get { values.lifetime }
    set { values.lifetime = newValue }
  }

  /// The defaults.
  @inlinable public init() { box = nil }

  /// Makes options with the default for everything that is not given.
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

  /// The mailbox's capacity, 0 if it is unbounded; and, as `ring`, the number of slots of its lock-free queue, of which
  /// a mailbox with a store of its own needs no more than one.
  @inlinable var capacity: Int { box == nil ? 0 : chosenCapacity }
  @inlinable var ring: Int { box == nil ? 0 : chosenRing }
  @usableFromInline var chosenCapacity: Int { values.mailbox.capacity }
  @usableFromInline var chosenRing: Int { values.mailbox.store == nil ? chosenCapacity : min(1, chosenCapacity) }

  @inlinable func check<Message: ~Copyable>(_ type: Message.Type) { if box != nil { checkChosen(type) } }
  @usableFromInline func checkChosen<Message: ~Copyable>(_ type: Message.Type) { values.mailbox.check(type) }
}
