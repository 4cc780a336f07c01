import Troupe

/// The virtual time of a simulation, as a clock of the standard library. Give it to code that takes a clock.
public struct SimulatedClock: Clock {
  /// A moment on the clock.
  public struct Instant: InstantProtocol {
    /// How long after the start of the simulation the moment lies.
    public let offset: Duration
    /// The moment that lies so much later.
    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    /// How much later the other moment is.
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    /// Whether the first moment is the earlier one.
    public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
  }

  let simulation: Simulation

  /// The virtual time at this moment.
  public var now: Instant { Instant(offset: simulation.now) }
  /// The resolution of the clock, which is a nanosecond.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends the task until the virtual time has reached that moment. Throws `CancellationError` if the task is
  /// cancelled.
  nonisolated(nonsending) public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let sleeper = Sleeper(simulation.scheduler, after: deadline.offset - simulation.now)
    await sleeper.sleep()
    if sleeper.wasCancelled { throw CancellationError() }
  }
}

/// One sleep of one task.
///
/// Sendable because everything that changes is under the lock.
private final class Sleeper: @unchecked Sendable {
  private let scheduler: SimulatedScheduler
  private let lock = FutexLock()
  private var continuation: CheckedContinuation<Void, Never>?
  private var isOver = false
  private(set) var wasCancelled = false
  private var timer: ActionTimer?

  init(_ scheduler: SimulatedScheduler, after duration: Duration) {
    self.scheduler = scheduler
    timer = ActionTimer(deadline: scheduler.deadline(after: duration)) { [weak self] _ in self?.wake(cancelled: false) }
  }

  nonisolated(nonsending) func sleep() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = lock.withLock {
          if !self.isOver { self.continuation = continuation }
          return self.isOver
        }
        if isOver { continuation.resume() } else if let timer { scheduler.add(timer) }
      }
    } onCancel: {
      wake(cancelled: true)
    }
    if wasCancelled, let timer { scheduler.cancel(timer) }
    timer = nil
  }

  private func wake(cancelled: Bool) {
    let continuation = lock.withLock {
      if isOver { return nil as CheckedContinuation<Void, Never>? }
      isOver = true
      wasCancelled = cancelled
      return self.continuation.take()
    }
    continuation?.resume()
  }
}
