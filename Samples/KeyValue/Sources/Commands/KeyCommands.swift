/// Commands on keys, whatever they stand for.
enum KeyCommands {
  static let all = [
    Command("del", -2, .all, delete), Command("unlink", -2, .all, delete), Command("exists", -2, .all, exists),
    Command("touch", -2, .all, exists), Command("type", 2, .first, type), Command("keys", 2, .every, keys),
    Command("rename", 3, .firstTwo) { (call, answer) throws(CommandError) in
      _ = try rename(call, onlyIfNew: false)
      answer.ok()
    },
    Command("renamenx", 3, .firstTwo) { (call, answer) throws(CommandError) in
      answer.boolean(try rename(call, onlyIfNew: true))
    },
    Command("copy", -3, .firstTwo, copy), Command("dbsize", 1, .every, size),
    Command("flushall", -1, .every, removeAll), Command("flushdb", -1, .every, removeAll),
    Command("randomkey", 1, .every, random),
    Command("object", -2, .arguments(first: 2, last: 2, step: 1), object),
    Command("memory", -2, .arguments(first: 2, last: 2, step: 1), memory),
  ]

  @Sendable private static func delete(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.integer((1..<call.count).count { call.store($0).remove(call[$0]) != nil })
  }

  @Sendable private static func exists(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.integer((1..<call.count).count { call.store($0).find(call[$0]) != nil })
  }

  @Sendable private static func type(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.simple(call.store(1).value(of: call[1])?.typeName ?? "none")
  }

  @Sendable private static func keys(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    var found: [[UInt8]] = []
    for store in call.keyspace.present {
      for slot in store.entries.slots where slot.value.deadline == 0 || slot.value.deadline > store.now {
        if slot.key.withUnsafeBytes({ Glob.matches($0, call[1]) }) { found.append(slot.key) }
      }
    }
    answer.array(found.count)
    for key in found { answer.bulk(key) }
  }

  private static func rename(_ call: Call, onlyIfNew: Bool) throws(CommandError) -> Bool {
    let (source, target) = (call.store(1), call.store(2))
    guard let place = source.find(call[1]) else { throw .noSuchKey }
    if onlyIfNew && target.find(call[2]) != nil { return false }
    let entry = source.entries[place]
    source.remove(call[1])
    target.set(call[2], entry.value, deadline: entry.deadline)
    return true
  }

  @Sendable private static func copy(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    var replaces = false
    var index = 3
    while index < call.count {
      if call.has("replace", at: index) {
        replaces = true
      } else if call.has("db", at: index), index + 1 < call.count {
        index += 1
        if try call.integer(index) != 0 { throw .other("ERR DB index is out of range") }
      } else {
        throw .syntax
      }
      index += 1
    }
    let (source, target) = (call.store(1), call.store(2))
    if isEqual(Array(call[1]), call[2]) { throw .other("ERR source and destination objects are the same") }
    guard let place = source.find(call[1]) else { return answer.integer(0) }
    if !replaces && target.find(call[2]) != nil { return answer.integer(0) }
    let entry = source.entries[place]
    target.set(call[2], entry.value.copy(), deadline: entry.deadline)
    answer.integer(1)
  }

  @Sendable private static func size(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    answer.integer(call.keyspace.present.reduce(0) { $0 + $1.count })
  }

  @Sendable private static func removeAll(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.count > 2 || call.count == 2 && !call.has("async", at: 1) && !call.has("sync", at: 1) { throw .syntax }
    for store in call.keyspace.present { store.removeAll() }
    answer.ok()
  }

  /// Each key is as likely as any other, whatever shard it belongs to.
  @Sendable private static func random(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    while true {
      let total = call.keyspace.present.reduce(0) { $0 + $1.count }
      if total == 0 { return answer.null() }
      var place = Int.random(in: 0..<total)
      for store in call.keyspace.present {
        if place >= store.count {
          place -= store.count
          continue
        }
        let key = store.entries.key(at: place)
        // A key whose time is over is removed by this, and another one is taken.
        if key.withUnsafeBytes({ store.find($0) }) != nil { return answer.bulk(key) }
        break
      }
    }
  }

  /// The encoding is what Redis would call the way in which this store keeps the value.
  @Sendable private static func object(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard call.count == 3 else { throw .syntax }
    guard let value = call.store(2).value(of: call[2]) else { return answer.null() }
    if call.has("refcount", at: 1) { return answer.integer(1) }
    guard call.has("encoding", at: 1) else { throw .syntax }
    switch value {
    case .string(let value): answer.bulk(value.count <= 44 ? "embstr" : "raw")
    case .list: answer.bulk("quicklist")
    case .hash, .set: answer.bulk("hashtable")
    }
  }

  /// `MEMORY USAGE key [SAMPLES count]`: an estimate of the bytes that a key and its value take; see `Footprint`. Of a
  /// list, a hash or a set it looks at so many elements, or at 5 if no number is given; 0 stands for all of them.
  @Sendable private static func memory(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard call.has("usage", at: 1) else {
      throw .other("ERR unknown subcommand '\(call.text(1).prefix(128))'. Try MEMORY USAGE.")
    }
    if call.count == 2 { throw .wrongArguments("memory|usage") }
    var samples = 5
    if call.count > 3 {
      guard call.count == 5, call.has("samples", at: 3) else { throw .syntax }
      samples = try call.integer(4)
      if samples < 0 { throw .syntax }
    }
    let store = call.store(2)
    guard let place = store.find(call[2]) else { return answer.null() }
    answer.integer(store.footprint(at: place, samples: samples == 0 ? .max : samples))
  }
}
