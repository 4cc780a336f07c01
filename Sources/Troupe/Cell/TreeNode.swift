/// Where an actor stands in the tree of actors: below its parent, among its siblings.
///
/// The table of the parent's children is held as long as the cell has an actor. A cell at the top also holds the
/// system, for all cells below it.
struct TreeNode {
  /// The table of the parent's children, in which the actor stands while it lives.
  private(set) var unmanagedSiblings: Unmanaged<ChildTable>
  /// The number of the actor among all that its parent has ever spawned.
  private(set) var id: UInt64

  /// A place that is not held yet.
  init(at place: borrowing TreePosition) {
    unmanagedSiblings = place.unmanagedTable
    id = place.id
  }

  @inline(__always) func withSiblings<R>(_ body: (ChildTable) -> R) -> R {
    unmanagedSiblings._withUnsafeGuaranteedRef { body($0) }
  }

  /// Holds the table, and at the top the system, until `release`.
  func retain() {
    _ = unmanagedSiblings.retain()
    withSiblings { if $0.isTop { _ = $0.unmanagedSystem.retain() } }
  }

  func release() {
    withSiblings { if $0.isTop { $0.unmanagedSystem.release() } }
    unmanagedSiblings.release()
  }
}

/// The links of the list in which a parent's table has its children. They are a property of their own because the lock
/// of that table guards them, whereas a `TreeNode` stays as it is while its actor lives and is read without a lock.
struct SiblingLinks {
  /// The next sibling in the list. A cell that waits in a cache is linked by it too.
  var next: Unmanaged<Cell>?
  var previous: Unmanaged<Cell>?
}

extension Cell {
  // The system is not counted, not even when it is copied: two workers that spawn would pass the count's cache line to
  // and fro. Every chain of owners ends in a cell at the top, which holds the system for all below.
  @usableFromInline var system: SystemCore { withSiblings { $0.system } }
  /// The table of the parent's children, in which this cell stands while it lives.
  var siblings: ChildTable { tree.unmanagedSiblings.takeUnretainedValue() }
  /// Counts no references, unlike the way by `siblings`.
  @inline(__always) func withSiblings<R>(_ body: (ChildTable) -> R) -> R {
    tree.withSiblings(body)
  }
  /// Of the scheduler's clock.
  var latestNow: Int64 { withScheduler { $0.latestNow } }
  /// 20 ns, so for what has a deadline, and not for each message.
  var preciseNow: Int64 { withScheduler { $0.preciseNow } }
  /// Counts no references, unlike the way by `system`.
  @inline(__always) func withScheduler<R>(_ body: (any Scheduler) -> R) -> R {
    withSiblings { $0.unmanagedSystem._withUnsafeGuaranteedRef { body($0.scheduler) } }
  }
  var schedulerID: ObjectIdentifier {
    withSiblings { $0.unmanagedSystem._withUnsafeGuaranteedRef { $0.schedulerID } }
  }
  var isTimed: Bool { withSiblings { $0.isTimed } }
  /// The number of the actor among its siblings.
  var id: UInt64 { tree.id }
  /// The next in the stack of ended children that the table has; `ChildTable.ended` links them.
  var nextEnded: Unmanaged<Cell>? { UnsafeRawPointer(bitPattern: mailbox.envelopes.link).map { .fromOpaque($0) } }

  /// `system/parent/child`; an actor without a name has `$` and a number.
  @usableFromInline package var path: String {
    siblings.path + "/" + (name ?? "$\(id)")
  }
}
