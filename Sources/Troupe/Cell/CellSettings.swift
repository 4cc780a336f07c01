import Synchronization

/// A cell's name, and those of its options that a cell looks at later. Most cells have only defaults, and no such
/// object.
final class CellSettings: Sendable {
  let name: String?
  let supervision: Supervision?
  let childStrategy: ChildStrategy
  let keepsChildren: Bool
  let stashCapacity: Int
  /// The number of handles that exist; see `Handle`.
  let handles = Atomic<Int>(0)
  let overflow: MailboxOptions.Overflow
  let store: MailboxStore?
  let waiters: SendWaiters?
  /// The scheduler that runs the actor if it is not the pool; nil is the pool.
  let dispatcher: DispatcherScheduler?
  /// See `Cell.existingRareState`.
  @exclusivity(unchecked) nonisolated(unsafe) var rareState: RareState?

  /// Returns nil if there is nothing but defaults. It is no failable initializer, since that would allocate before it
  /// fails.
  static func unlessDefault(_ options: borrowing SpawnOptions, _ name: String?, _ dispatcher: DispatcherScheduler?)
    -> CellSettings?
  {
    if options.box == nil && name == nil { return nil }
    let options = options.values
    guard options.stashCapacity >= 0 else {
      fatalError("Troupe: the capacity of a stash must not be negative, and is \(options.stashCapacity)")
    }
    let isDefault =
      name == nil && options.supervision == nil && options.childStrategy == .oneForOne && !options.keepsChildren
      && options.stashCapacity == SpawnOptions.defaultStashCapacity && options.lifetime == .untilStopped
      && dispatcher == nil
      && options.mailbox.overflow == .reject && options.mailbox.store == nil
      && options.mailbox.capacity == 0
    return isDefault ? nil : CellSettings(options, name, dispatcher)
  }

  private init(_ options: SpawnOptions.Values, _ name: String?, _ dispatcher: DispatcherScheduler?) {
    self.name = name
    overflow = options.mailbox.overflow
    store = options.mailbox.store?()
    waiters = options.mailbox.capacity == 0 ? nil : SendWaiters()
    self.dispatcher = dispatcher
    supervision = options.supervision
    childStrategy = options.childStrategy
    keepsChildren = options.keepsChildren
    stashCapacity = options.stashCapacity
  }
}
