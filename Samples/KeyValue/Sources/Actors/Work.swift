/// What a session asks of a shard, or of the coordinator: commands of one client.
struct Work: Sendable {
  enum Task: Sendable {
    case command(Batch, Int)
    /// Several commands of a batch. Where each answer ends is told too, if the session has to put the answers of
    /// several shards into order.
    case commands(Batch, [Int32], tellsEnds: Bool)
    /// What was queued since `MULTI`: all of it or, if a watched key has changed, nothing.
    case transaction([Transaction.Step])
    /// A transaction that must not be done: the watched keys are forgotten, and the answer is this error.
    case refusal(String)
    /// The client has gone. Nobody waits for an answer.
    case farewell
  }

  /// A piece of work of several commands ends when its answers have so many bytes, so that a client which asks for many
  /// long values at once gets them a few at a time.
  static let answerLimit = 64 << 10

  let task: Task
  let client: Client

  /// Does it with the stores that are at hand. It takes as long as its commands, and calls nobody.
  func perform(in keyspace: Keyspace) -> Answers {
    var answer = Answer(isRESP3: client.isRESP3)
    var ends: [Int32] = []
    var undone = 0
    switch task {
    case .command(let batch, let command):
      Self.run(batch, command, keyspace, client, &answer)
    case .commands(let batch, let commands, let tellsEnds):
      // Most answers are short. Room for them is made at once, and it grows for the others.
      answer.reserve(32 * commands.count)
      if tellsEnds { ends.reserveCapacity(commands.count) }
      for (index, command) in commands.enumerated() {
        Self.run(batch, Int(command), keyspace, client, &answer)
        if tellsEnds { ends.append(Int32(answer.count)) }
        if answer.count >= Self.answerLimit {
          undone = commands.count - index - 1
          break
        }
      }
    case .transaction(let steps):
      Transaction.perform(steps, keyspace, client, &answer)
    case .refusal(let text):
      for store in keyspace.present { store.unwatch(by: client.number) }
      answer.error(.other(text))
    case .farewell:
      SessionCommands.forget(client, in: keyspace)
    }
    return Answers(bytes: answer.bytes, ends: ends, undone: undone)
  }

  /// Runs one command. If it is refused, the answer is the error, and nothing else.
  static func run(_ batch: Batch, _ command: Int, _ keyspace: Keyspace, _ client: Client, _ answer: inout Answer) {
    batch.withArguments(of: command) { arguments in
      let mark = answer.count
      do throws(CommandError) {
        let call = Call(arguments: arguments, keyspace: keyspace, client: client)
        try CommandTable.shared.commands[arguments.commandIndex].body(call, &answer)
      } catch {
        answer.truncate(to: mark)
        answer.error(error)
      }
    }
  }
}

/// The answers to some work, encoded.
struct Answers: Sendable {
  let bytes: [UInt8]
  /// Where each answer ends, if that was asked for.
  let ends: [Int32]
  /// How many of the commands were left for another piece of work, because the answers have become long.
  var undone = 0
  /// The shard that they come from. It makes no difference if the session waits for nobody else.
  var shard = 0
}
