/// A path as the bytes by which the system knows it: a name on disk need not be valid UTF-8, and a `String` always is.
struct FilePath: Sendable, CustomStringConvertible {
  /// With a zero at the end; can be given to a C function as it is.
  let cString: [CChar]

  init(_ cString: UnsafePointer<CChar>) {
    self.cString = Array(UnsafeBufferPointer(start: cString, count: length(of: cString) + 1))
  }

  private init(_ bytes: [CChar]) { cString = bytes }

  /// A name in this folder.
  func appending(_ name: UnsafePointer<CChar>) -> FilePath {
    var bytes = cString
    bytes.removeLast()
    if bytes.last != slash { bytes.append(slash) }
    bytes.append(contentsOf: UnsafeBufferPointer(start: name, count: length(of: name) + 1))
    return FilePath(bytes)
  }

  /// Standard input.
  var isDash: Bool { cString == [CChar(UInt8(ascii: "-")), 0] }

  /// For people: what is no UTF-8 is replaced.
  var description: String { String(decoding: cString.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

private let slash = CChar(UInt8(ascii: "/"))

private func length(of cString: UnsafePointer<CChar>) -> Int {
  var length = 0
  while cString[length] != 0 { length += 1 }
  return length
}
