import Testing

@testable import Troupe

@_silgen_name("$ss36_class_getInstancePositiveExtentSizeySiyXlXpF") private func instanceSize(_ type: AnyClass) -> Int

@Suite struct CellSizeTests {
  struct Idle: Behavior {
    let state: UInt64
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
  }

  @Test func `an idle actor takes two pieces of memory, each of 144 bytes with the allocator's own 8`() {
    typealias Storage = BehaviorStorage<Idle, Int>
    #expect(instanceSize(Cell.self) <= 136)
    #expect(Storage.offset(0) + Storage.byteCount(factory: true) <= 136)
  }
}
