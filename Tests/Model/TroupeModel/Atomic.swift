internal import CModel
public import Synchronization

/// Takes the place of `Synchronization.Atomic` in the sources that are checked: every operation asks the
/// controller first who goes on, and is then done with the ordering that the source asks for.
@usableFromInline package struct Atomic<Value: Word>: ~Copyable, @unchecked Sendable {
  @usableFromInline let storage: Synchronization.Atomic<Value>

  @usableFromInline package init(_ value: Value) { storage = Synchronization.Atomic(value) }

  private func operate(_ operation: troupe_model_operation, _ operand: Value?, _ ordering: Int) -> Value {
    Value(
      bits: troupe_model_word(
        place, Int32(MemoryLayout<Value>.size), Int32(operation.rawValue), operand?.bits ?? 0, Int32(ordering)))
  }

  // The library's atomics lie at a fixed place for their whole life, and so does what contains one.
  private var place: UnsafeMutableRawPointer {
    withUnsafePointer(to: storage) { UnsafeMutableRawPointer(mutating: $0) }
  }

  @usableFromInline package func load(ordering: AtomicLoadOrdering) -> Value {
    operate(TROUPE_MODEL_LOAD, nil, unsafeBitCast(ordering, to: Int.self))
  }
  @usableFromInline package func store(_ value: Value, ordering: AtomicStoreOrdering) {
    _ = operate(TROUPE_MODEL_STORE, value, unsafeBitCast(ordering, to: Int.self))
  }
  @usableFromInline package func exchange(_ value: Value, ordering: AtomicUpdateOrdering) -> Value {
    operate(TROUPE_MODEL_EXCHANGE, value, unsafeBitCast(ordering, to: Int.self))
  }

  @usableFromInline package func compareExchange(
    expected: Value, desired: Value, successOrdering: AtomicUpdateOrdering, failureOrdering: AtomicLoadOrdering
  ) -> (exchanged: Bool, original: Value) {
    var exchanged = false
    let before = troupe_model_compare_exchange(
      place, Int32(MemoryLayout<Value>.size), expected.bits, desired.bits,
      Int32(unsafeBitCast(successOrdering, to: Int.self)), Int32(unsafeBitCast(failureOrdering, to: Int.self)),
      &exchanged)
    return (exchanged, Value(bits: before))
  }
  @usableFromInline package func compareExchange(
    expected: Value, desired: Value, ordering: AtomicUpdateOrdering
  ) -> (exchanged: Bool, original: Value) {
    compareExchange(
      expected: expected, desired: desired, successOrdering: ordering, failureOrdering: Self.failure(ordering))
  }
  // Never fails without a reason here.
  @usableFromInline package func weakCompareExchange(
    expected: Value, desired: Value, successOrdering: AtomicUpdateOrdering, failureOrdering: AtomicLoadOrdering
  ) -> (exchanged: Bool, original: Value) {
    compareExchange(
      expected: expected, desired: desired, successOrdering: successOrdering, failureOrdering: failureOrdering)
  }
  @usableFromInline package func weakCompareExchange(
    expected: Value, desired: Value, ordering: AtomicUpdateOrdering
  ) -> (exchanged: Bool, original: Value) {
    compareExchange(expected: expected, desired: desired, ordering: ordering)
  }
  private static func failure(_ ordering: AtomicUpdateOrdering) -> AtomicLoadOrdering {
    switch ordering {
    case .acquiring, .acquiringAndReleasing: .acquiring
    case .sequentiallyConsistent: .sequentiallyConsistent
    default: .relaxed
    }
  }
}

extension Atomic where Value: FixedWidthInteger {
  @discardableResult
  @usableFromInline package func wrappingAdd(_ operand: Value, ordering: AtomicUpdateOrdering) -> (
    oldValue: Value, newValue: Value
  ) {
    let old = operate(TROUPE_MODEL_ADD, operand, unsafeBitCast(ordering, to: Int.self))
    return (old, old &+ operand)
  }
  @discardableResult
  @usableFromInline package func wrappingSubtract(_ operand: Value, ordering: AtomicUpdateOrdering) -> (
    oldValue: Value, newValue: Value
  ) {
    let old = operate(TROUPE_MODEL_SUBTRACT, operand, unsafeBitCast(ordering, to: Int.self))
    return (old, old &- operand)
  }
  @discardableResult
  @usableFromInline package func bitwiseAnd(_ operand: Value, ordering: AtomicUpdateOrdering) -> (
    oldValue: Value, newValue: Value
  ) {
    let old = operate(TROUPE_MODEL_AND, operand, unsafeBitCast(ordering, to: Int.self))
    return (old, old & operand)
  }
  @discardableResult
  @usableFromInline package func bitwiseOr(_ operand: Value, ordering: AtomicUpdateOrdering) -> (
    oldValue: Value, newValue: Value
  ) {
    let old = operate(TROUPE_MODEL_OR, operand, unsafeBitCast(ordering, to: Int.self))
    return (old, old | operand)
  }
}
