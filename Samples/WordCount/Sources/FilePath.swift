/// A path as the bytes by which the system knows it: a name on disk need not be valid UTF-8, and a `String` always is.
struct FilePath: Sendable, CustomStringConvertible {
  /// The bytes with a zero at the end, which can be given to a C function as they are.
  let cString: [CChar]

  init(_ cString: UnsafePointer<CChar>) {
    self.cString = Array(UnsafeBufferPointer(start: cString, count: length(of: cString) + 1))
  }

  private init(_ bytes: [CChar]) { cString = bytes }

  /// The path of a name in this folder.
  func appending(_ name: UnsafePointer<CChar>) -> FilePath {
    var bytes = cString
    bytes.removeLast()
    if bytes.last != slash { bytes.append(slash) }
    bytes.append(contentsOf: UnsafeBufferPointer(start: name, count: length(of: name) + 1))
    return FilePath(bytes)
  }

  /// Whether the path is `-`, which stands for standard input.
  var isDash: Bool { cString == [CChar(UInt8(ascii: "-")), 0] }

  /// The path for people to read. Bytes that are not valid UTF-8 are replaced.
  var description: String { String(decoding: cString.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

private let slash = CChar(UInt8(ascii: "/"))

private func length(of cString: UnsafePointer<CChar>) -> Int {
  var length = 0
  while cString[length] != 0 { length += 1 }
  return length
}
