/// Where a new actor belongs: its parent's table, and its name or number.
///
/// It holds nothing. Whoever spawns is a system or an actor in its turn, and stays until the new actor is in the table.
@usableFromInline package struct TreePosition {
  let unmanagedTable: Unmanaged<ChildTable>
  let name: String?
  let id: UInt64
  /// Whether the system is one of the test kit, whose interceptor sees each actor.
  @usableFromInline var isIntercepted: Bool { withTable { $0.isIntercepted } }

  @inline(__always) func withTable<R>(_ body: (ChildTable) -> R) -> R {
    unmanagedTable._withUnsafeGuaranteedRef { body($0) }
  }
}
