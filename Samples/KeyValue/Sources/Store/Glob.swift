/// Patterns as `KEYS` and `PSUBSCRIBE` have them: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a byte that means itself.
enum Glob {
  /// Whether all of the text fits the pattern. O(n m): a star that does not fit is given up for the next one, never
  /// tried again in all combinations, so no pattern takes for ever.
  static func matches(_ text: Bytes, _ pattern: Bytes) -> Bool {
    var (textIndex, patternIndex) = (0, 0)
    /// Where to go on if what follows the last star does not fit.
    var retry: (text: Int, pattern: Int)?
    while true {
      if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
        patternIndex += 1
        retry = (textIndex, patternIndex)
        continue
      }
      if textIndex == text.count {
        if patternIndex == pattern.count { return true }
        // Nothing but a star fits the empty rest, and a star was looked for above.
        return false
      }
      if patternIndex < pattern.count, let next = step(text[textIndex], pattern, patternIndex) {
        textIndex += 1
        patternIndex = next
        continue
      }
      guard let last = retry else { return false }
      retry = (last.text + 1, last.pattern)
      (textIndex, patternIndex) = (last.text + 1, last.pattern)
    }
  }

  /// Where the pattern goes on after one byte, or nil if the byte does not fit.
  private static func step(_ byte: UInt8, _ pattern: Bytes, _ index: Int) -> Int? {
    switch pattern[index] {
    case UInt8(ascii: "?"): return index + 1
    case UInt8(ascii: "["): return range(byte, pattern, index + 1)
    case UInt8(ascii: "\\") where index + 1 < pattern.count:
      return pattern[index + 1] == byte ? index + 2 : nil
    case let literal: return literal == byte ? index + 1 : nil
    }
  }

  private static func range(_ byte: UInt8, _ pattern: Bytes, _ start: Int) -> Int? {
    var index = start
    let isNegated = index < pattern.count && pattern[index] == UInt8(ascii: "^")
    if isNegated { index += 1 }
    var isFound = false
    while index < pattern.count, pattern[index] != UInt8(ascii: "]") {
      if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count {
        isFound = isFound || pattern[index + 1] == byte
        index += 2
      } else if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-") {
        let (low, high) = (min(pattern[index], pattern[index + 2]), max(pattern[index], pattern[index + 2]))
        isFound = isFound || byte >= low && byte <= high
        index += 3
      } else {
        isFound = isFound || pattern[index] == byte
        index += 1
      }
    }
    // A bracket that is not closed ends with the pattern.
    return isFound != isNegated ? min(index + 1, pattern.count) : nil
  }
}
