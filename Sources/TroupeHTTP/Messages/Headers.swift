/// The fields in the head of a request, in the order in which they came.
///
/// They are a view of the bytes that came in: a name is looked for and a text is made only when it is asked for. Names
/// are compared without their case.
public struct Headers: Sendable, Sequence {
  /// The whole head, from the request line to the empty line.
  let head: [UInt8]
  /// Where the first field begins.
  let start: Int

  /// The value of the first field with this name, without the blanks around it; nil if there is none. Bytes that are no
  /// UTF-8 become U+FFFD. O(n) in the length of the head.
  public subscript(name: String) -> String? {
    var iterator = makeFieldIterator()
    var name = name
    return name.withUTF8 { name in
      while let field = iterator.next() {
        if Self.isSame(head[field.name], name) { return String(decoding: head[field.value], as: UTF8.self) }
      }
      return nil
    }
  }

  /// The values of all fields with this name.
  public func all(_ name: String) -> [String] {
    filter { Self.isSame($0.name.utf8, name.utf8) }.map(\.value)
  }

  /// Whether a field that holds a list with commas, such as Connection, has this element. Elements are compared without
  /// their case.
  public func list(_ name: String, contains element: String) -> Bool {
    elements(name).contains { Self.isSame($0.utf8, element.utf8) }
  }

  /// The elements of all fields with this name that hold lists with commas, without the blanks around them.
  func elements(_ name: String) -> [String] {
    all(name).flatMap { value in
      value.utf8.split(separator: UInt8(ascii: ",")).compactMap { element in
        let bytes = element.drop { $0.isBlank }
        let count = bytes.reversed().drop { $0.isBlank }.count
        return count == 0 ? nil : String(bytes.prefix(count))
      }
    }
  }

  private static func isSame(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.lowercased == $1.lowercased }
  }

  /// Goes through the fields as names and values.
  public func makeIterator() -> Iterator { Iterator(fields: makeFieldIterator()) }

  func makeFieldIterator() -> FieldIterator { FieldIterator(head: head, place: start) }

  /// Goes through the fields as names and values.
  public struct Iterator: IteratorProtocol {
    var fields: FieldIterator

    /// The next field.
    public mutating func next() -> (name: String, value: String)? {
      fields.next().map { field in
        (
          String(decoding: fields.head[field.name], as: UTF8.self),
          String(decoding: fields.head[field.value], as: UTF8.self)
        )
      }
    }
  }

  /// Goes through the fields as places in the head. The head was checked when it came in, so each line has a colon and
  /// an end.
  struct FieldIterator {
    let head: [UInt8]
    var place: Int

    mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
      guard let end = head[place...].firstIndex(of: UInt8(ascii: "\r")), end > place,
        let colon = head[place..<end].firstIndex(of: UInt8(ascii: ":"))
      else { return nil }
      defer { place = end + 2 }
      var first = colon + 1
      var last = end
      while first < last && head[first].isBlank { first += 1 }
      while last > first && head[last - 1].isBlank { last -= 1 }
      return (place..<colon, first..<last)
    }
  }
}
