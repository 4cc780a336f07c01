public import CTroupeShims

/// Pieces of raw memory, straight from the C library.
///
/// `UnsafeMutableRawPointer.allocate` asks it for aligned memory even where every piece is aligned well enough, and goes through
/// the language's runtime on the way there and back: together as much again as the allocation itself.
@usableFromInline package enum RawMemory {
  /// Memory with whatever is in it.
  @inlinable package static func allocate(_ byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    if alignment <= Int(TROUPE_ALIGNMENT) { return troupe_allocate(byteCount).unsafelyUnwrapped }
    return troupe_allocate_aligned(byteCount, alignment).unsafelyUnwrapped
  }

  /// How much memory the processor can map with one entry, where the system has pages of that size.
  @inlinable package static var hugePage: Int { 2 << 20 }

  /// A huge page's worth of memory, which the system is asked to back with one: it is then had with one page fault, not 512.
  @inlinable package static func allocateHugePage() -> UnsafeMutableRawPointer {
    troupe_allocate_huge(hugePage).unsafelyUnwrapped
  }

  @inlinable package static func free(_ memory: UnsafeMutableRawPointer) { troupe_free(memory) }
}
