public import CTroupeShims

/// Allocates and frees raw memory through the C library directly.
///
/// `UnsafeMutableRawPointer.allocate` asks the C library for aligned memory even where every allocation is aligned
/// well enough, and goes through the language's runtime both to allocate and to free. Together that costs as much
/// again as the allocation itself.
@usableFromInline package enum RawMemory {
  /// Allocates memory without initializing it.
  @inlinable package static func allocate(_ byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    if alignment <= Int(TROUPE_ALIGNMENT) { return troupe_allocate(byteCount).unsafelyUnwrapped }
    return troupe_allocate_aligned(byteCount, alignment).unsafelyUnwrapped
  }

  /// How many bytes the processor can map with one entry, where the system has pages of that size.
  @inlinable package static var hugePage: Int { 2 << 20 }

  /// Allocates as much memory as one huge page has and asks the system to back it with one, so that using it costs
  /// one page fault and not 512.
  @inlinable package static func allocateHugePage() -> UnsafeMutableRawPointer {
    allocateHugePages(hugePage)
  }

  /// Does the same with more memory. The number of bytes must be a power of two, and at least `hugePage`.
  @inlinable package static func allocateHugePages(_ byteCount: Int) -> UnsafeMutableRawPointer {
    troupe_allocate_huge(byteCount).unsafelyUnwrapped
  }

  @inlinable package static func free(_ memory: UnsafeMutableRawPointer) { troupe_free(memory) }
}
