import Synchronization
import TestSupport
import TroupeChannels

/// Counts how often each numbered element was destroyed.
final class Ledger: @unchecked Sendable {
  private let made = Atomic<Int>(0)
  private let destroyed = Atomic<Int>(0)
  private let counts: UnsafeMutablePointer<Atomic<UInt8>>
  let capacity: Int

  init(_ capacity: Int) {
    self.capacity = capacity
    counts = .allocate(capacity: capacity)
    for i in 0..<capacity { (counts + i).initialize(to: Atomic(0)) }
  }
  deinit {
    counts.deinitialize(count: capacity)
    counts.deallocate()
  }

  @discardableResult
  fileprivate func add() -> Int { made.wrappingAdd(1, ordering: .relaxed).oldValue }
  fileprivate func remove(_ id: Int) {
    counts[id].wrappingAdd(1, ordering: .relaxed)
    destroyed.wrappingAdd(1, ordering: .acquiringAndReleasing)
  }

  var madeCount: Int { made.load(ordering: .acquiring) }
  var destroyedCount: Int { destroyed.load(ordering: .acquiring) }
  var alive: Int { madeCount - destroyedCount }
  /// Whether the elements that were made, numbered from 0, were destroyed once each.
  var isBalanced: Bool {
    let made = madeCount
    return destroyedCount == made && (0..<made).allSatisfy { counts[$0].load(ordering: .relaxed) == 1 }
  }
}

/// An element that cannot be copied.
struct Token: ~Copyable, Sendable {
  let id: Int
  private let ledger: Ledger
  init(_ id: Int, _ ledger: Ledger) {
    self.id = id
    self.ledger = ledger
    ledger.add()
  }
  /// The next number.
  init(_ ledger: Ledger) {
    self.ledger = ledger
    id = ledger.add()
  }
  deinit { ledger.remove(id) }
}

/// An element that is an object.
final class Ticket: Sendable {
  let id: Int
  private let ledger: Ledger
  init(_ id: Int, _ ledger: Ledger) {
    self.id = id
    self.ledger = ledger
    ledger.add()
  }
  deinit { ledger.remove(id) }
}

/// 5 KiB: blocks of two slots and one inline slot, so that every edge is a few elements away.
struct Big: Sendable, Equatable {
  let id: Int
  private var rest = InlineArray<639, UInt64>(repeating: 0)
  init(_ id: Int) {
    self.id = id
    rest[638] = UInt64(truncatingIfNeeded: ~id)
  }
  var isWhole: Bool { rest[638] == UInt64(truncatingIfNeeded: ~id) }
  static func == (a: Big, b: Big) -> Bool { a.id == b.id && a.isWhole && b.isWhole }
}

/// 32 KiB.
struct Huge: Sendable {
  let id: Int
  private var rest = InlineArray<4095, UInt64>(repeating: 7)
  init(_ id: Int) { self.id = id }
  var isWhole: Bool { rest[0] == 7 && rest[4094] == 7 }
}
