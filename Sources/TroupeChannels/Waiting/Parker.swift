internal import CTroupeShims
import Synchronization

/// The place where one thread or one task waits until it is signalled. Only one may wait at a time; anybody may
/// signal, any number of times.
///
/// The word is 0, `signalled`, `sleeping` (a thread waits in the kernel), the bits of a continuation, those of a
/// job together with `kept` (a task of a worker, see `TaskYield`), or those of a `SelectWaiter` together with `linked`
/// (a selection, which waits at many places at once, so that a signal goes on to the parker of the waiter). A signal
/// that comes early is kept until the next `reset`. A signal is therefore only a hint: whoever wakes looks again at
/// what it waits for.
@usableFromInline package struct Parker: ~Copyable, Sendable {
  let word = Atomic<UInt>(0)
  /// The executor that the kept job was on, or 0. It is valid only with `kept`, and is written before the word.
  private let loop = Atomic<UInt>(0)
  static var signalled: UInt { 1 }
  static var sleeping: UInt { 2 }
  static var kept: UInt { 4 }
  /// Beside other bits; alone it is `sleeping`. The word then owns a reference to the waiter.
  static var linked: UInt { 2 }

  @usableFromInline package init() {}

  /// Forgets the signals that came so far. Only the one that is about to wait may call it.
  @usableFromInline package func reset() { word.store(0, ordering: .relaxed) }

  @usableFromInline package func signal() {
    troupe_tsan_release(address)
    // Releasing: the one that wakes sees what the signaller did before. Pairs with the acquiring loads below.
    switch word.exchange(Self.signalled, ordering: .acquiringAndReleasing) {
    case 0, Self.signalled: break
    case Self.sleeping: troupe_futex_wake(futexAddress, 1)
    case let bits where bits & Self.kept != 0:
      // Read it first, because the parker may be gone once the task runs.
      let loop = UnsafeMutableRawPointer(bitPattern: loop.load(ordering: .relaxed))
      TaskYield.goOn(unsafeBitCast(bits & ~Self.kept, to: UnownedJob.self), of: loop)
    case let bits where bits & Self.linked != 0: Self.waiter(bits).takeRetainedValue().parker.signal()
    case let bits: unsafeBitCast(bits, to: UnsafeContinuation<Void, Never>.self).resume()
    }
  }

  var isSignalled: Bool { word.load(ordering: .acquiring) == Self.signalled }

  /// Waits on the calling thread, spinning first. Returns false if the deadline passed without a signal.
  ///
  /// On a thread that must not be blocked it stops the program before it would sleep; `call` names the call that the
  /// message tells the programmer to replace.
  @usableFromInline package func wait(until deadline: Deadline, spinning: Bool = true, call: StaticString) -> Bool {
    var backoff = Backoff()
    while spinning && !backoff.isOver {
      if isSignalled { return true }
      backoff.snooze()
    }
    // Without any time left it will not sleep, so it needs no check.
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
        // From now on a signaller finds nobody asleep.
        return word.exchange(0, ordering: .acquiringAndReleasing) == Self.signalled
      }
      _ = troupe_futex_wait(futexAddress, UInt32(Self.sleeping), remaining)
    }
  }

  /// Suspends the calling task until there is a signal.
  nonisolated(nonsending) package func wait() async {
    if TaskYield.isOnWorker {
      troupe_park_at(address)
      await TaskYield.point.enter()
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

  /// Suspends the calling task until there is a signal or the task is cancelled, which counts as a signal.
  nonisolated(nonsending) package func waitUnlessCancelled() async {
    let place = Place(parker: address.assumingMemoryBound(to: Parker.self))
    await Self.waitUnlessCancelled(at: place, isolation: #isolation)
  }

  /// Spells the isolation out, because the library's function takes a closure that would not inherit it, and so would
  /// leave the worker.
  private static func waitUnlessCancelled(at place: Place, isolation: isolated (any Actor)?) async {
    await withTaskCancellationHandler {
      _ = isolation
      await place.parker.pointee.wait()
    } onCancel: {
      place.parker.pointee.signal()
    }
  }

  /// Carries the parker's address into the cancellation handler. It may cross because the one that waits keeps the
  /// parker alive for as long.
  private struct Place: @unchecked Sendable {
    let parker: UnsafeMutablePointer<Parker>
  }

  /// Leaves the job of the task that waits at the parker of this address. Returns false if a signal came first.
  static func keep(_ job: UnownedJob, of loop: UnsafeMutableRawPointer?, at address: UnsafeMutableRawPointer) -> Bool {
    let parker = address.assumingMemoryBound(to: Parker.self)
    parker.pointee.loop.store(UInt(bitPattern: loop), ordering: .relaxed)
    // Releasing: whoever signals sees the suspended task.
    return parker.pointee.word.compareExchange(
      expected: 0, desired: unsafeBitCast(job, to: UInt.self) | kept, ordering: .acquiringAndReleasing
    ).exchanged
  }

  // MARK: Selections

  /// Passes signals from now on to a selection. Signals that came before are forgotten. Only the one that is about to
  /// wait may call it, and it has to look again afterwards.
  func link(to waiter: SelectWaiter) {
    let bits = UInt(bitPattern: Unmanaged.passRetained(waiter).toOpaque()) | Self.linked
    // Acquire-release: a signal that comes from now on takes over the reference, and sees the waiter.
    release(word.exchange(bits, ordering: .acquiringAndReleasing))
  }

  /// Ends what `link` began. A signal that comes at the same time may still reach the selection.
  ///
  /// Acquire-release: what came before a signal is seen by the look that follows.
  func unlink() { release(word.exchange(0, ordering: .acquiringAndReleasing)) }

  private func release(_ bits: UInt) {
    if bits & Self.linked != 0 && bits != Self.sleeping { Self.waiter(bits).release() }
  }

  private static func waiter(_ bits: UInt) -> Unmanaged<SelectWaiter> {
    .fromOpaque(UnsafeRawPointer(bitPattern: bits & ~linked).unsafelyUnwrapped)
  }

  private var address: UnsafeMutableRawPointer {
    withUnsafePointer(to: word) { UnsafeMutableRawPointer(mutating: $0) }
  }
  /// The low half of the word, which holds every value that a thread can wait for.
  private var futexAddress: UnsafeMutablePointer<UInt32> {
    #if _endian(big)
      #error("the futex word is the low half of a little-endian word")
    #endif
    return address.assumingMemoryBound(to: UInt32.self)
  }
}

/// Stops the program where a thread that must not be put to sleep is about to be: on a worker that runs actors, and
/// inside a task. A thread that exists for handlers that block may sleep in either.
enum BlockingGuard {
  static func check(_ call: StaticString) {
    if troupe_may_block() { return }
    // A worker may be inside a task whatever it runs, so it is asked for first.
    let isWorker = troupe_current_worker() != nil
    let isTask = withUnsafeCurrentTask { $0 != nil }
    if isWorker || isTask {
      fatalError(
        "Troupe: \(call) was about to block "
          + "\(isWorker ? "a worker of an actor system" : "a thread that runs a Swift task"), "
          + "which can stop every other task and actor that needs the thread. Use the asynchronous form: await \(call)."
      )
    }
  }
}
