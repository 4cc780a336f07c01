// A word is a run of ASCII letters of any length, in lower case. This is what
// `LC_ALL=C tr -cs A-Za-z '\n' | tr A-Z a-z` makes of a text. Only bytes matter, so invalid UTF-8 is not a special
// case.

let separator = UInt8(ascii: "\n")

func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }

// The text is looked at eight bytes at a time, as an integer whose lowest byte is the first one. Words are kept in
// the same form: as blocks of eight lower-case letters, the last of which is filled up with zeros.

@inline(__always)
private func eightBytes(at pointer: UnsafeRawPointer) -> UInt64 {
  UInt64(littleEndian: pointer.loadUnaligned(as: UInt64.self))
}

/// How many blocks a word of so many letters has.
func blockCount(_ length: Int) -> Int { (length + 7) / 8 }

/// Returns a block of a word in lower case. In the text the word may be in any case, and anything may follow it.
@inline(__always)
func block(_ number: Int = 0, of word: UnsafeRawPointer, length: Int) -> UInt64 {
  let unused = max(0, 8 &- (length &- 8 &* number))
  let lower = eightBytes(at: word + 8 &* number) | 0x2020_2020_2020_2020
  return lower & (~0 &>> UInt64(truncatingIfNeeded: 8 &* unused))
}

/// The result has the top bit set in each byte of the block that is a letter.
@inline(__always)
func letters(_ block: UInt64) -> UInt64 {
  // Only seven bits of each byte are kept, so that no addition carries into the next byte. The first sum reaches the
  // top bit for 'a' and everything after it, the second one for everything after 'z'.
  let lower = (block | 0x2020_2020_2020_2020) & 0x7f7f_7f7f_7f7f_7f7f
  let fromA = lower &+ 0x1f1f_1f1f_1f1f_1f1f
  let behindZ = lower &+ 0x0505_0505_0505_0505
  return fromA & ~behindZ & ~block & 0x8080_8080_8080_8080
}

/// Passes each word to `body`, as a place and a length. The text must be empty or end with a separator, and must be
/// readable for `Chunk.padding` bytes after its end.
@inline(__always)
func forEachWord(in text: UnsafeRawBufferPointer, _ body: (_ start: UnsafeRawPointer, _ length: Int) -> Void) {
  guard var next = text.baseAddress else { return }
  let end = next + text.count
  while true {
    var found = letters(eightBytes(at: next))
    while found == 0 {
      next += 8
      if next >= end { return }
      found = letters(eightBytes(at: next))
    }
    let start = next + found.trailingZeroBitCount &>> 3
    if start >= end { return }

    next = start
    var missing = letters(eightBytes(at: next)) ^ 0x8080_8080_8080_8080
    while missing == 0 {
      next += 8
      missing = letters(eightBytes(at: next)) ^ 0x8080_8080_8080_8080
    }
    next += missing.trailingZeroBitCount &>> 3
    body(start, next - start)
  }
}
