internal import CTroupeShims
import Synchronization

/// Where one thread or one task waits until it is signalled. One waits at a time; anyone may signal, any number of times.
///
/// The word is 0, `signalled`, `sleeping` (a thread waits in the kernel), the bits of a continuation, or those of a job with
/// `kept` (a task of a worker, see `TaskTurn`). A signal that comes early is kept until the next `reset`, so a signal is a hint: whoever wakes looks again at what it waits for.
@usableFromInline package struct Parker: ~Copyable, Sendable {
  let word = Atomic<UInt>(0)
  /// With `kept`: the executor that the job was on, or 0. Written before the word.
  private let loop = Atomic<UInt>(0)
  static var signalled: UInt { 1 }
  static var sleeping: UInt { 2 }
  static var kept: UInt { 4 }

  @usableFromInline package init() {}

  /// Forgets signals up to now. Only the one that is about to wait may call it.
  @usableFromInline package func reset() { word.store(0, ordering: .relaxed) }

  @usableFromInline package func signal() {
    troupe_tsan_release(address)
    // Releasing: what the signaller did is seen by the one that wakes; pairs with the acquiring loads below.
    switch word.exchange(Self.signalled, ordering: .acquiringAndReleasing) {
    case 0, Self.signalled: break
    case Self.sleeping: troupe_futex_wake(futexAddress, 1)
    case let bits where bits & Self.kept != 0:
      // The parker may be gone once the task runs.
      let loop = UnsafeMutableRawPointer(bitPattern: loop.load(ordering: .relaxed))
      TaskTurn.goOn(unsafeBitCast(bits & ~Self.kept, to: UnownedJob.self), of: loop)
    case let bits: unsafeBitCast(bits, to: UnsafeContinuation<Void, Never>.self).resume()
    }
  }

  var isSignalled: Bool { word.load(ordering: .acquiring) == Self.signalled }

  /// Waits on the calling thread, spinning first. False if the deadline passed without a signal.
  ///
  /// Stops the program where a thread must not be blocked, before it sleeps; `call` names what to use instead.
  package func wait(until deadline: Deadline, spinning: Bool = true, call: StaticString) -> Bool {
    var backoff = Backoff()
    while spinning && !backoff.isOver {
      if isSignalled { return true }
      backoff.snooze()
    }
    // With no time left it will not sleep.
    if deadline.remaining != 0 { BlockingGuard.check(call) }
    while true {
      let (exchanged, seen) = word.compareExchange(
        expected: 0, desired: Self.sleeping, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if !exchanged && seen == Self.signalled {
        troupe_tsan_acquire(address)
        return true
      }
      let remaining = deadline.remaining
      if remaining == 0 {
        // Whoever signals from now on finds nobody asleep.
        return word.exchange(0, ordering: .acquiringAndReleasing) == Self.signalled
      }
      _ = troupe_futex_wait(futexAddress, UInt32(Self.sleeping), remaining)
    }
  }

  /// Suspends the calling task until a signal.
  nonisolated(nonsending) package func wait() async {
    if TaskTurn.isOnWorker {
      troupe_park_at(address)
      await TaskTurn.spot.enter()
      return troupe_tsan_acquire(address)
    }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let bits = unsafeBitCast(continuation, to: UInt.self)
      if !word.compareExchange(expected: 0, desired: bits, ordering: .acquiringAndReleasing).exchanged {
        continuation.resume()
      }
    }
    troupe_tsan_acquire(address)
  }

  /// The same, and cancelling the task is a signal.
  nonisolated(nonsending) package func waitUnlessCancelled() async {
    let place = Place(parker: address.assumingMemoryBound(to: Parker.self))
    await Self.waitUnlessCancelled(at: place, isolation: #isolation)
  }

  /// With the isolation spelled out, because the library's function takes a closure that would not inherit it, and so leave the worker.
  private static func waitUnlessCancelled(at place: Place, isolation: isolated (any Actor)?) async {
    await withTaskCancellationHandler {
      _ = isolation
      await place.parker.pointee.wait()
    } onCancel: {
      place.parker.pointee.signal()
    }
  }

  /// Crosses into the cancellation handler; whoever waits keeps the parker alive for as long.
  private struct Place: @unchecked Sendable {
    let parker: UnsafeMutablePointer<Parker>
  }

  /// The job of the task that waits at the parker of this address. False: a signal came first.
  static func keep(_ job: UnownedJob, of loop: UnsafeMutableRawPointer?, at address: UnsafeMutableRawPointer) -> Bool {
    let parker = address.assumingMemoryBound(to: Parker.self)
    parker.pointee.loop.store(UInt(bitPattern: loop), ordering: .relaxed)
    // Releasing: whoever signals sees the suspended task.
    return parker.pointee.word.compareExchange(
      expected: 0, desired: unsafeBitCast(job, to: UInt.self) | kept, ordering: .acquiringAndReleasing
    ).exchanged
  }

  private var address: UnsafeMutableRawPointer {
    withUnsafePointer(to: word) { UnsafeMutableRawPointer(mutating: $0) }
  }
  /// The low half of the word, which holds every value that a thread waits for.
  private var futexAddress: UnsafeMutablePointer<UInt32> {
    #if _endian(big)
      #error("the futex word is the low half of a little-endian word")
    #endif
    return address.assumingMemoryBound(to: UInt32.self)
  }
}

/// Where a thread must not be put to sleep: on a worker that runs actors, and inside a task. A thread that exists for handlers
/// that block may sleep in either.
enum BlockingGuard {
  static func check(_ call: StaticString) {
    if troupe_may_block() { return }
    // A worker may be in a task, whatever it runs.
    let isWorker = troupe_current_worker() != nil
    let isTask = withUnsafeCurrentTask { $0 != nil }
    if isWorker || isTask {
      fatalError(
        "Troupe: \(call) was about to block \(isWorker ? "a worker of an actor system" : "a thread that runs a Swift task"), "
          + "which can stop every other task and actor that needs the thread. Use the asynchronous form: await \(call)."
      )
    }
  }
}
