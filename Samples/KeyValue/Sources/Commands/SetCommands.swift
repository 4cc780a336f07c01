/// Commands on sets.
enum SetCommands {
  static let all = [
    Command("sadd", -3, .first, add), Command("srem", -3, .first, remove),
    Command("sismember", 3, .first) { (call, answer) throws(CommandError) in
      answer.boolean(try call.members(1)?.contains(call[2]) ?? false)
    },
    Command("smismember", -3, .first) { (call, answer) throws(CommandError) in
      let members = try call.members(1)
      answer.array(call.count - 2)
      for index in 2..<call.count { answer.boolean(members?.contains(call[index]) ?? false) }
    },
    Command("scard", 2, .first) { (call, answer) throws(CommandError) in
      answer.integer(try call.members(1)?.count ?? 0)
    },
    Command("smembers", 2, .first) { (call, answer) throws(CommandError) in
      tell(try call.members(1)?.slots.map(\.key) ?? [], &answer)
    },
    Command("spop", -2, .first, pop), Command("srandmember", -2, .first, random),
    Command("smove", 4, .firstTwo, move),
    Command("sinter", -2, .all) { (call, answer) throws(CommandError) in
      tell(try combine(call, 1..<call.count, .intersection), &answer)
    },
    Command("sunion", -2, .all) { (call, answer) throws(CommandError) in
      tell(try combine(call, 1..<call.count, .union), &answer)
    },
    Command("sdiff", -2, .all) { (call, answer) throws(CommandError) in
      tell(try combine(call, 1..<call.count, .difference), &answer)
    },
    Command("sinterstore", -3, .all) { (call, answer) throws(CommandError) in
      try store(try combine(call, 2..<call.count, .intersection), call, &answer)
    },
    Command("sunionstore", -3, .all) { (call, answer) throws(CommandError) in
      try store(try combine(call, 2..<call.count, .union), call, &answer)
    },
    Command("sdiffstore", -3, .all) { (call, answer) throws(CommandError) in
      try store(try combine(call, 2..<call.count, .difference), call, &answer)
    },
    Command("sintercard", -3, .counted(at: 1), intersectionCount),
  ]

  @Sendable private static func add(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let members = try call.membersOrNew(1)
    let added = (2..<call.count).count { members.set(call[$0], ()) }
    if added > 0 { call.changed(1) }
    answer.integer(added)
  }

  @Sendable private static func remove(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let members = try call.members(1) else { return answer.integer(0) }
    let removed = (2..<call.count).count { members.remove(call[$0]) != nil }
    if removed > 0 { call.changed(1, isEmpty: members.isEmpty) }
    answer.integer(removed)
  }

  private static func tell(_ members: [[UInt8]], _ answer: inout Answer) {
    answer.set(members.count)
    for member in members { answer.bulk(member) }
  }

  @Sendable private static func pop(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.count > 3 { throw .syntax }
    guard call.count == 3 else {
      guard let members = try call.members(1) else { return answer.null() }
      answer.bulk(members.remove(at: Int.random(in: 0..<members.count)).key)
      return call.changed(1, isEmpty: members.isEmpty)
    }
    guard let count = Number.integer(call[2]), count >= 0 else {
      throw .other("ERR value is out of range, must be positive")
    }
    guard let members = try call.members(1), count > 0 else { return tell([], &answer) }
    var popped: [[UInt8]] = []
    while popped.count < count && !members.isEmpty {
      popped.append(members.remove(at: Int.random(in: 0..<members.count)).key)
    }
    call.changed(1, isEmpty: members.isEmpty)
    tell(popped, &answer)
  }

  @Sendable private static func random(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.count > 3 { throw .syntax }
    guard call.count == 3 else {
      guard let members = try call.members(1) else { return answer.null() }
      return answer.bulk(members.key(at: Int.random(in: 0..<members.count)))
    }
    let count = try call.integer(2)
    if count.clampedMagnitude > Int.max / 2 { throw .other("ERR value is out of range") }
    guard let members = try call.members(1) else { return answer.array(0) }
    let places = RandomPlaces.choose(count, of: members.count)
    answer.array(places.count)
    for place in places { answer.bulk(members.key(at: place)) }
  }

  @Sendable private static func move(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let source = try call.members(1) else { return answer.integer(0) }
    // Looked at before anything changes, since it may be of another type.
    if let target = try call.members(2), target === source { return answer.boolean(source.contains(call[3])) }
    guard source.remove(call[3]) != nil else { return answer.integer(0) }
    call.changed(1, isEmpty: source.isEmpty)
    if try call.membersOrNew(2).set(call[3], ()) { call.changed(2) }
    answer.integer(1)
  }

  private enum Operation { case intersection, union, difference }

  private static func combine(
    _ call: Call, _ keys: Range<Int>, _ operation: Operation
  ) throws(CommandError) -> [[UInt8]] {
    var sets: [Members?] = []
    for index in keys { sets.append(try call.members(index)) }
    switch operation {
    case .union:
      let union = Members()
      for slot in sets.compactMap({ $0 }).flatMap(\.slots) where !slot.key.withUnsafeBytes(union.contains) {
        union.insert(slot.key, ())
      }
      return union.slots.map(\.key)
    case .difference:
      let others = sets.dropFirst().compactMap { $0 }
      return (sets[0]?.slots ?? []).map(\.key).filter { key in
        !others.contains { key.withUnsafeBytes($0.contains) }
      }
    case .intersection:
      let all = sets.compactMap { $0 }
      // The smallest one first, since each of its members is looked for in the others.
      guard all.count == sets.count, let smallest = all.min(by: { $0.count < $1.count }) else { return [] }
      return smallest.slots.map(\.key).filter { key in
        all.allSatisfy { $0 === smallest || key.withUnsafeBytes($0.contains) }
      }
    }
  }

  private static func store(_ members: [[UInt8]], _ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.integer(members.count)
    if members.isEmpty {
      call.store(1).remove(call[1])
      return
    }
    let set = Members()
    for member in members { set.insert(member, ()) }
    call.store(1).set(call[1], .set(set))
  }

  @Sendable private static func intersectionCount(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let count = Number.integer(call[1]), count > 0 else {
      throw .other("ERR numkeys should be greater than 0")
    }
    if count > call.count - 2 { throw .other("ERR Number of keys can't be greater than number of args") }
    var limit = Int.max
    for index in stride(from: 2 + count, to: call.count, by: 2) {
      guard call.has("limit", at: index), index + 1 < call.count else { throw .syntax }
      guard let value = Number.integer(call[index + 1]), value >= 0 else {
        throw .other("ERR LIMIT can't be negative")
      }
      limit = value == 0 ? .max : value
    }
    answer.integer(min(limit, try combine(call, 2..<2 + count, .intersection).count))
  }
}
