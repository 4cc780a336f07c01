import TestSupport
import Testing

@testable import Troupe

@Suite struct SpareBlocksTests {
  private func block() -> UnsafeMutableRawPointer { .allocate(byteCount: SpareBlocks.size, alignment: 16) }

  @Test func `a worker keeps two blocks, and gives the last one first`() {
    var blocks = SpareBlocks()
    #expect(blocks.take() == nil)
    let all = (block(), block(), block())
    #expect(blocks.give(all.0))
    #expect(blocks.give(all.1))
    #expect(!blocks.give(all.2))
    #expect(blocks.take() == all.1)
    #expect(blocks.give(all.2))
    #expect(blocks.take() == all.2)
    #expect(blocks.take() == all.0)
    #expect(blocks.take() == nil)
    // The leak sanitizer sees whether the blocks are freed that are left at the end.
    #expect(blocks.give(all.0))
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
