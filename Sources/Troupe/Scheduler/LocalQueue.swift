import Synchronization

/// A worker's own queue of runnables. It has a fixed size, and the oldest runnable is taken first. The owner pushes and
/// pops, and other workers steal half of what is there. No step takes a lock.
///
/// The algorithm is that of the run queue of the Go scheduler. Only the owner writes `tail`. Whoever takes something
/// moves `head` by compare-exchange, after it has read the slots: if the exchange fails, what was read is void.
struct LocalQueue: ~Copyable {
  static var capacity: UInt { PoolSizes.queueCapacity }
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

  /// How many runnables there are. The figure may be stale when it is used.
  var count: UInt {
    // The head first, since it never passes the tail.
    let h = head.load(ordering: .acquiring)
    return tail.load(ordering: .acquiring) &- h
  }

  /// How many more runnables fit. Only the owner may ask; thieves can only make room meanwhile.
  var room: Int { Int(Self.capacity &- (tail.load(ordering: .relaxed) &- head.load(ordering: .relaxed))) }

  /// Appends a runnable. Returns false if there is no room. Only the owner may call this.
  func push(_ runnable: Runnable) -> Bool {
    // Acquiring: the slots below `head` may be written again. Pairs with the releasing exchanges of those who have read
    // them.
    let h = head.load(ordering: .acquiring)
    let t = tail.load(ordering: .relaxed)
    if t &- h >= Self.capacity { return false }
    slot(t).pointee.store(runnable.bits, ordering: .relaxed)
    // Releasing: publishes the slot, and what the runnable refers to. Pairs with the acquiring loads of `tail` in
    // `steal` and `pop`.
    tail.store(t &+ 1, ordering: .releasing)
    return true
  }

  /// Takes the older half out. Only the owner may call this, which makes O(n) loads, one array, and usually one
  /// exchange.
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

  /// Takes the oldest runnable. The owner calls this, and for the queue of those who gave up their turn also the tick.
  func pop() -> Runnable? {
    while true {
      let h = head.load(ordering: .acquiring)
      // Acquiring: pairs with the releasing store in `push`, if the caller is not the owner.
      if h == tail.load(ordering: .acquiring) { return nil }
      let bits = slot(h).pointee.load(ordering: .relaxed)
      if head.weakCompareExchange(expected: h, desired: h &+ 1, ordering: .acquiringAndReleasing).exchanged {
        return Runnable(bits: bits)
      }
    }
  }

  /// Takes the older half of another queue out, if that queue has at least `length` runnables. Returns the newest of
  /// them, and appends the others to this queue. Only the owner of this queue may call this, and only while it is
  /// empty.
  func steal(from victim: borrowing LocalQueue, atLeast length: UInt) -> Runnable? {
    while true {
      let h = victim.head.load(ordering: .acquiring)
      // Acquiring: pairs with the releasing store in `push`.
      let t = victim.tail.load(ordering: .acquiring)
      var count = t &- h
      if count < length || count == 0 { return nil }
      count -= count / 2
      // The head has moved between the two loads, so the difference means nothing.
      if count > Self.capacity / 2 { continue }
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

/// A queue that all workers share. It takes what becomes runnable on a thread that is no worker, and what does not fit
/// into a worker's own queue.
///
/// Sendable because everything but the length is touched only under the lock.
final class Injector: @unchecked Sendable {
  private let lock = FutexLock()
  private var items: [Runnable] = []
  private var first = 0
  private let length = Atomic<Int>(0)

  /// Whether there is nothing here. The look takes no lock.
  ///
  /// It is sequentially consistent, like the stores of `length`. A worker that goes idle says so and then looks here;
  /// whoever pushes stores the length and then looks for idle workers. So one of the two sees what the other has done.
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

  /// Takes up to `limit` runnables, oldest first. Returns the first, and appends the others to `rest`.
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

  /// Takes up to `limit` of the newest runnables. Returns the oldest of these, and appends the others to `rest` in the
  /// order in which they came.
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

  /// Frees the front of the array now and then, and stores the length. Called under the lock.
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
