internal import Synchronization

/// What all cells that run the same code have in common. It is made when the first of them is spawned, and never freed,
/// since a program has few of them.
///
/// Sendable because nothing in it changes once it is published, and its body captures nothing but types.
@usableFromInline package final class CellKind: @unchecked Sendable {
  /// The bits of the type that holds the code, such as `Drain<B>`. There is one kind for each.
  private let key: UnsafeRawPointer
  /// What runs one turn of the cell.
  let body: Cell.Body
  /// The bits of the type of the messages. `typeName(at:)` makes a name of them.
  let messageType: UnsafeRawPointer
  /// The next kind in the same bucket. It is set before this kind is published, and never after that.
  @exclusivity(unchecked) private var next: Unmanaged<CellKind>?

  init(key: UnsafeRawPointer, body: Cell.Body, messageType: UnsafeRawPointer) {
    self.key = key
    self.body = body
    self.messageType = messageType
  }

  // A table with a chain in each bucket that only grows, so that it is read without a lock. Each word is the bits of a
  // kind, or 0. They are the library's own words also under the model checker, because the table outlives its runs.
  private static let shift: UInt64 = 56
  private nonisolated(unsafe) static let buckets = {
    let buckets = UnsafeMutablePointer<Synchronization.Atomic<UInt>>.allocate(capacity: 1 << Int(64 - shift))
    for i in 0..<1 << Int(64 - shift) { (buckets + i).initialize(to: Synchronization.Atomic(0)) }
    return buckets
  }()

  /// Returns the kind of the cells that run `body`, which is the code that belongs to `owner`. Any thread may call
  /// this. It takes no lock, and usually one acquiring load.
  @usableFromInline static func of<Owner: ~Copyable, Message: ~Copyable>(
    _ owner: Owner.Type, _ message: Message.Type, _ body: Cell.Body
  ) -> Unmanaged<CellKind> {
    let key = unsafeBitCast(owner, to: UnsafeRawPointer.self)
    let bucket = buckets + Int((UInt64(UInt(bitPattern: key)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
    // Acquiring: pairs with the releasing step that published what is found.
    var first = bucket.pointee.load(ordering: .acquiring)
    if let found = find(key, from: first) { return found }
    let made = Unmanaged.passRetained(
      CellKind(key: key, body: body, messageType: unsafeBitCast(message, to: UnsafeRawPointer.self)))
    while true {
      made._withUnsafeGuaranteedRef { $0.next = UnsafeRawPointer(bitPattern: first).map { .fromOpaque($0) } }
      // Releasing: publishes the kind and its link. Pairs with the acquiring load above, and with the one of a failure
      // here.
      let (exchanged, seen) = bucket.pointee.compareExchange(
        expected: first, desired: UInt(bitPattern: made.toOpaque()), successOrdering: .acquiringAndReleasing,
        failureOrdering: .acquiring)
      if exchanged { return made }
      first = seen
      if let found = find(key, from: first) {
        made.release()
        return found
      }
    }
  }

  @inline(__always) private static func find(_ key: UnsafeRawPointer, from first: UInt) -> Unmanaged<CellKind>? {
    var each: Unmanaged<CellKind>? = UnsafeRawPointer(bitPattern: first).map { .fromOpaque($0) }
    while let kind = each {
      if kind._withUnsafeGuaranteedRef({ $0.key == key }) { return kind }
      each = kind._withUnsafeGuaranteedRef { $0.next }
    }
    return nil
  }
}
