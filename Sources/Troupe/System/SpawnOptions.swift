/// How an actor is set up. The defaults suit most.
public struct SpawnOptions: Sendable {
  /// How the mailbox takes messages.
  public var mailbox: MailboxOptions
  /// Where its turns run.
  public var dispatcher: Dispatcher
  /// What happens when it fails. Nil: what the system's options say.
  public var supervision: Supervision?
  /// Which of its children are restarted when one of them is.
  public var childStrategy: ChildStrategy
  /// Whether its children live on when it is restarted.
  public var keepsChildren: Bool
  /// How many messages its stash takes; below 0 stops the program at spawn.
  public var stashCapacity: Int

  static let defaultStashCapacity = 1000

  /// The defaults, but for what is given.
  public init(
    mailbox: MailboxOptions = .unbounded, dispatcher: Dispatcher = .default, supervision: Supervision? = nil,
    childStrategy: ChildStrategy = .oneForOne, keepsChildren: Bool = false, stashCapacity: Int = 1000
  ) {
    self.mailbox = mailbox
    self.dispatcher = dispatcher
    self.supervision = supervision
    self.childStrategy = childStrategy
    self.keepsChildren = keepsChildren
    self.stashCapacity = stashCapacity
  }
}

/// A cell's name, and those of its options that differ from the defaults. Most cells have none.
final class CellSettings: Sendable {
  let name: String?
  let supervision: Supervision?
  let childStrategy: ChildStrategy
  let keepsChildren: Bool
  let stashCapacity: Int
  let overflow: MailboxOptions.Overflow
  let store: ParcelStore?
  /// Nil: the pool.
  let side: SideScheduler?

  init?(_ options: SpawnOptions, _ name: String?, _ side: SideScheduler?) {
    guard options.stashCapacity >= 0 else {
      fatalError("Troupe: the capacity of a stash must not be negative, and is \(options.stashCapacity)")
    }
    let isDefault =
      name == nil && options.supervision == nil && options.childStrategy == .oneForOne && !options.keepsChildren
      && options.stashCapacity == SpawnOptions.defaultStashCapacity && side == nil
      && options.mailbox.overflow == .reject && options.mailbox.store == nil
    if isDefault { return nil }
    self.name = name
    overflow = options.mailbox.overflow
    store = options.mailbox.store?()
    self.side = side
    supervision = options.supervision
    childStrategy = options.childStrategy
    keepsChildren = options.keepsChildren
    stashCapacity = options.stashCapacity
  }
}
