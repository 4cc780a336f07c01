import CTroupeShims
import Synchronization
import TroupeChannels

/// Something that happens once, and that any number of tasks can wait for.
package final class Event: @unchecked Sendable {
  private let lock = FutexLock()
  private var isDone = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  package init() {}

  package func set() {
    lock.lock()
    isDone = true
    let waiting = waiting
    self.waiting = []
    lock.unlock()
    for each in waiting { each.resume() }
  }

  package var isSet: Bool { lock.withLock { isDone } }

  package func wait() async {
    await withCheckedContinuation { continuation in
      let isOver = lock.withLock { () -> Bool in
        if !isDone { waiting.append(continuation) }
        return isDone
      }
      if isOver { continuation.resume() }
    }
  }

  /// For handlers that must hold their worker, and for threads.
  package func spin() {
    while !isSet { troupe_thread_yield() }
  }
}

/// Happens when `count` others have.
package final class Countdown: Sendable {
  private let left: Atomic<Int>
  private let event = Event()
  package init(_ count: Int) {
    left = Atomic(count)
    if count == 0 { event.set() }
  }
  package func down() {
    if left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { event.set() }
  }
  package func wait() async { await event.wait() }
  package var isOver: Bool { event.isSet }
}

/// A counter that any thread may change.
package final class Counter: Sendable {
  private let word = Atomic<Int>(0)
  package init() {}
  package func add(_ n: Int = 1) { word.wrappingAdd(n, ordering: .acquiringAndReleasing) }
  /// Counts one, and returns the number before.
  package func next() -> Int { word.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue }
  package var value: Int { word.load(ordering: .acquiring) }
}

/// Values in the order in which they came.
package final class Trail<Value: Sendable>: @unchecked Sendable {
  private let lock = FutexLock()
  private var values: [Value] = []

  package init() {}
  package func clear() { lock.withLock { values = [] } }
  package func append(_ value: Value) { lock.withLock { values.append(value) } }
  package var all: [Value] { lock.withLock { values } }
  package var count: Int { lock.withLock { values.count } }
}

/// Waits for an event: yields until it has happened.
package func until(_ condition: () -> Bool) async {
  while !condition() { await Task.yield() }
}

/// The same on a thread: spins, since what it waits for is about to happen, and lets others go on if it is not.
package func spinUntil(_ condition: () -> Bool) {
  var spins = 0
  while !condition() {
    spins += 1
    if spins > 500 { troupe_thread_yield() }
  }
}

/// Waits for a figure that a worker writes down a moment after the event itself. It gives up after minutes,
/// so that a wrong figure is a failure and not a test that hangs.
package func settled(_ condition: () -> Bool) async -> Bool {
  let clock = ContinuousClock()
  let start = clock.now
  while !condition() {
    if clock.now - start > .seconds(300) { return false }
    for _ in 0..<100 { await Task.yield() }
  }
  return true
}

/// SplitMix64: the same seed, the same numbers.
package struct Random: RandomNumberGenerator {
  private var state: UInt64
  package init(seed: UInt64) { state = seed }
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  package mutating func chance(_ one: Int, in all: Int) -> Bool { below(all) < one }
  package mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) } }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// What a handler of a test throws.
package struct Oops: Error, Equatable {
  package let id: Int
  package init(_ id: Int = 0) { self.id = id }
}
