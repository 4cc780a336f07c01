/// Where a new actor belongs.
///
/// It holds nothing: whoever spawns, a system or an actor in its turn, stays until the new actor stands in the table.
@usableFromInline package struct TreePosition {
  let unmanagedTable: Unmanaged<ChildTable>
  let name: String?
  let id: UInt64
  /// In a system of the test kit.
  @usableFromInline var isIntercepted: Bool { withTable { $0.isIntercepted } }

  @inline(__always) func withTable<R>(_ body: (ChildTable) -> R) -> R {
    unmanagedTable._withUnsafeGuaranteedRef { body($0) }
  }
}
