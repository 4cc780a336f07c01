public import Synchronization

/// What an atomic word may hold in a model.
@usableFromInline package protocol Word: AtomicRepresentable, BitwiseCopyable {
  var bits: UInt64 { get }
  init(bits: UInt64)
}

extension FixedWidthInteger {
  @usableFromInline package var bits: UInt64 { UInt64(truncatingIfNeeded: self) }
  @usableFromInline package init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
}

extension UInt: Word {}
extension UInt8: Word {}
extension UInt32: Word {}
extension UInt64: Word {}
extension Int: Word {}
extension Int64: Word {}
extension Bool: Word {
  @usableFromInline package var bits: UInt64 { self ? 1 : 0 }
  @usableFromInline package init(bits: UInt64) { self = bits != 0 }
}
