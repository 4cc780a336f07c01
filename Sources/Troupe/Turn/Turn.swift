internal import CTroupeShims

// This folder holds what runs one turn of an actor: the loops that take messages and call handlers, the memory in which
// a behavior lies, and the tasks in which asynchronous handlers run.

/// Says how long a turn may be. After a turn the cell goes to the end of the queue, so that others have theirs.
@usableFromInline enum Turn {
  /// How many messages a cell may handle in one turn.
  @inlinable static var messageLimit: Int { 256 }

  /// Whether a turn has lasted long, by the ticks of its worker at its beginning and now. Two ticks must have passed,
  /// because the first may have come right after the beginning. This is asked between two messages only, since nothing
  /// can interrupt a handler.
  @inlinable static func isLong(_ ticks: UInt32, since start: UInt32) -> Bool { ticks &- start >= 2 }

  /// Tells the processor that this thread waits for another one in a loop.
  @inline(never) @usableFromInline static func pause() { troupe_cpu_pause() }
}
