internal import CTroupeShims

/// How long a turn is.
@usableFromInline enum Turn {
  /// Messages that a cell may handle before others have their turn.
  @inlinable static var messages: Int { 256 }

  /// Two ticks have passed: one may have come right after the start. What a handler takes longer for is its own.
  @inlinable static func isLong(_ ticks: UInt32, since start: UInt32) -> Bool { ticks &- start >= 2 }

  @inline(never) @usableFromInline static func pause() { troupe_cpu_pause() }
}
