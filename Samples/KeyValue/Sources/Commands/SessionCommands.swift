/// The commands that concern one connection. A session does most of them itself; what is here is done to the stores.
enum SessionCommands {
  static let all = [
    Command("hello", -1, .none, role: .hello, handledBySession),
    Command("client", -2, .none, role: .client, handledBySession),
    Command("quit", -1, .none, role: .quit, handledBySession),
    Command("multi", 1, .none, role: .multi, handledBySession),
    Command("exec", 1, .none, role: .exec, handledBySession),
    Command("watch", -2, .all, role: .watch) { (call, answer) throws(CommandError) in
      for index in 1..<call.count { call.store(index).watch(call[index], by: call.client.number) }
      answer.ok()
    },
    Command("unwatch", 1, .none, role: .unwatch, unwatch), Command("discard", 1, .none, role: .discard, unwatch),
    Command("reset", 1, .none, role: .reset) { (call, answer) throws(CommandError) in
      forget(call.client, in: call.keyspace)
      answer.simple("RESET")
    },
  ]

  @Sendable private static func handledBySession(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    throw .other("ERR Command not allowed inside a transaction")
  }

  @Sendable private static func unwatch(_ call: Call, _ answer: inout Answer) throws(CommandError) {
    for store in call.keyspace.present { store.unwatch(by: call.client.number) }
    answer.ok()
  }

  /// Removes all that the stores know about a client.
  static func forget(_ client: Client, in keyspace: Keyspace) {
    for store in keyspace.present {
      store.unwatch(by: client.number)
      store.subscriptions.remove(client, .channel)
      store.subscriptions.remove(client, .pattern)
    }
  }
}
