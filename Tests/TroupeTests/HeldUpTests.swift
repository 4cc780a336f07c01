import Synchronization
import Testing

@testable import Troupe

/// What a searching worker takes from one that is held up. The workers have no threads here, so the test decides what
/// each of them does, and what is in the queues is never run.
@Suite struct HeldUpTests {
  private let pool: PoolScheduler
  private var other: PoolWorker { pool.workers[0] }
  private var searching: PoolWorker { pool.workers[1] }

  init() {
    pool = PoolScheduler(workers: 2)
    // As if both workers had a thread and searched, so that nobody is woken for what is pushed.
    for _ in pool.workers { _ = pool.state.claimIdle(always: true) }
  }

  /// Bits that are those of a job.
  private func runnable(_ number: UInt) -> Runnable { Runnable(bits: number << 4 | 1) }
  private func take() -> UInt? { searching.takeFromHeldUp(in: pool).map { $0.bits >> 4 } }

  @Test func `what waits behind a worker that has begun nothing since the last search is taken, the slot last`() {
    #expect(!runnable(1).isCell)
    for number in 1...3 as ClosedRange<UInt> { other.push(runnable(number)) }
    #expect(take() == nil, "this is the first search, so nobody knows whether the other worker is held up")
    #expect(take() == 1)
    #expect(take() == 2)
    #expect(take() == 3, "it lay in the slot")
    #expect(take() == nil)
    #expect(!other.hasWork && !searching.hasWork)
  }

  @Test func `half of a queue is taken, and the rest of the half is in the own queue`() {
    for number in 1...9 as ClosedRange<UInt> { other.pushLast(runnable(number)) }
    #expect(take() == nil)
    #expect(take() == 5, "the newest of the older half is run first")
    #expect(searching.hasQueuedWork && other.hasQueuedWork)
  }

  @Test func `a worker that has begun something meanwhile keeps what it has`() {
    for number in 1...2 as ClosedRange<UInt> { other.push(runnable(number)) }
    for _ in 1...3 {
      #expect(take() == nil)
      other.activations.wrappingAdd(1, ordering: .relaxed)
    }
    #expect(take() == nil)
    #expect(take() == 1)
  }

  @Test func `a single worker takes nothing from itself`() {
    let pool = PoolScheduler(workers: 1)
    _ = pool.state.claimIdle(always: true)
    pool.workers[0].pushLast(runnable(1))
    for _ in 1...2 { #expect(pool.workers[0].takeFromHeldUp(in: pool) == nil) }
  }
}
