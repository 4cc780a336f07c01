/// Commands on the time that a key has left.
enum ExpiryCommands {
  static let all = [
    Command("expire", -3, .first) { (call, answer) throws(CommandError) in
      try expire(call, &answer, unit: 1000, isAbsolute: false)
    },
    Command("pexpire", -3, .first) { (call, answer) throws(CommandError) in
      try expire(call, &answer, unit: 1, isAbsolute: false)
    },
    Command("expireat", -3, .first) { (call, answer) throws(CommandError) in
      try expire(call, &answer, unit: 1000, isAbsolute: true)
    },
    Command("pexpireat", -3, .first) { (call, answer) throws(CommandError) in
      try expire(call, &answer, unit: 1, isAbsolute: true)
    },
    Command("ttl", 2, .first) { (call, answer) throws(CommandError) in
      tell(call, &answer) { deadline, now in Int(deadline - now + 500) / 1000 }
    },
    Command("pttl", 2, .first) { (call, answer) throws(CommandError) in
      tell(call, &answer) { deadline, now in Int(deadline - now) }
    },
    Command("expiretime", 2, .first) { (call, answer) throws(CommandError) in
      tell(call, &answer) { deadline, _ in Int(deadline + 500) / 1000 }
    },
    Command("pexpiretime", 2, .first) { (call, answer) throws(CommandError) in
      tell(call, &answer) { deadline, _ in Int(deadline) }
    },
    Command("persist", 2, .first, persist),
  ]

  private static func expire(
    _ call: Call, _ answer: inout Answer, unit: Int, isAbsolute: Bool
  ) throws(CommandError) {
    let store = call.store(1)
    let amount = try call.integer(2)
    guard let deadline = Deadline.moment(amount, unit, isAbsolute ? 0 : store.now) else {
      throw Deadline.invalid(call)
    }
    var (onlyIfNone, onlyIfSome, onlyIfLater, onlyIfSooner) = (false, false, false, false)
    for index in 3..<max(3, call.count) {
      if call.has("nx", at: index) {
        onlyIfNone = true
      } else if call.has("xx", at: index) {
        onlyIfSome = true
      } else if call.has("gt", at: index) {
        onlyIfLater = true
      } else if call.has("lt", at: index) {
        onlyIfSooner = true
      } else {
        throw .other("ERR Unsupported option \(call.text(index))")
      }
    }
    if onlyIfNone && (onlyIfSome || onlyIfLater || onlyIfSooner) {
      throw .other("ERR NX and XX, GT or LT options at the same time are not compatible")
    }
    if onlyIfLater && onlyIfSooner { throw .other("ERR GT and LT options at the same time are not compatible") }
    guard let place = store.find(call[1]) else { return answer.integer(0) }
    let before = store.entries[place].deadline
    // Without a deadline a key lives for ever, which is later than any.
    let isRefused =
      onlyIfNone && before != 0 || onlyIfSome && before == 0
      || onlyIfLater && (before == 0 || deadline <= before) || onlyIfSooner && before != 0 && deadline >= before
    if isRefused { return answer.integer(0) }
    if deadline <= store.now {
      store.remove(call[1])
    } else {
      store.setDeadline(at: place, deadline)
    }
    answer.integer(1)
  }

  private static func tell(_ call: Call, _ answer: inout Answer, _ value: (Int64, Int64) -> Int) {
    let store = call.store(1)
    guard let place = store.find(call[1]) else { return answer.integer(-2) }
    let deadline = store.entries[place].deadline
    answer.integer(deadline == 0 ? -1 : value(deadline, store.now))
  }

  @Sendable private static func persist(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let store = call.store(1)
    guard let place = store.find(call[1]), store.entries[place].deadline != 0 else { return answer.integer(0) }
    store.setDeadline(at: place, 0)
    answer.integer(1)
  }
}
