import Synchronization

/// What all cells that run the same code have in common. It is made when the first of them is spawned, and never freed,
/// since a program has few of them.
///
/// Sendable because nothing in it changes once it is published, and its body captures nothing but types.
@usableFromInline package final class CellKind: @unchecked Sendable {
  /// The isolation of an asynchronous body is that of its caller, the loop.
  @usableFromInline typealias AsyncBody = nonisolated(nonsending) @Sendable (AsyncLoop) async -> Void
  /// The code that runs a turn of a cell, by the kind of its handlers.
  @usableFromInline enum Body {
    case sync((Cell, Worker) -> Void)
    case async(AsyncBody)
    case interleaved(@Sendable (Cell, isolated InterleavingExecutor) -> Void)
  }

  /// The bits of the type that holds the code, such as `Drain<B>`. There is one kind for each.
  fileprivate let key: UnsafeRawPointer
  /// What runs one turn of the cell.
  let body: Body
  /// The bits of the type of the messages. `typeName(at:)` makes a name of them.
  let messageType: UnsafeRawPointer
  /// The next kind in the same bucket. It is set before this kind is published, and never after that.
  @exclusivity(unchecked) fileprivate var next: Unmanaged<CellKind>?

  init(key: UnsafeRawPointer, body: Body, messageType: UnsafeRawPointer) {
    self.key = key
    self.body = body
    self.messageType = messageType
  }

  private static let all = CellKindTable()

  /// Returns the kind of the cells that run `body`, which is the code that belongs to `owner`. Any thread may call
  /// this. It takes no lock, and usually one acquiring load.
  @usableFromInline static func of<Owner: ~Copyable, Message: ~Copyable>(
    _ owner: Owner.Type, _ message: Message.Type, _ body: Body
  ) -> Unmanaged<CellKind> {
    all.kind(
      unsafeBitCast(owner, to: UnsafeRawPointer.self), body,
      messageType: unsafeBitCast(message, to: UnsafeRawPointer.self))
  }
}

/// The kinds by their keys: a table with a chain in each bucket that only grows, so that it is read without a lock. The
/// process has one; a scenario of the model checker has its own.
///
/// Sendable because what is not atomic never changes.
struct CellKindTable: ~Copyable, @unchecked Sendable {
  private static let shift: UInt64 = 56
  private static var count: Int { 1 << Int(64 - shift) }
  /// Each word is the bits of a kind, or 0.
  private let buckets: UnsafeMutablePointer<Atomic<UInt>>

  init() {
    buckets = .allocate(capacity: Self.count)
    for i in 0..<Self.count { (buckets + i).initialize(to: Atomic(0)) }
  }

  deinit {
    for i in 0..<Self.count {
      // Relaxed: whoever ends the table has it to itself, and has seen all that was done with it.
      var each = Self.kind(at: buckets[i].load(ordering: .relaxed))
      while let kind = each {
        each = kind._withUnsafeGuaranteedRef { $0.next }
        kind.release()
      }
    }
    buckets.deallocate()
  }

  static func bucket(of key: UnsafeRawPointer) -> Int {
    Int((UInt64(UInt(bitPattern: key)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  /// The kind with this key, which is made of the rest if there is none.
  func kind(_ key: UnsafeRawPointer, _ body: CellKind.Body, messageType: UnsafeRawPointer) -> Unmanaged<CellKind> {
    let bucket = buckets + Self.bucket(of: key)
    // Acquiring: pairs with the releasing step that published what is found.
    var first = bucket.pointee.load(ordering: .acquiring)
    if let found = Self.find(key, from: first) { return found }
    let made = Unmanaged.passRetained(CellKind(key: key, body: body, messageType: messageType))
    while true {
      made._withUnsafeGuaranteedRef { $0.next = Self.kind(at: first) }
      // Releasing: publishes the kind and its link. Pairs with the acquiring load above, and with the one of a failure
      // here.
      let (exchanged, seen) = bucket.pointee.compareExchange(
        expected: first, desired: UInt(bitPattern: made.toOpaque()), successOrdering: .acquiringAndReleasing,
        failureOrdering: .acquiring)
      if exchanged { return made }
      first = seen
      if let found = Self.find(key, from: first) {
        made.release()
        return found
      }
    }
  }

  @inline(__always) private static func kind(at bits: UInt) -> Unmanaged<CellKind>? {
    UnsafeRawPointer(bitPattern: bits).map { .fromOpaque($0) }
  }

  @inline(__always) private static func find(_ key: UnsafeRawPointer, from first: UInt) -> Unmanaged<CellKind>? {
    var each = kind(at: first)
    while let kind = each {
      if kind._withUnsafeGuaranteedRef({ $0.key == key }) { return kind }
      each = kind._withUnsafeGuaranteedRef { $0.next }
    }
    return nil
  }
}
