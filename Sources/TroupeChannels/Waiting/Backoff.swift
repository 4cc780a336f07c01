internal import CTroupeShims

/// How to wait a moment for another thread: pause a little, then longer, then yield the processor.
/// The steps are those of crossbeam's `Backoff`.
@usableFromInline package struct Backoff {
  @usableFromInline var step: UInt32 = 0
  @inlinable package init() {}

  /// The first pauses, a fraction of a microsecond in all: what one waits for is looked at, and nothing beside it.
  @inlinable package var isEarly: Bool { step < 5 }

  /// One that begins with a pause of some hundred nanoseconds: where one step of the other thread is not worth the look.
  @inlinable package static var patient: Backoff {
    var backoff = Backoff()
    backoff.step = 4
    return backoff
  }

  /// The spinning and yielding is over: sleep instead.
  @inlinable package var isOver: Bool { step > 10 }

  /// Waits for another thread to make progress.
  @inline(never) @usableFromInline package mutating func snooze() {
    if step <= 6 {
      for _ in 0..<(1 << step) { troupe_cpu_pause() }
    } else {
      troupe_thread_yield()
    }
    if step <= 10 { step += 1 }
  }

  /// Lets the one that won a contended word go on for a while: it has the cache line, and each of its further steps is
  /// cheap, where taking turns costs two transfers of the line a step.
  @inline(never) @usableFromInline package mutating func contended() {
    for _ in 0..<(1 << min(step, 6)) { troupe_cpu_pause() }
    step += 1
  }
}
