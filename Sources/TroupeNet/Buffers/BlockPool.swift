internal import CTroupeSockets
internal import Troupe
internal import TroupeChannels

/// Memory for the buffers of connections, in blocks of one size that are used again and again.
///
/// A connection has a block only while bytes wait in it, so the number of blocks follows the number of busy
/// connections and not that of open ones. Each worker keeps up to two free blocks for itself, and the pool up to
/// `kept` more; further ones are freed.
///
/// Sendable because the list of free blocks is touched only under the lock.
final class BlockPool: @unchecked Sendable {
  /// The size of a block: as much as one read takes in.
  static var size: Int { SpareBlocks.size }
  private static var kept: Int { 64 }
  /// What a buffer without memory has in place of a block, so that no function has to look whether there is one.
  /// Nothing is read or written there.
  static var none: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped }
  // The pool of the process. To reach a variable like this costs a call, so the worker is asked first.
  private static let shared = BlockPool()

  private let lock = FutexLock()
  @exclusivity(unchecked) private var free: [UnsafeMutableRawPointer] = []

  private init() { free.reserveCapacity(Self.kept) }

  static func take() -> UnsafeMutableRawPointer { Worker.takeBlock() ?? shared.takeFree() }
  static func give(_ block: UnsafeMutableRawPointer) { if !Worker.giveBlock(block) { shared.keep(block) } }

  private func takeFree() -> UnsafeMutableRawPointer {
    if let block = lock.withLock({ free.popLast() }) { return block }
    return .allocate(byteCount: Self.size, alignment: 16)
  }

  private func keep(_ block: UnsafeMutableRawPointer) {
    let isKept = lock.withLock { () -> Bool in
      guard free.count < Self.kept else { return false }
      free.append(block)
      return true
    }
    if !isKept { block.deallocate() }
  }
}
