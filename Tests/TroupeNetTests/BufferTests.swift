import TestSupport
import Testing

@testable import TroupeNet

@Suite("Buffers")
struct BufferTests {
  @Test("An output of which a part of the last block was sent counts the bytes that are left")
  func partOfTheLastBlock() {
    var output = OutputBuffer()
    output.append(contentsOf: [UInt8](repeating: 1, count: 10_000))
    output.remove(4_000)
    let before = output.count
    #expect(before == 6_000)
    output.append(contentsOf: [UInt8](repeating: 2, count: 10_000))
    let count = output.count
    #expect(count == 16_000)
    let bytes = output.takeBytes()
    #expect(bytes == [UInt8](repeating: 1, count: 6_000) + [UInt8](repeating: 2, count: 10_000))
    let isEmpty = output.isEmpty
    #expect(isEmpty)
  }

  @Test("The list of a backlog that is never sent to its end stays short")
  func endlessBacklog() {
    var output = OutputBuffer()
    let bytes = [UInt8](repeating: 7, count: BlockPool.size)
    for _ in 0..<3 { output.append(contentsOf: bytes) }
    for _ in 0..<5_000 {
      output.append(contentsOf: bytes)
      output.remove(BlockPool.size - 1)
      output.remove(1)
    }
    let (count, places) = (output.count, output.placeCount)
    #expect(count == 3 * BlockPool.size)
    #expect(places < 200)
  }

  @Test("Random operations on an output agree with an array", arguments: 0..<UInt64(5))
  func randomOutput(seed: UInt64) {
    var random = Random(seed: seed)
    var output = OutputBuffer()
    var model: [UInt8] = []
    for _ in 0..<400 {
      switch random.below(9) {
      case 0:
        let byte = UInt8(random.below(256))
        output.append(byte)
        model.append(byte)
      case 1, 2:
        let bytes = random.bytes(random.below(3_000))
        output.append(contentsOf: bytes)
        model += bytes
      case 3:
        // From 16 KiB on an array is kept as it is.
        let bytes = random.bytes(16 * 1024 - 2 + random.below(4))
        output.append(contentsOf: bytes)
        model += bytes
      case 4:
        let bytes = random.bytes(random.below(40_000))
        bytes.withUnsafeBytes { output.append($0) }
        model += bytes
      case 5:
        let value = Int(truncatingIfNeeded: random.next()) >> random.below(64)
        output.append(decimal: value)
        output.append(integer: UInt32(truncatingIfNeeded: value))
        output.append(integer: Int16(truncatingIfNeeded: value), isBigEndian: false)
        output.append(utf8: "\u{e9}")
        output.append(utf8: String(value))
        model += Array(String(value).utf8)
        model += (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
        model += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        model += Array("\u{e9}\(value)".utf8)
      default:
        // As much as a socket may take of what it is offered.
        let (offered, isRight) = output.withPieces { pieces in
          let bytes = pieces.flatMap { Array($0) }
          return (bytes.count, bytes == Array(model.prefix(bytes.count)))
        }
        #expect(isRight && (offered > 0 || model.isEmpty))
        let sent = random.chance(1, in: 3) ? offered : random.below(offered + 1)
        output.remove(sent)
        model.removeFirst(sent)
      }
      let (count, isEmpty) = (output.count, output.isEmpty)
      #expect(count == model.count)
      #expect(isEmpty == model.isEmpty)
    }
    let rest = output.takeBytes()
    #expect(rest == model)
  }

  @Test("Random operations on an input agree with an array", arguments: 0..<UInt64(5))
  func randomInput(seed: UInt64) {
    var random = Random(seed: seed)
    var input = InputBuffer()
    var model: [UInt8] = []
    for _ in 0..<600 {
      switch random.below(8) {
      case 0, 1:
        input.reserve(1 + random.below(5_000))
        let bytes = random.bytes(random.below(input.room.count + 1))
        input.room.copyBytes(from: bytes)
        input.filled(bytes.count)
        model += bytes
      case 2:
        let bytes = random.bytes(random.below(2_000))
        input.append(bytes)
        model += bytes
      case 3:
        let count = random.below(min(model.count, 20_000) + 1)
        let taken = input.takeBytes(count)
        #expect(taken == Array(model.prefix(count)))
        model.removeFirst(count)
      case 4:
        let count = random.chance(1, in: 4) ? model.count : random.below(model.count + 1)
        input.skip(count)
        model.removeFirst(count)
      case 5:
        let from = random.below(model.count + 1)
        let byte = UInt8(random.below(256))
        let found = input.firstIndex(of: byte, from: from)
        #expect(found == model[from...].firstIndex(of: byte))
      case 6: input.trim()
      default:
        let value = input.integer(as: UInt16.self)
        #expect(value == (model.count < 2 ? nil : UInt16(model[0]) << 8 | UInt16(model[1])))
        if !model.isEmpty {
          let offset = random.below(model.count)
          let byte = input[offset]
          #expect(byte == model[offset])
        }
        let behind = input.integer(at: model.count, as: UInt8.self)
        #expect(behind == nil)
      }
      let count = input.count
      #expect(count == model.count)
    }
    let rest = input.withUnsafeBytes { Array($0) }
    #expect(rest == model)
    input.clear()
    let capacity = input.capacity
    #expect(capacity == 0)
  }

  @Test("Buffers give their memory back when they are empty")
  func memory() {
    var input = InputBuffer([1, 2, 3])
    var sizes = [input.capacity]
    input.skip(3)
    input.trim()
    sizes.append(input.capacity)
    var output = OutputBuffer()
    sizes.append(output.capacity)
    output.append(1)
    sizes.append(output.capacity)
    output.remove(1)
    sizes.append(output.capacity)
    #expect(sizes == [BlockPool.size, 0, 0, BlockPool.size, 0])
  }
}
