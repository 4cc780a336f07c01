import Foundation

/// Commands on the server, and those that need nothing.
enum ServerCommands {
  static let all = [
    Command("ping", -1, .none, role: .ping) { (call, answer) throws(CommandError) in
      if call.count > 2 { throw .wrongArguments("ping") }
      if call.count == 2 { answer.bulk(call[1]) } else { answer.simple("PONG") }
    },
    Command("echo", 2, .none) { (call, answer) throws(CommandError) in answer.bulk(call[1]) },
    Command("select", 2, .none) { (call, answer) throws(CommandError) in
      if try call.integer(1) != 0 { throw .other("ERR DB index is out of range") }
      answer.ok()
    },
    Command("time", 1, .none) { (_, answer) throws(CommandError) in
      let microseconds = WallClock.microseconds
      answer.array(2)
      answer.bulk(String(microseconds / 1_000_000))
      answer.bulk(String(microseconds % 1_000_000))
    },
    Command("config", -2, .none, configure), Command("command", -1, .none, describe),
    Command("info", -1, .every, inform),
    Command("function", -2, .none) { (call, answer) throws(CommandError) in
      // There are no functions, so all of them can be removed.
      guard call.has("flush", at: 1) else { throw .other("ERR functions are not supported") }
      answer.ok()
    },
  ]

  /// The settings that clients ask for. There is no file of settings.
  private static let settings = [
    ("save", ""), ("appendonly", "no"), ("maxmemory", "0"), ("databases", "1"),
    ("proto-max-bulk-len", "\(StringCommands.maximumLength)"),
  ]

  /// Settings by which Redis chooses among the ways to keep a value. Here there is one way for each type, so they may
  /// be set, and change nothing.
  private static let layouts = [
    "list-max-listpack-size", "list-max-ziplist-size", "list-compress-depth", "hash-max-listpack-entries",
    "hash-max-listpack-value", "hash-max-ziplist-entries", "hash-max-ziplist-value", "set-max-intset-entries",
  ]

  private static func canBeSet(_ name: String, _ value: String) -> Bool {
    layouts.contains(name) || settings.contains { $0 == (name, value) }
  }

  @Sendable private static func configure(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    if call.has("get", at: 1), call.count >= 3 {
      let found = (settings + layouts.map { ($0, "0") }).filter { setting in
        (2..<call.count).contains { index in
          Array(setting.0.utf8).withUnsafeBytes { Glob.matches($0, call[index]) }
        }
      }
      answer.map(found.count)
      for (name, value) in found {
        answer.bulk(name)
        answer.bulk(value)
      }
    } else if call.has("resetstat", at: 1), call.count == 2 {
      answer.ok()
    } else if call.has("set", at: 1), call.count >= 4, call.count % 2 == 0,
      stride(from: 2, to: call.count, by: 2).allSatisfy({ canBeSet(call.text($0).lowercased(), call.text($0 + 1)) })
    {
      answer.ok()
    } else {
      throw .other("ERR this server has no settings that can be changed")
    }
  }

  @Sendable private static func describe(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let commands = CommandTable.shared.commands.dropFirst()
    if call.count == 1 {
      answer.array(commands.count)
      for command in commands { describe(command, &answer) }
    } else if call.has("count", at: 1) {
      answer.integer(commands.count)
    } else if call.has("docs", at: 1) {
      // There are none here; clients then use their own.
      answer.map(0)
    } else if call.has("info", at: 1) {
      answer.array(call.count - 2)
      for index in 2..<call.count {
        let place = CommandTable.shared.index(of: call[index])
        if place == 0 { answer.nullArray() } else { describe(CommandTable.shared.commands[place], &answer) }
      }
    } else {
      throw .other("ERR unknown subcommand '\(call.text(1).prefix(128))'")
    }
  }

  /// Name, arity, flags, and the first key, the last key and the step between keys.
  private static func describe(_ command: Command, _ answer: inout Answer) {
    answer.array(6)
    answer.bulk(command.name)
    answer.integer(command.arity)
    answer.array(0)
    var range = (0, 0, 0)
    if case .arguments(let first, let last, let step) = command.keys { range = (first, last, step) }
    answer.integer(range.0)
    answer.integer(range.1)
    answer.integer(range.2)
  }

  @Sendable private static func inform(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let stores = call.keyspace.present
    let keys = stores.reduce(0) { $0 + $1.count }
    let mortals = stores.reduce(0) { $0 + $1.mortalCount }
    var sections = [
      (
        "Server",
        [
          "redis_version:7.0.0", "server_name:keyvalue", "process_id:\(ProcessInfo.processInfo.processIdentifier)",
          "uptime_in_seconds:\(Statistics.shared.uptime)", "shards:\(call.keyspace.stores.count)",
        ]
      ),
      ("Clients", ["connected_clients:\(Statistics.shared.clients)"]),
      (
        "Stats",
        [
          "total_connections_received:\(Statistics.shared.connections)",
          "expired_keys:\(stores.reduce(0) { $0 + $1.expiredCount })",
        ]
      ),
      ("Replication", ["role:master", "connected_slaves:0"]),
    ]
    sections.append(("Keyspace", keys == 0 ? [] : ["db0:keys=\(keys),expires=\(mortals),avg_ttl=0"]))
    let wanted = (1..<call.count).map { call.text($0).lowercased() }
    let isEverything = wanted.isEmpty || wanted.contains { ["all", "default", "everything"].contains($0) }
    let text = sections.filter { isEverything || wanted.contains($0.0.lowercased()) }
      .map { (["# \($0.0)"] + $0.1).joined(separator: "\r\n") + "\r\n" }.joined(separator: "\r\n")
    answer.text(text)
  }
}

/// The time of day, by which keys end: a deadline must mean the same after a restart of the machine.
enum WallClock {
  static var microseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  static var milliseconds: Int64 { microseconds / 1000 }
}
