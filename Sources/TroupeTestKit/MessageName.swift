import Troupe

/// What a history calls a message: its type and, for an enum, its case; never its contents.
struct MessageName: @unchecked Sendable {
  // Sendable because both point at what the program was loaded with.
  private let type: UnsafeRawPointer
  private let enumCase: UnsafePointer<CChar>?

  init<Message: ~Copyable>(_ message: borrowing Message) {
    type = unsafeBitCast(Message.self, to: UnsafeRawPointer.self)
    enumCase = caseName(message)
  }

  var text: String {
    let name = plain(typeName(at: type))
    guard let enumCase else { return name }
    return name + "." + String(cString: enumCase)
  }
}

/// The language's runtime knows it, also for values that cannot be copied; nil for what is no enum.
@_silgen_name("swift_EnumCaseName")
private func caseName<Value: ~Copyable>(_ value: borrowing Value) -> UnsafePointer<CChar>?

/// Without the address by which the language's runtime names the scope of a private type, which differs from run to run.
func plain(_ text: String) -> String {
  guard text.contains("(unknown context at ") else { return text }
  var rest = text[...]
  var result = ""
  while let start = rest.firstRange(of: "(unknown context at ") {
    result += rest[..<start.lowerBound]
    rest = rest[start.upperBound...]
    guard let end = rest.firstIndex(of: ")") else { break }
    rest = rest[rest.index(after: end)...]
    if rest.first == "." { rest.removeFirst() }
  }
  return result + rest
}
