import Synchronization

/// The number of dead letters for each reason. Any thread may add and read.
///
/// Not an `InlineArray` of counters: the oldest systems that the package supports do not have that type.
struct DeadLetterCounts: ~Copyable, Sendable {
  private let ended = Atomic<Int>(0)
  private let queuedAtEnd = Atomic<Int>(0)
  private let mailboxFull = Atomic<Int>(0)
  private let endedWhileAdapting = Atomic<Int>(0)
  private let abandoned = Atomic<Int>(0)
  private let overflow = Atomic<Int>(0)
  private let replaced = Atomic<Int>(0)
  private let undeliverable = Atomic<Int>(0)

  func add(_ reason: DeadLetter.Reason, _ n: Int) {
    withCounter(of: reason) { _ = $0.wrappingAdd(n, ordering: .relaxed) }
  }

  func count(_ reason: DeadLetter.Reason) -> Int { withCounter(of: reason) { $0.load(ordering: .relaxed) } }

  private func withCounter<R>(of reason: DeadLetter.Reason, _ body: (borrowing Atomic<Int>) -> R) -> R {
    switch reason {
    case .ended: body(ended)
    case .queuedAtEnd: body(queuedAtEnd)
    case .mailboxFull: body(mailboxFull)
    case .endedWhileAdapting: body(endedWhileAdapting)
    case .abandoned: body(abandoned)
    case .overflow: body(overflow)
    case .replaced: body(replaced)
    case .undeliverable: body(undeliverable)
    }
  }
}
