/// Commands on lists.
enum ListCommands {
  static let all = [
    Command("lpush", -3, .first) { (call, answer) throws(CommandError) in try push(call, &answer, .left) },
    Command("rpush", -3, .first) { (call, answer) throws(CommandError) in try push(call, &answer, .right) },
    Command("lpushx", -3, .first) { (call, answer) throws(CommandError) in
      if try call.list(1) == nil { answer.integer(0) } else { try push(call, &answer, .left) }
    },
    Command("rpushx", -3, .first) { (call, answer) throws(CommandError) in
      if try call.list(1) == nil { answer.integer(0) } else { try push(call, &answer, .right) }
    },
    Command("lpop", -2, .first) { (call, answer) throws(CommandError) in try pop(call, &answer, .left) },
    Command("rpop", -2, .first) { (call, answer) throws(CommandError) in try pop(call, &answer, .right) },
    Command("llen", 2, .first) { (call, answer) throws(CommandError) in
      answer.integer(try call.list(1)?.count ?? 0)
    },
    Command("lrange", 4, .first, range), Command("lindex", 3, .first, element), Command("lset", 4, .first, set),
    Command("lrem", 4, .first, remove), Command("ltrim", 4, .first, trim), Command("linsert", 5, .first, insert),
    Command("lpos", -3, .first, position),
    Command("rpoplpush", 3, .firstTwo) { (call, answer) throws(CommandError) in
      try move(call, &answer, from: .right, to: .left)
    },
    Command("lmove", 5, .firstTwo) { (call, answer) throws(CommandError) in
      try move(call, &answer, from: try end(call, 3), to: try end(call, 4))
    },
  ]

  private static func push(_ call: Call, _ answer: inout Answer, _ end: List.End) throws(CommandError) {
    let list = try call.listOrNew(1)
    for index in 2..<call.count { list.push(Array(call[index]), end) }
    call.changed(1)
    answer.integer(list.count)
  }

  private static func pop(_ call: Call, _ answer: inout Answer, _ end: List.End) throws(CommandError) {
    if call.count > 3 { throw .wrongArguments(call.text(0).lowercased()) }
    var limit: Int?
    if call.count == 3 {
      guard let count = Number.integer(call[2]), count >= 0 else {
        throw .other("ERR value is out of range, must be positive")
      }
      limit = count
    }
    guard let list = try call.list(1) else {
      if limit == nil { answer.null() } else { answer.nullArray() }
      return
    }
    if let limit {
      let count = min(limit, list.count)
      answer.array(count)
      for _ in 0..<count { answer.bulk(list.pop(end) ?? []) }
      if count == 0 { return }
    } else {
      answer.bulk(list.pop(end) ?? [])
    }
    call.changed(1, isEmpty: list.isEmpty)
  }

  @Sendable private static func range(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let (first, last) = (try call.integer(2), try call.integer(3))
    guard let list = try call.list(1) else { return answer.array(0) }
    let range = clamped(first, last, count: list.count)
    answer.array(range.count)
    for index in range { answer.bulk(list[index]) }
  }

  /// The index that an argument means, where -1 is the last element; nil if there is no such element.
  private static func index(_ argument: Int, in list: List) -> Int? {
    let index = argument < 0 ? argument + list.count : argument
    return index >= 0 && index < list.count ? index : nil
  }

  @Sendable private static func element(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let list = try call.list(1) else { return answer.null() }
    if let index = index(try call.integer(2), in: list) { answer.bulk(list[index]) } else { answer.null() }
  }

  @Sendable private static func set(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let list = try call.list(1) else { throw .noSuchKey }
    guard let index = index(try call.integer(2), in: list) else { throw .outOfRange }
    list[index] = Array(call[3])
    call.changed(1)
    answer.ok()
  }

  @Sendable private static func remove(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let count = try call.integer(2)
    guard let list = try call.list(1) else { return answer.integer(0) }
    let before = list.count
    let limit = count == 0 ? Int.max : count == .min ? .max : abs(count)
    var removed = 0
    list.filter(fromBack: count < 0) { element in
      if removed < limit && isEqual(element, call[3]) {
        removed += 1
        return false
      }
      return true
    }
    if list.count != before { call.changed(1, isEmpty: list.isEmpty) }
    answer.integer(before - list.count)
  }

  @Sendable private static func trim(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let (first, last) = (try call.integer(2), try call.integer(3))
    answer.ok()
    guard let list = try call.list(1) else { return }
    list.trim(to: clamped(first, last, count: list.count))
    call.changed(1, isEmpty: list.isEmpty)
  }

  @Sendable private static func insert(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let isBefore = call.has("before", at: 2)
    if !isBefore && !call.has("after", at: 2) { throw .syntax }
    guard let list = try call.list(1) else { return answer.integer(0) }
    guard let index = (0..<list.count).first(where: { isEqual(list[$0], call[3]) }) else { return answer.integer(-1) }
    list.insert(Array(call[4]), at: isBefore ? index : index + 1)
    call.changed(1)
    answer.integer(list.count)
  }

  @Sendable private static func position(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    var (rank, count, limit) = (1, Int?.none, 0)
    for index in stride(from: 3, to: call.count, by: 2) {
      guard index + 1 < call.count else { throw .syntax }
      let value = try call.integer(index + 1)
      if call.has("rank", at: index) {
        if value == 0 {
          throw .other(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
              + "or use negative to start from the end of the list")
        }
        if value == .min {
          throw .other("ERR value is out of range, value must between \(Int.min + 1) and \(Int.max)")
        }
        rank = value
      } else if call.has("count", at: index) {
        if value < 0 { throw .other("ERR COUNT can't be negative") }
        count = value
      } else if call.has("maxlen", at: index) {
        if value < 0 { throw .other("ERR MAXLEN can't be negative") }
        limit = value
      } else {
        throw .syntax
      }
    }
    var found: [Int] = []
    if let list = try call.list(1) {
      let wanted = count == nil ? 1 : count == 0 ? Int.max : count ?? 1
      var skipped = 0
      for step in 0..<(limit == 0 ? list.count : min(limit, list.count)) where found.count < wanted {
        let index = rank < 0 ? list.count - 1 - step : step
        guard isEqual(list[index], call[2]) else { continue }
        skipped += 1
        if skipped >= abs(rank) { found.append(index) }
      }
    }
    if count != nil {
      answer.array(found.count)
      for index in found { answer.integer(index) }
    } else if let index = found.first {
      answer.integer(index)
    } else {
      answer.null()
    }
  }

  private static func end(_ call: Call, _ index: Int) throws(CommandError) -> List.End {
    if call.has("left", at: index) { return .left }
    if call.has("right", at: index) { return .right }
    throw .syntax
  }

  private static func move(
    _ call: Call, _ answer: inout Answer, from: List.End, to: List.End
  ) throws(CommandError) {
    guard let source = try call.list(1) else { return answer.null() }
    // Looked at before anything changes, since it may be of another type.
    _ = try call.list(2)
    let element = source.pop(from) ?? []
    let target = try call.listOrNew(2)
    target.push(element, to)
    call.changed(2)
    call.changed(1, isEmpty: source.isEmpty)
    answer.bulk(element)
  }
}
