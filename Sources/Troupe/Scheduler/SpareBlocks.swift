/// A few blocks of memory that a worker keeps for whatever runs on it. `TroupeNet` takes its buffers from here: the
/// turn of a connection takes two blocks and gives them back, and a lock for each of these steps would be a good part
/// of what a short frame costs.
package struct SpareBlocks: ~Copyable {
  /// The size of each block, which is allocated by whoever gives it to a worker first.
  package static var size: Int { 16 * 1024 }
  /// The first block. Each block has the address of the next in its first bytes.
  private var first: UnsafeMutableRawPointer?
  private var count = 0
  private static var limit: Int { 2 }

  init() {}

  deinit {
    var each = first
    while let block = each {
      each = block.load(as: UnsafeMutableRawPointer?.self)
      block.deallocate()
    }
  }

  mutating func take() -> UnsafeMutableRawPointer? {
    guard let block = first else { return nil }
    first = block.load(as: UnsafeMutableRawPointer?.self)
    count -= 1
    return block
  }

  mutating func give(_ block: UnsafeMutableRawPointer) -> Bool {
    if count == Self.limit { return false }
    block.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
    first = block
    count += 1
    return true
  }
}

extension Worker {
  /// Takes a block that the calling thread's worker keeps. Nil if the worker has none, or if the thread is no worker.
  package static func takeBlock() -> UnsafeMutableRawPointer? { withCurrent { $0.spareBlocks.take() } ?? nil }
  /// Has the calling thread's worker keep a block. Returns false if the worker has enough, or if the thread is no
  /// worker.
  package static func giveBlock(_ block: UnsafeMutableRawPointer) -> Bool {
    withCurrent { $0.spareBlocks.give(block) } ?? false
  }
}
