internal import CTroupeShims

/// A moment on the monotonic clock, or never.
@usableFromInline package struct Deadline: Sendable, Comparable {
  /// The moment in nanoseconds of the monotonic clock; `max` means never.
  @usableFromInline package let nanoseconds: Int64

  @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  @usableFromInline package static let never = Deadline(nanoseconds: .max)

  /// Makes the deadline that lies `timeout` from now. A timeout that is too long to be counted gives `never`.
  @usableFromInline package init(after timeout: Duration) {
    nanoseconds = saturatingSum(timeout.nanosecondsClamped, troupe_clock_now())
  }

  @usableFromInline package var isNever: Bool { nanoseconds == .max }
  @usableFromInline package var hasPassed: Bool { !isNever && troupe_clock_now() >= nanoseconds }

  /// How many nanoseconds are left, at least 0; negative for `never`.
  @usableFromInline package var remaining: Int64 { isNever ? -1 : max(0, nanoseconds &- troupe_clock_now()) }

  @inlinable package static func < (a: Deadline, b: Deadline) -> Bool { a.nanoseconds < b.nanoseconds }
}

extension Duration {
  /// The duration in whole nanoseconds, rounded up and clamped to `0 ... Int64.max`.
  package var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    if seconds < 0 || (seconds == 0 && attoseconds <= 0) { return 0 }
    let whole = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if whole.overflow { return .max }
    return saturatingSum(whole.partialValue, (attoseconds + 999_999_999) / 1_000_000_000)
  }
}

private func saturatingSum(_ a: Int64, _ b: Int64) -> Int64 {
  let sum = a.addingReportingOverflow(b)
  return sum.overflow ? .max : sum.partialValue
}
