/// Commands on channels. A channel belongs to a shard, as a key does.
enum ChannelCommands {
  static let all = [
    Command("publish", 3, .first) { (call, answer) throws(CommandError) in
      answer.integer(call.store(1).subscriptions.publish(call[2], to: call[1]))
    },
    Command("pubsub", -2, .every, inspect),
    // The session counts the subscriptions of its client, and answers these four.
    Command("subscribe", -2, .all, role: .subscribe) { (call, _) throws(CommandError) in
      for index in 1..<call.count { call.store(index).subscriptions.add(call.client, to: call[index], .channel) }
    },
    Command("unsubscribe", -1, .every, role: .unsubscribe) { (call, _) throws(CommandError) in remove(call, .channel) },
    Command("psubscribe", -2, .every, role: .patternSubscribe) { (call, _) throws(CommandError) in
      for store in call.keyspace.present {
        for index in 1..<call.count { store.subscriptions.add(call.client, to: call[index], .pattern) }
      }
    },
    Command("punsubscribe", -1, .every, role: .patternUnsubscribe) { (call, _) throws(CommandError) in
      remove(call, .pattern)
    },
  ]

  /// Without arguments the client leaves all of them.
  private static func remove(_ call: Call, _ kind: Subscriptions.Kind) {
    for store in call.keyspace.present {
      if call.count == 1 {
        store.subscriptions.remove(call.client, kind)
      } else {
        for index in 1..<call.count { store.subscriptions.remove(call.client, from: call[index], kind) }
      }
    }
  }

  @Sendable private static func inspect(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    let all = call.keyspace.present.map(\.subscriptions)
    if call.has("channels", at: 1), call.count <= 3 {
      let names = all.flatMap(\.channelNames).filter { name in
        call.count == 2 || name.withUnsafeBytes { Glob.matches($0, call[2]) }
      }
      answer.array(names.count)
      for name in names { answer.bulk(name) }
    } else if call.has("numsub", at: 1) {
      answer.array(2 * (call.count - 2))
      for index in 2..<call.count {
        answer.bulk(call[index])
        answer.integer(call.store(index).subscriptions.count(of: call[index]))
      }
    } else if call.has("numpat", at: 1), call.count == 2 {
      // Each shard knows all patterns.
      answer.integer(all.first?.patternCount ?? 0)
    } else {
      throw .other("ERR Unknown PUBSUB subcommand or wrong number of arguments for '\(call.text(1))'")
    }
  }
}
