import Synchronization

/// The tasks that wait for the receiver to close the channel or to go.
///
/// Sendable because its table is touched under its lock alone.
final class GoneWatchers: @unchecked Sendable {
  final class Watcher: @unchecked Sendable {
    let parker = Parker()
  }
  private let lock = FutexLock()
  private var watchers: [ObjectIdentifier: Watcher]? = [:]

  /// Adds a watcher. Returns nil if the receiver has closed the channel or has gone already.
  func register() -> Watcher? {
    lock.withLock {
      guard watchers != nil else { return nil }
      let watcher = Watcher()
      watchers?[ObjectIdentifier(watcher)] = watcher
      return watcher
    }
  }

  func remove(_ watcher: Watcher) { lock.withLock { _ = watchers?.removeValue(forKey: ObjectIdentifier(watcher)) } }

  func fire() {
    let all = lock.withLock {
      defer { watchers = nil }
      return watchers
    }
    for watcher in all?.values ?? [:].values { watcher.parker.signal() }
  }
}
