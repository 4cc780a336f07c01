import Synchronization
import TestSupport
import Troupe

/// Counts what was made and what was destroyed, each by number.
final class Ledger: @unchecked Sendable {
  private let lock = FutexLock()
  private var destroyed: [Int: Int] = [:]
  private var made = 0

  fileprivate func add() -> Int {
    lock.withLock {
      made += 1
      return made
    }
  }
  fileprivate func remove(_ id: Int) { lock.withLock { destroyed[id, default: 0] += 1 } }

  var madeCount: Int { lock.withLock { made } }
  var alive: Int { lock.withLock { made - destroyed.count } }
  /// Everything was destroyed, and nothing twice.
  var isBalanced: Bool { lock.withLock { destroyed.count == made && destroyed.values.allSatisfy { $0 == 1 } } }
}

/// A noncopyable value whose end is counted.
struct Token: ~Copyable, Sendable {
  private let id: Int
  private let ledger: Ledger
  init(_ ledger: Ledger) {
    self.ledger = ledger
    id = ledger.add()
  }
  deinit { ledger.remove(id) }
}

/// An object whose end is counted.
final class Witness: Sendable {
  private let id: Int
  private let ledger: Ledger
  init(_ ledger: Ledger) {
    self.ledger = ledger
    id = ledger.add()
  }
  deinit { ledger.remove(id) }
}
