import Synchronization

/// A cell's name, and those of its options that are needed after the spawn. Most cells have only defaults, and no such
/// object.
///
/// Sendable because everything in it is constant or atomic, except for the rare state, which only the cell's worker
/// touches.
final class CellSettings: Sendable {
  let name: String?
  let supervision: Supervision?
  let childStrategy: ChildStrategy
  let keepsChildren: Bool
  let stashCapacity: Int
  /// The number of handles that exist; see `CountedReference`.
  let handles = Atomic<Int>(0)
  let overflow: MailboxOptions.Overflow
  let store: MailboxStore?
  /// Those who wait for room, if the mailbox is bounded.
  let waiters: SendWaiters?
  /// The scheduler that runs the actor, or nil if it runs on the pool.
  let dispatcher: DispatcherScheduler?
  /// The cell's rare state, if it has been made. It is here because a cell has only one word for the settings and for
  /// the rare state: see `Cell.existingRareState`.
  @exclusivity(unchecked) nonisolated(unsafe) var rareState: RareState?

  /// Makes the settings of a new cell, or returns nil if there is nothing but defaults. This is no failable
  /// initializer, because that would allocate the object before it fails.
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
