import Synchronization

/// A worker's own queue: first in, first out, of fixed size. The owner pushes and pops; other workers steal half.
///
/// The algorithm is the run queue of the Go scheduler: `tail` is written by the owner alone, `head` is moved by
/// compare-exchange, and a slot is read before the exchange that makes it the reader's.
struct LocalQueue: ~Copyable {
  static var capacity: UInt { PoolShape.queueCapacity }
  private let head = Atomic<UInt>(0)
  private let tail = Atomic<UInt>(0)
  private let slots: UnsafeMutablePointer<Atomic<UInt>>

  init() {
    slots = .allocate(capacity: Int(Self.capacity))
    for i in 0..<Int(Self.capacity) { (slots + i).initialize(to: Atomic(0)) }
  }

  deinit { slots.deallocate() }

  private func slot(_ index: UInt) -> UnsafeMutablePointer<Atomic<UInt>> { slots + Int(index & (Self.capacity - 1)) }

  var isEmpty: Bool { head.load(ordering: .acquiring) == tail.load(ordering: .acquiring) }

  /// Owner only: how many more fit. Thieves can only make it more.
  var room: Int { Int(Self.capacity &- (tail.load(ordering: .relaxed) &- head.load(ordering: .relaxed))) }

  /// Owner only. False if there is no room.
  func push(_ runnable: Runnable) -> Bool {
    // Acquiring: slots below it may be written again. Pairs with the releasing exchanges of those who took them.
    let h = head.load(ordering: .acquiring)
    let t = tail.load(ordering: .relaxed)
    if t &- h >= Self.capacity { return false }
    slot(t).pointee.store(runnable.bits, ordering: .relaxed)
    // Releasing: publishes the slot, and what the runnable refers to. Pairs with the acquiring load in `steal`.
    tail.store(t &+ 1, ordering: .releasing)
    return true
  }

  /// Owner only: takes the older half out.
  func takeHalf() -> [Runnable] {
    while true {
      let h = head.load(ordering: .acquiring)
      let count = (tail.load(ordering: .relaxed) &- h) / 2
      var taken: [Runnable] = []
      taken.reserveCapacity(Int(count) + 1)
      for i in 0..<count { taken.append(Runnable(bits: slot(h &+ i).pointee.load(ordering: .relaxed))) }
      if head.compareExchange(expected: h, desired: h &+ count, ordering: .acquiringAndReleasing).exchanged {
        return taken
      }
    }
  }

  /// The first in line.
  func pop() -> Runnable? {
    while true {
      let h = head.load(ordering: .acquiring)
      // Acquiring: for others than the owner, pairs with the releasing store in `push`.
      if h == tail.load(ordering: .acquiring) { return nil }
      let bits = slot(h).pointee.load(ordering: .relaxed)
      if head.weakCompareExchange(expected: h, desired: h &+ 1, ordering: .acquiringAndReleasing).exchanged {
        return Runnable(bits: bits)
      }
    }
  }

  /// Moves the older half of another queue, if that has so many, into this one, whose owner calls it, and
  /// returns one of them.
  func steal(from victim: borrowing LocalQueue, atLeast length: UInt) -> Runnable? {
    while true {
      let h = victim.head.load(ordering: .acquiring)
      // Acquiring: pairs with the releasing store in `push`.
      let t = victim.tail.load(ordering: .acquiring)
      var count = t &- h
      if count < length || count == 0 { return nil }
      count -= count / 2
      if count > Self.capacity / 2 { continue }  // the two loads do not belong together
      let own = tail.load(ordering: .relaxed)
      for i in 0..<count {
        slot(own &+ i).pointee.store(victim.slot(h &+ i).pointee.load(ordering: .relaxed), ordering: .relaxed)
      }
      guard victim.head.compareExchange(expected: h, desired: h &+ count, ordering: .acquiringAndReleasing).exchanged
      else { continue }
      let last = Runnable(bits: slot(own &+ count &- 1).pointee.load(ordering: .relaxed))
      if count > 1 { tail.store(own &+ count &- 1, ordering: .releasing) }
      return last
    }
  }
}

/// A queue that all workers share, under a lock: what comes from outside, and what does not fit a worker's own queue.
final class Injector: @unchecked Sendable {
  private let lock = FutexLock()
  private var items: [Runnable] = []
  private var first = 0
  private let length = Atomic<Int>(0)

  /// Sequentially consistent, like the stores: a worker that goes idle says so, then looks here; whoever
  /// pushes stores this, then looks for idle workers. One of the two sees the other.
  var isEmpty: Bool { length.load(ordering: .sequentiallyConsistent) == 0 }

  func push(_ runnable: Runnable) {
    lock.withLock {
      items.append(runnable)
      length.store(items.count - first, ordering: .sequentiallyConsistent)
    }
  }

  func push(_ runnables: [Runnable]) {
    lock.withLock {
      items += runnables
      length.store(items.count - first, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes up to `limit`, the first in line; all but the first of them go to `rest`.
  func pop(limit: Int, rest: inout [Runnable]) -> Runnable? {
    if isEmpty { return nil }
    return lock.withLock {
      let count = min(limit, items.count - first)
      if count == 0 { return nil }
      let result = items[first]
      rest += items[(first + 1)..<(first + count)]
      first += count
      removeTaken()
      return result
    }
  }

  /// Takes up to `limit` of those that came last, in the order in which they came; all but the first of them
  /// go to `rest`.
  func popNewest(limit: Int, rest: inout [Runnable]) -> Runnable? {
    if isEmpty { return nil }
    return lock.withLock {
      let count = min(limit, items.count - first)
      if count == 0 { return nil }
      let start = items.count - count
      let result = items[start]
      rest += items[(start + 1)...]
      items.removeLast(count)
      removeTaken()
      return result
    }
  }

  private func removeTaken() {
    if first == items.count {
      items.removeAll(keepingCapacity: items.capacity <= 4096)
      first = 0
    } else if first > 4096 && first * 2 > items.count {
      items.removeFirst(first)
      first = 0
    }
    length.store(items.count - first, ordering: .sequentiallyConsistent)
  }
}
