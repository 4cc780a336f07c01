/// Commands on hashes.
enum HashCommands {
  static let all = [
    Command("hset", -4, .first) { (call, answer) throws(CommandError) in
      answer.integer(try set(call))
    },
    Command("hmset", -4, .first) { (call, answer) throws(CommandError) in
      _ = try set(call)
      answer.ok()
    },
    Command("hsetnx", 4, .first, setNew), Command("hget", 3, .first, get), Command("hmget", -3, .first, getMany),
    Command("hgetall", 2, .first, getAll), Command("hkeys", 2, .first, names), Command("hvals", 2, .first, values),
    Command("hdel", -3, .first, delete),
    Command("hlen", 2, .first) { (call, answer) throws(CommandError) in
      answer.integer(try call.fields(1)?.count ?? 0)
    },
    Command("hexists", 3, .first) { (call, answer) throws(CommandError) in
      answer.boolean(try call.fields(1)?.contains(call[2]) ?? false)
    },
    Command("hstrlen", 3, .first) { (call, answer) throws(CommandError) in
      answer.integer(try call.fields(1)?.value(of: call[2])?.count ?? 0)
    },
    Command("hincrby", 4, .first, add), Command("hincrbyfloat", 4, .first, addFraction),
    Command("hrandfield", -2, .first, random),
  ]

  private static func set(_ call: Call) throws(CommandError) -> Int {
    if call.count % 2 != 0 { throw .wrongArguments(call.text(0).lowercased()) }
    let fields = try call.fieldsOrNew(1)
    var added = 0
    for index in stride(from: 2, to: call.count, by: 2) {
      if fields.set(call[index], Array(call[index + 1])) { added += 1 }
    }
    call.changed(1)
    return added
  }

  @Sendable private static func setNew(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let fields = try call.fieldsOrNew(1)
    if fields.contains(call[2]) { return answer.integer(0) }
    fields.set(call[2], Array(call[3]))
    call.changed(1)
    answer.integer(1)
  }

  @Sendable private static func get(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if let value = try call.fields(1)?.value(of: call[2]) { answer.bulk(value) } else { answer.null() }
  }

  @Sendable private static func getMany(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let fields = try call.fields(1)
    answer.array(call.count - 2)
    for index in 2..<call.count {
      if let value = fields?.value(of: call[index]) { answer.bulk(value) } else { answer.null() }
    }
  }

  @Sendable private static func getAll(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let fields = try call.fields(1)
    answer.map(fields?.count ?? 0)
    for slot in fields?.slots ?? [] {
      answer.bulk(slot.key)
      answer.bulk(slot.value)
    }
  }

  @Sendable private static func names(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let fields = try call.fields(1)
    answer.array(fields?.count ?? 0)
    for slot in fields?.slots ?? [] { answer.bulk(slot.key) }
  }

  @Sendable private static func values(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let fields = try call.fields(1)
    answer.array(fields?.count ?? 0)
    for slot in fields?.slots ?? [] { answer.bulk(slot.value) }
  }

  @Sendable private static func delete(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let fields = try call.fields(1) else { return answer.integer(0) }
    let removed = (2..<call.count).count { fields.remove(call[$0]) != nil }
    if removed > 0 { call.changed(1, isEmpty: fields.isEmpty) }
    answer.integer(removed)
  }

  @Sendable private static func add(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let amount = try call.integer(3)
    let before = try call.fields(1)?.value(of: call[2])
    let sum = try CounterCommands.integerSum(before, amount, .other("ERR hash value is not an integer"))
    var digits: [UInt8] = []
    digits.append(decimal: sum)
    try call.fieldsOrNew(1).set(call[2], digits)
    call.changed(1)
    answer.integer(sum)
  }

  @Sendable private static func addFraction(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let amount = Number.fraction(call[3]) else { throw .notAFloat }
    if !amount.isFinite { throw .other("ERR value is NaN or Infinity") }
    let before = try call.fields(1)?.value(of: call[2])
    let text = Number.text(
      try CounterCommands.fractionSum(before, call[3], .other("ERR hash value is not a float")))
    try call.fieldsOrNew(1).set(call[2], text)
    call.changed(1)
    answer.bulk(text)
  }

  @Sendable private static func random(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard call.count > 2 else {
      guard let fields = try call.fields(1) else { return answer.null() }
      return answer.bulk(fields.key(at: Int.random(in: 0..<fields.count)))
    }
    let count = try call.integer(2)
    let withValues = call.count == 4 && call.has("withvalues", at: 3)
    if call.count > 4 || call.count == 4 && !withValues { throw .syntax }
    // Twice as many elements are sent with the values.
    if abs(count.clampedMagnitude) > Int.max / 2 { throw .other("ERR value is out of range") }
    guard let fields = try call.fields(1) else { return answer.array(0) }
    let places = RandomPlaces.choose(count, of: fields.count)
    if !withValues {
      answer.array(places.count)
    } else if answer.isRESP3 {
      answer.array(places.count)
    } else {
      answer.array(2 * places.count)
    }
    for place in places {
      if withValues && answer.isRESP3 { answer.array(2) }
      answer.bulk(fields.key(at: place))
      if withValues { answer.bulk(fields[place]) }
    }
  }
}

extension Int {
  /// The distance from zero, or the greatest number if that does not fit.
  var clampedMagnitude: Int { self == .min ? .max : Swift.abs(self) }
}

/// Chooses elements by chance.
enum RandomPlaces {
  /// So many different places of a table, or all of them; if the number is negative, so many that may be the same.
  static func choose(_ count: Int, of total: Int) -> [Int] {
    if total == 0 { return [] }
    if count < 0 { return (0..<count.clampedMagnitude).map { _ in Int.random(in: 0..<total) } }
    if count >= total { return Array(0..<total) }
    // Robert Floyd's algorithm: so many steps as places are wanted.
    var chosen: Set<Int> = []
    var places: [Int] = []
    for last in total - count..<total {
      let place = Int.random(in: 0...last)
      let new = chosen.insert(place).inserted ? place : last
      chosen.insert(new)
      places.append(new)
    }
    return places.shuffled()
  }
}
