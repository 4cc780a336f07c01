/// Commands on strings.
enum StringCommands {
  static let all = [
    Command("get", 2, .first, get), Command("set", -3, .first, set), Command("setnx", 3, .first, setNew),
    Command("setex", 4, .first) { (call, answer) throws(CommandError) in try setEx(call, &answer, unit: 1000) },
    Command("psetex", 4, .first) { (call, answer) throws(CommandError) in try setEx(call, &answer, unit: 1) },
    Command("getset", 3, .first, getSet), Command("getdel", 2, .first, getDelete),
    Command("getex", -2, .first, getEx), Command("append", 3, .first, append),
    Command("strlen", 2, .first, length), Command("getrange", 4, .first, getRange),
    Command("substr", 4, .first, getRange), Command("setrange", 4, .first, setRange),
    Command("mget", -2, .all, getMany),
    Command("mset", -3, .arguments(first: 1, last: -1, step: 2), setMany),
    Command("msetnx", -3, .arguments(first: 1, last: -1, step: 2), setManyNew),
  ]

  /// The longest string.
  static let maximumLength = 512 << 20

  @Sendable static func get(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let store = call.store(1)
    guard let place = store.find(call[1]) else { return answer.null() }
    guard case .string(let value) = store.entries[place].value else { throw .wrongType }
    answer.bulk(value)
  }

  @Sendable static func set(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let store = call.store(1)
    if call.count == 3 {
      store.set(call[1], .string(Array(call[2])))
      return answer.ok()
    }
    var options = SetOptions()
    try options.read(call, from: 3)
    let before = options.returnsOld ? try call.string(1) : nil
    let place = store.find(call[1])
    let isRefused = options.onlyIfThere && place == nil || options.onlyIfNew && place != nil
    if !isRefused {
      let deadline = options.keepsDeadline ? place.map { store.entries[$0].deadline } ?? 0 : options.deadline ?? 0
      store.set(call[1], .string(Array(call[2])), deadline: deadline)
    }
    if options.returnsOld {
      if let before { answer.bulk(before) } else { answer.null() }
    } else if isRefused {
      answer.null()
    } else {
      answer.ok()
    }
  }

  @Sendable static func setNew(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let isNew = call.store(1).find(call[1]) == nil
    if isNew { call.store(1).set(call[1], .string(Array(call[2]))) }
    answer.boolean(isNew)
  }

  private static func setEx(_ call: Call, _ answer: inout Answer, unit: Int) throws(CommandError) {
    let store = call.store(1)
    let deadline = try Deadline.after(call, 2, unit: unit, now: store.now)
    store.set(call[1], .string(Array(call[3])), deadline: deadline)
    answer.ok()
  }

  @Sendable static func getSet(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let before = try call.string(1)
    call.store(1).set(call[1], .string(Array(call[2])))
    if let before { answer.bulk(before) } else { answer.null() }
  }

  @Sendable static func getDelete(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let value = try call.string(1) else { return answer.null() }
    call.store(1).remove(call[1])
    answer.bulk(value)
  }

  @Sendable static func getEx(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    var options = SetOptions()
    try options.readForGet(call, from: 2)
    guard let value = try call.string(1) else { return answer.null() }
    answer.bulk(value)
    let store = call.store(1)
    if let place = store.find(call[1]) {
      if let deadline = options.deadline {
        store.setDeadline(at: place, deadline)
      } else if options.dropsDeadline, store.entries[place].deadline != 0 {
        store.setDeadline(at: place, 0)
      }
    }
  }

  @Sendable static func append(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let store = call.store(1)
    guard let value = try call.string(1), let place = store.find(call[1]) else {
      store.set(call[1], .string(Array(call[2])))
      return answer.integer(call[2].count)
    }
    if value.count + call[2].count > maximumLength { throw tooLong }
    answer.integer(value.count + call[2].count)
    store.replace(at: place, .string(value + call[2]))
  }

  @Sendable static func length(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.integer(try call.string(1)?.count ?? 0)
  }

  @Sendable static func getRange(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let (first, last) = (try call.integer(2), try call.integer(3))
    guard let value = try call.string(1) else { return answer.bulk("") }
    if first < 0 && last < 0 && first > last { return answer.bulk("") }
    let range = clamped(first, last, count: value.count)
    value.withUnsafeBytes { answer.bulk(Bytes(rebasing: $0[range])) }
  }

  @Sendable static func setRange(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let offset = try call.integer(2)
    if offset < 0 { throw .other("ERR offset is out of range") }
    let store = call.store(1)
    var value = try call.string(1) ?? []
    if call[3].isEmpty { return answer.integer(value.count) }
    if offset > maximumLength - call[3].count { throw tooLong }
    if value.count < offset + call[3].count {
      value.append(contentsOf: repeatElement(0, count: offset + call[3].count - value.count))
    }
    value.replaceSubrange(offset..<offset + call[3].count, with: call[3])
    answer.integer(value.count)
    if let place = store.find(call[1]) {
      store.replace(at: place, .string(value))
    } else {
      store.set(call[1], .string(value))
    }
  }

  private static let tooLong = CommandError.other(
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)")

  @Sendable static func getMany(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.array(call.count - 1)
    for index in 1..<call.count {
      if case .string(let value) = call.store(index).value(of: call[index]) {
        answer.bulk(value)
      } else {
        answer.null()
      }
    }
  }

  @Sendable static func setMany(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.count % 2 == 0 { throw .wrongArguments("mset") }
    for index in stride(from: 1, to: call.count, by: 2) {
      call.store(index).set(call[index], .string(Array(call[index + 1])))
    }
    answer.ok()
  }

  @Sendable static func setManyNew(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.count % 2 == 0 { throw .wrongArguments("msetnx") }
    let keys = stride(from: 1, to: call.count, by: 2)
    if keys.contains(where: { call.store($0).find(call[$0]) != nil }) { return answer.integer(0) }
    for index in keys { call.store(index).set(call[index], .string(Array(call[index + 1]))) }
    answer.integer(1)
  }
}

/// The part of a sequence from one index to another, both included, where -1 is the last one.
func clamped(_ first: Int, _ last: Int, count: Int) -> Range<Int> {
  let first = max(0, first < 0 ? count + max(first, -count) : first)
  let last = min(count - 1, last < 0 ? count + max(last, -count - 1) : last)
  return first > last || first >= count ? 0..<0 : first..<last + 1
}
