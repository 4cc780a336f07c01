import Troupe

/// The name of a message in a history: its type and, if that is an enum, its case. It never contains the message
/// itself.
struct MessageName: @unchecked Sendable {
  // Sendable because both pointers point into the loaded program.
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

/// Returns the name of an enum's case, or nil for what is not an enum. The runtime of the language knows it, also for
/// values that cannot be copied.
@_silgen_name("swift_EnumCaseName")
private func caseName<Value: ~Copyable>(_ value: borrowing Value) -> UnsafePointer<CChar>?

/// Removes the address by which the runtime of the language names the scope of a private type, because that address
/// differs from run to run.
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
