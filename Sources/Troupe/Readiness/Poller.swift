internal import CTroupeSockets
import Synchronization

// This folder holds what brings an actor something from outside of the system: the poller, which tells of sockets that
// have become ready, and sources, which an actor's turn asks for messages.

/// Is told when a descriptor has become ready.
package protocol PollerClient: AnyObject, Sendable {
  /// Called on a worker, which must not be held up. The events are bits of CTroupeSockets, such as
  /// `TROUPE_READABLE`.
  func becameReady(_ events: UInt32)
}

/// Tells the owners of sockets that these have become ready. It belongs to a pool, and has no thread of its own: a
/// worker that searches for work looks at it, and when all workers idle, one of them waits in it in place of returning
/// its thread. The netpoller of the Go runtime works in the same way.
///
/// Sendable because the table of clients is touched only under the lock, and `looksAtTick` only by the tick.
@usableFromInline package final class Poller: @unchecked Sendable {
  /// The system's set of descriptors.
  let set: DescriptorSet
  private let lock = FutexLock()
  /// The clients by the lower half of their tokens. The upper half counts how often a place was used, so that what a
  /// worker has heard of a descriptor which is gone means nothing to the next.
  @exclusivity(unchecked) private var places: [(client: (any PollerClient)?, uses: UInt32)] = []
  @exclusivity(unchecked) private var freePlaces: [Int] = []
  /// How many descriptors there are. While there are none, nobody waits here.
  private let count = Atomic<Int>(0)
  /// Whether a worker waits here, or is about to.
  private let isWaitedFor = Atomic<Bool>(false)
  /// How often somebody has looked. The tick compares it with what it saw before.
  let looks = Atomic<UInt>(0)
  /// The value of `looks` that the last tick saw. Only the tick touches it.
  @exclusivity(unchecked) var looksAtTick: UInt = 0
  /// Called when the first descriptor has been added, to have a worker wait here.
  private let becomesWanted: @Sendable () -> Void

  /// Makes a poller without descriptors. Returns nil, with errno set, if the system has no room for one.
  init?(_ becomesWanted: @escaping @Sendable () -> Void) {
    guard let set = DescriptorSet() else { return nil }
    self.set = set
    self.becomesWanted = becomesWanted
  }

  // MARK: For the owners of descriptors, on any thread

  /// Adds a descriptor, and returns its token. The client is kept until `remove`. Returns the error as a negative
  /// number if the system refuses.
  package func add(_ descriptor: Int32, _ client: any PollerClient) -> Int64 {
    let token = lock.withLock { () -> UInt64 in
      let place = freePlaces.popLast() ?? places.count
      if place == places.count { places.append((nil, 0)) }
      places[place].client = client
      places[place].uses &+= 1
      return self.token(of: place)
    }
    // Sequentially consistent: this step, then the look at the idle workers in `becomesWanted`. Pairs with
    // `PoolWorker.becomeIdle`, whose step on the idle workers comes before its look at this count.
    if count.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue == 0 { becomesWanted() }
    let result = set.add(descriptor, token)
    if result < 0 {
      forget(token)
      return Int64(result)
    }
    return Int64(token)
  }

  /// Removes a descriptor, which the caller closes after this. The client may still be told of what was found before.
  package func remove(_ descriptor: Int32, _ token: Int64) {
    _ = set.remove(descriptor)
    forget(UInt64(token))
  }

  /// Whether the system has to be told what an owner waits for (`want`). With epoll it has not.
  package static var isTold: Bool { DescriptorSet.isTold }
  /// Says that the descriptor was found not to be ready for `events`.
  package func want(_ descriptor: Int32, _ events: UInt32) { if DescriptorSet.isTold { set.want(descriptor, events) } }

  private func forget(_ token: UInt64) {
    let client = lock.withLock { () -> (any PollerClient)? in
      let place = Int(token & 0xffff_ffff)
      freePlaces.append(place)
      places[place].uses &+= 1
      return places[place].client.take()
    }
    withExtendedLifetime(client) {}
    // When the last one is gone, whoever waits returns its thread.
    if count.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue == 0 { set.wake() }
  }

  // A token must not be negative, because an error is.
  private func token(of place: Int) -> UInt64 { UInt64(places[place].uses & 0x7fff_ffff) << 32 | UInt64(place) }

  // MARK: For workers

  /// Whether there are descriptors.
  var isWanted: Bool { count.load(ordering: .sequentiallyConsistent) > 0 }
  /// Whether a worker waits for descriptors, or is about to.
  var hasWaiter: Bool { isWaitedFor.load(ordering: .sequentiallyConsistent) }
  /// Whether there are descriptors and no worker waits for them.
  var lacksWaiter: Bool { isWanted && !hasWaiter }

  /// Makes the caller the one that waits, if nobody is and there are descriptors.
  func claimWait() -> Bool {
    guard lacksWaiter else { return false }
    if isWaitedFor.exchange(true, ordering: .sequentiallyConsistent) { return false }
    // The last descriptor may have been removed meanwhile, and its wake-up have gone to another worker. If it is
    // removed after this look, the wake-up comes afterwards.
    if isWanted { return true }
    releaseWait()
    return false
  }
  func releaseWait() { isWaitedFor.store(false, ordering: .sequentiallyConsistent) }

  /// Tells the clients of what has become ready, without waiting. Returns false if there was nothing.
  @discardableResult func look() -> Bool {
    looks.wrappingAdd(1, ordering: .relaxed)
    return withUnsafeTemporaryAllocation(of: DescriptorSet.Ready.self, capacity: Self.atOnce) { ready in
      let count = set.wait(ready, block: false)
      // A wake-up that was meant for a worker that has begun to wait meanwhile is passed on to it. Without this a
      // worker that was claimed would not hear of it. Sequentially consistent: whoever wakes a worker has claimed it
      // after it had claimed the wait.
      if ready[..<count].contains(where: { $0.token == .max }), hasWaiter {
        set.wake()
      }
      tell(UnsafeBufferPointer(rebasing: ready[..<count]))
      return count > 0
    }
  }

  /// Waits until something has become ready, or `wake` is called. Then calls `body`, which says how the worker goes on,
  /// and tells the clients after that.
  func wait(_ body: () -> Void) {
    withUnsafeTemporaryAllocation(of: DescriptorSet.Ready.self, capacity: Self.atOnce) { ready in
      let count = set.wait(ready, block: true)
      looks.wrappingAdd(1, ordering: .relaxed)
      body()
      tell(UnsafeBufferPointer(rebasing: ready[..<count]))
    }
  }

  /// Has the worker that waits return. Any thread may call this.
  func wake() { set.wake() }

  private static let atOnce = 256

  private func tell(_ ready: UnsafeBufferPointer<DescriptorSet.Ready>) {
    if ready.isEmpty { return }
    withUnsafeTemporaryAllocation(of: (any PollerClient)?.self, capacity: ready.count) { clients in
      lock.withLock {
        for (index, each) in ready.enumerated() {
          let place = Int(each.token & 0xffff_ffff)
          let isThere = place < places.count && token(of: place) == each.token
          clients.initializeElement(at: index, to: isThere ? places[place].client : nil)
        }
      }
      for (index, each) in ready.enumerated() { clients[index]?.becameReady(each.events) }
      clients.deinitialize()
    }
  }
}
