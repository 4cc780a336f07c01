internal import CTroupeShims

/// Waits a moment for another thread: pauses a little, then longer, then yields the processor. The steps are those of
/// `Backoff` in crossbeam.
@usableFromInline package struct Backoff {
  @usableFromInline var step: UInt32 = 0
  @inlinable package init() {}

  /// Whether this is still one of the first pauses, which take a fraction of a microsecond together. A waiter then
  /// looks only at what it waits for, and at nothing beside it.
  @inlinable package var isEarly: Bool { step < 5 }

  /// A backoff that begins with a pause of some hundred nanoseconds. Use it where a single step of the other thread
  /// is not worth a look.
  @inlinable package static var patient: Backoff {
    var backoff = Backoff()
    backoff.step = 4
    return backoff
  }

  /// Whether spinning and yielding have taken long enough, so that the caller should sleep instead.
  @inlinable package var isOver: Bool { step > 10 }

  /// Pauses once, to let another thread make progress.
  @inline(never) @usableFromInline package mutating func snooze() {
    if step <= 6 {
      for _ in 0..<(1 << step) { troupe_cpu_pause() }
    } else {
      troupe_thread_yield()
    }
    if step <= 10 { step += 1 }
  }

  /// Lets the thread that won a contended word go on for a while. It has the cache line, so each of its further steps
  /// is cheap, whereas taking turns costs two transfers of the line for each step.
  @inline(never) @usableFromInline package mutating func contended() {
    for _ in 0..<(1 << min(step, 6)) { troupe_cpu_pause() }
    step += 1
  }
}
