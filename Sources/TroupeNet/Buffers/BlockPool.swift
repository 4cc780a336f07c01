internal import CTroupeSockets
internal import TroupeChannels

/// Memory for the buffers of connections, in blocks of one size that are used again and again.
///
/// A connection has a block only while bytes wait in it, so the number of blocks follows the number of busy
/// connections and not that of open ones. Up to `kept` free blocks are kept, and further ones are freed.
///
/// Sendable because the list of free blocks is touched only under the lock.
final class BlockPool: @unchecked Sendable {
  /// The size of a block: as much as one read takes in.
  static let size = 16 * 1024
  private static let kept = 64
  /// The pool of the process.
  static let shared = BlockPool()

  private let lock = FutexLock()
  @exclusivity(unchecked) private var free: [UnsafeMutableRawPointer] = []

  private init() { free.reserveCapacity(Self.kept) }

  func take() -> UnsafeMutableRawPointer {
    if let block = lock.withLock({ free.popLast() }) { return block }
    return .allocate(byteCount: Self.size, alignment: 16)
  }

  func give(_ block: UnsafeMutableRawPointer) {
    let isKept = lock.withLock { () -> Bool in
      guard free.count < Self.kept else { return false }
      free.append(block)
      return true
    }
    if !isKept { block.deallocate() }
  }
}
