import TestSupport
import Testing

@testable import Troupe

@Suite struct SpareBlocksTests {
  private func block() -> UnsafeMutableRawPointer { .allocate(byteCount: SpareBlocks.size, alignment: 16) }

  @Test func `a worker keeps two blocks, and gives the last one first`() {
    var blocks = SpareBlocks()
    let all = (block(), block(), block())
    let isKept = [blocks.give(all.0), blocks.give(all.1), blocks.give(all.2)]
    #expect(isKept == [true, true, false])
    var taken = [blocks.take()]
    let isKeptAgain = blocks.give(all.2)
    #expect(isKeptAgain)
    for _ in 0..<3 { taken.append(blocks.take()) }
    #expect(taken == [all.1, all.2, all.0, nil])
    // The leak sanitizer sees whether the blocks are freed that are left at the end.
    let isKeptAtLast = blocks.give(all.0)
    #expect(isKeptAtLast)
    all.1.deallocate()
    all.2.deallocate()
  }

  @Test func `a thread that is no worker has no blocks`() async {
    let thread = TestThread {
      let block = UnsafeMutableRawPointer.allocate(byteCount: SpareBlocks.size, alignment: 16)
      defer { block.deallocate() }
      return Worker.takeBlock() == nil && !Worker.giveBlock(block)
    }
    #expect(await thread.value)
  }
}
