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

  /// Memory that reads as zeros; large pieces that the system has just given are not written for that.
  @inlinable package static func allocateZeroed(_ byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    if alignment <= Int(TROUPE_ALIGNMENT) { return troupe_allocate_zeroed(byteCount).unsafelyUnwrapped }
    let memory = troupe_allocate_aligned(byteCount, alignment).unsafelyUnwrapped
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return memory
  }

  @inlinable package static func free(_ memory: UnsafeMutableRawPointer) { troupe_free(memory) }
}
