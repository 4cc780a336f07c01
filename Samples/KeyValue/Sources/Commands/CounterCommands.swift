/// Commands that count.
enum CounterCommands {
  static let all = [
    Command("incr", 2, .first) { (call, answer) throws(CommandError) in try add(1, call, &answer) },
    Command("decr", 2, .first) { (call, answer) throws(CommandError) in try add(-1, call, &answer) },
    Command("incrby", 3, .first) { (call, answer) throws(CommandError) in
      try add(try call.integer(2), call, &answer)
    },
    Command("decrby", 3, .first) { (call, answer) throws(CommandError) in
      let amount = try call.integer(2)
      if amount == .min { throw .other("ERR decrement would overflow") }
      try add(-amount, call, &answer)
    },
    Command("incrbyfloat", 3, .first, addFraction),
  ]

  private static func add(_ amount: Int, _ call: Call, _ answer: inout Answer) throws(CommandError) {
    let sum = try integerSum(try call.string(1), amount)
    var digits: [UInt8] = []
    digits.append(decimal: sum)
    store(digits, call)
    answer.integer(sum)
  }

  /// The sum of a number that is kept as text, or 0, and an amount.
  static func integerSum(
    _ text: [UInt8]?, _ amount: Int, _ failure: CommandError = .notAnInteger
  ) throws(CommandError) -> Int {
    var value = 0
    if let text {
      guard let number = text.withUnsafeBytes({ Number.integer($0) }) else { throw failure }
      value = number
    }
    let (sum, overflows) = value.addingReportingOverflow(amount)
    if overflows { throw .overflow }
    return sum
  }

  @Sendable private static func addFraction(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let text = Number.text(try fractionSum(try call.string(1), call[2]))
    store(text, call)
    answer.bulk(text)
  }

  /// The sum of a number with a fraction that is kept as text, or 0, and another one.
  static func fractionSum(
    _ text: [UInt8]?, _ amount: Bytes, _ failure: CommandError = .notAFloat
  ) throws(CommandError) -> Double {
    var value = 0.0
    if let text {
      guard let number = text.withUnsafeBytes({ Number.fraction($0) }) else { throw failure }
      value = number
    }
    guard let amount = Number.fraction(amount) else { throw .notAFloat }
    let sum = value + amount
    if !sum.isFinite { throw .other("ERR increment would produce NaN or Infinity") }
    return sum
  }

  /// Puts the number back, and leaves the deadline of its key.
  private static func store(_ text: [UInt8], _ call: Call) {
    let store = call.store(1)
    if let place = store.find(call[1]) {
      store.replace(at: place, .string(text))
    } else {
      store.set(call[1], .string(text))
    }
  }
}
