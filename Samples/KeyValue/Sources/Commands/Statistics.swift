import Synchronization

/// What the server counts for `INFO`.
final class Statistics: Sendable {
  static let shared = Statistics()

  private let start = ContinuousClock.now
  private let open = Atomic(0)
  private let total = Atomic(0)

  // Relaxed everywhere: the numbers are for people, and nothing is published with them.
  /// Counts a connection, and returns its number.
  func opened() -> Int {
    open.add(1, ordering: .relaxed)
    return total.add(1, ordering: .relaxed).newValue
  }

  func closed() { open.subtract(1, ordering: .relaxed) }

  var clients: Int { open.load(ordering: .relaxed) }
  var connections: Int { total.load(ordering: .relaxed) }
  /// In seconds.
  var uptime: Int64 { (ContinuousClock.now - start).components.seconds }
}
