public import Synchronization

/// The control lane of a cell: what passes before queued messages. Life-cycle requests repeat without meaning more, so the
/// lane is a set of bits, and never full.
@usableFromInline package struct ControlWord: ~Copyable, Sendable {
  @usableFromInline let bits = Atomic<UInt32>(0)

  @usableFromInline static let stop: UInt32 = 1
  @usableFromInline static let parentStopped: UInt32 = 2
  @usableFromInline static let systemStopped: UInt32 = 4
  @usableFromInline static let childrenEnded: UInt32 = 8

  init() {}

  /// Something waits. The consumer's own line: looking costs nothing while nobody posts.
  @inlinable var isPending: Bool { bits.load(ordering: .relaxed) != 0 }

  /// Releasing: pairs with `take`.
  func post(_ bit: UInt32) { bits.bitwiseOr(bit, ordering: .releasing) }

  func take() -> UInt32 { bits.exchange(0, ordering: .acquiring) }
}
