/// Commands that go through many keys, fields or members a few at a time.
enum ScanCommands {
  static let all = [
    Command("scan", -2, .cursor, scan), Command("hscan", -3, .first, scanFields),
    Command("sscan", -3, .first, scanMembers),
  ]

  private struct Options {
    var pattern: Bytes?
    var count = 10
    var type: [UInt8]?

    init(_ call: Call, from start: Int, takesType: Bool) throws(CommandError) {
      for index in stride(from: start, to: call.count, by: 2) {
        guard index + 1 < call.count else { throw .syntax }
        if call.has("match", at: index) {
          pattern = call[index + 1]
        } else if call.has("count", at: index) {
          count = try call.integer(index + 1)
          if count < 1 { throw .syntax }
          // More than this at once would keep the others waiting.
          count = min(count, 100_000)
        } else if takesType, call.has("type", at: index) {
          type = call[index + 1].map(lowercased)
        } else {
          throw .syntax
        }
      }
    }

    func accepts(_ key: [UInt8]) -> Bool {
      guard let pattern else { return true }
      return key.withUnsafeBytes { Glob.matches($0, pattern) }
    }

    func accepts(_ value: Value) -> Bool {
      guard let type else { return true }
      return type.withUnsafeBytes {
        $0.elementsEqual(UnsafeBufferPointer(start: value.typeName.utf8Start, count: value.typeName.utf8CodeUnitCount))
      }
    }
  }

  /// The number that a client sent to go on from.
  static func cursor(_ bytes: Bytes) -> UInt64? {
    guard !bytes.isEmpty, bytes.count <= 20 else { return nil }
    return UInt64(String(decoding: bytes, as: UTF8.self))
  }

  /// The shard that a cursor leads to: one shard is gone through after the other. Within a shard the cursor of its
  /// table counts, times the number of shards.
  static func shard(of cursor: UInt64, among count: Int) -> Int { Int(cursor % UInt64(count)) }

  @Sendable private static func scan(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    guard let cursor = cursor(call[1]) else { throw .other("ERR invalid cursor") }
    let options = try Options(call, from: 2, takesType: true)
    let shards = call.keyspace.stores.count
    let shard = shard(of: cursor, among: shards)
    guard let store = call.keyspace.stores[shard] else {
      fatalError("KeyValue: a cursor was sent to a shard that it does not lead to")
    }
    var keys: [[UInt8]] = []
    let inner = UInt32(truncatingIfNeeded: cursor / UInt64(shards))
    let next = store.entries.scan(from: inner, count: options.count) { place in
      let entry = store.entries[place]
      if entry.deadline != 0 && entry.deadline <= store.now { return }
      let key = store.entries.key(at: place)
      if options.accepts(key) && options.accepts(entry.value) { keys.append(key) }
    }
    let nextShard = next == 0 ? (shard + 1) % shards : shard
    answer.array(2)
    answer.bulk(String(UInt64(next) * UInt64(shards) + UInt64(nextShard)))
    answer.array(keys.count)
    for key in keys { answer.bulk(key) }
  }

  @Sendable private static func scanFields(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    try scan(call, &answer, try call.fields(1)) { fields, place, answer in
      answer.bulk(fields.key(at: place))
      answer.bulk(fields[place])
      return 2
    }
  }

  @Sendable private static func scanMembers(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    try scan(call, &answer, try call.members(1)) { members, place, answer in
      answer.bulk(members.key(at: place))
      return 1
    }
  }

  /// Goes through a part of a table. `element` puts in what belongs to one place and returns how many parts that has.
  private static func scan<Element>(
    _ call: Call, _ answer: inout Answer, _ table: ByteTable<Element>?,
    _ element: (ByteTable<Element>, Int, inout Answer) -> Int
  ) throws(CommandError) {
    guard let cursor = cursor(call[2]) else { throw .other("ERR invalid cursor") }
    let options = try Options(call, from: 3, takesType: false)
    var parts = Answer(isRESP3: answer.isRESP3)
    var (next, count) = (UInt32(0), 0)
    if let table {
      next = table.scan(from: UInt32(truncatingIfNeeded: cursor), count: options.count) { place in
        if options.accepts(table.key(at: place)) { count += element(table, place, &parts) }
      }
    }
    answer.array(2)
    answer.bulk(String(next))
    answer.array(count)
    answer.encoded(parts.bytes)
  }
}
