import Troupe
import TroupeNet

/// The actor of one connection. It hands the commands of a batch out to the shards, and writes their answers in the
/// order in which the commands came.
///
/// While answers are outstanding it reads nothing, so a client that does not wait for its answers is held by its own
/// network connection, and not by memory here. Long answers are made a few at a time, each when the client has taken
/// enough of those before.
struct Session: Behavior {
  enum Message {
    case network(ConnectionEvent<Batch>)
    case answered(Answers)
    /// Something was published on a channel of this client, and is encoded already.
    case published([UInt8])
    /// The client has made room for answers, and they are in the output of the connection.
    case delivered
  }

  let connection: Connection<CommandCodec>
  let database: Database
  let number = Statistics.shared.opened()

  /// What is being worked on, and where in it the next command begins.
  private var batch: Batch?
  private var position = 0
  /// The commands that are under way.
  private var segment: Segment?
  private var isReading = true
  /// What follows the answer that is outstanding.
  private var afterword: [UInt8] = []
  /// Whether an answer waits for the client to make room.
  private var isDelivering = false
  /// What was published meanwhile. It follows the answer, which may be that the client listens to the channel now.
  private var held: [UInt8] = []
  /// A client that leaves so many bytes unread is closed.
  private let outputLimit: Int
  private var isEnding = false

  // What the client has set.
  var isRESP3 = false
  var name: [UInt8] = []
  var transaction: Transaction?
  /// The shards that know of watched keys of this client.
  var watched: ShardSet = []
  var subscriptions = SubscriptionNames()

  init(_ connection: Connection<CommandCodec>, _ database: Database, outputLimit: Int) {
    self.connection = connection
    self.database = database
    self.outputLimit = outputLimit
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .network(.received(let batch)):
      self.batch = batch
      position = Batch.first
      advance(context)
      if self.batch != nil {
        connection.pauseReading()
        isReading = false
      }
    case .network(.closed): leave(context)
    case .network: break
    case .answered(let answers): take(answers, context)
    case .published(let bytes): published(bytes)
    case .delivered:
      isDelivering = false
      goOn(context)
    }
  }

  func client(_ context: Context<Message>) -> Client {
    Client(number: number, session: context.address, isRESP3: isRESP3)
  }

  // MARK: One batch

  /// What has become of a command.
  private enum Step {
    /// It is part of the segment.
    case added
    /// It must not begin before all earlier ones are answered.
    case later
    /// It is under way, and no other command may be.
    case alone
  }

  /// Goes on with the batch until an answer is outstanding, or to its end.
  private mutating func advance(_ context: Context<Message>) {
    while let batch {
      if batch.isEnd(position) {
        if flush(batch, context) { finish(batch) }
        return
      }
      let step = batch.withArguments(of: position) { arguments in
        begin(batch, arguments, context)
      }
      switch step {
      case .added: position = batch.next(after: position)
      case .later: if !flush(batch, context) { return }
      case .alone:
        position = batch.next(after: position)
        return
      }
    }
  }

  private mutating func begin(_ batch: Batch, _ arguments: Arguments, _ context: Context<Message>) -> Step {
    let command = CommandTable.shared.commands[arguments.commandIndex]
    // What nearly every command is.
    let isPlain = transaction == nil && command.role == nil && !subscriptions.restrictsClient(isRESP3)
    if isPlain && command.accepts(arguments.count) {
      return perform(batch, command.shards(arguments, among: database.shards.count), context)
    }
    if arguments.commandIndex != 0 && !command.accepts(arguments.count) {
      transaction?.isBroken = true
      return answer { $0.error(.wrongArguments(command.name)) }
    }
    if arguments.commandIndex == 0 { transaction?.isBroken = true }
    if arguments.commandIndex != 0, subscriptions.restrictsClient(isRESP3), !command.isAllowedWhileSubscribed {
      return answer {
        $0.error(
          .other(
            "ERR Can't execute '\(command.name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
              + "allowed in this context"))
      }
    }
    if transaction != nil, arguments.commandIndex != 0, !command.isAllowedInTransaction {
      return queue(batch, command, arguments)
    }
    guard let role = command.role else {
      return perform(batch, command.shards(arguments, among: database.shards.count), context)
    }
    let call = Call(arguments: arguments, keyspace: Keyspace(stores: []), client: client(context))
    return handle(role, call, batch, context)
  }

  /// Lets the shards do the command in hand.
  private mutating func perform(_ batch: Batch, _ shards: ShardSet, _ context: Context<Message>) -> Step {
    guard let shard = shards.only else {
      return shards.isEmpty ? performHere(batch, context) : performAlone(.command(batch, position), shards, context)
    }
    if segment == nil {
      // A client that does not send several commands at once needs nothing to put answers into order.
      if batch.isEnd(batch.next(after: position)) { return performAlone(.command(batch, position), shards, context) }
      segment = Segment(shards: database.shards.count, isRESP3: isRESP3)
    }
    segment?.add(position, to: shard)
    return .added
  }

  /// Does the command in hand, which needs no store.
  private mutating func performHere(_ batch: Batch, _ context: Context<Message>) -> Step {
    let (position, client) = (position, client(context))
    return answer { Work.run(batch, position, Keyspace(stores: []), client, &$0) }
  }

  private mutating func performAlone(_ task: Work.Task, _ shards: ShardSet, _ context: Context<Message>) -> Step {
    if segment != nil { return .later }
    database.perform(Work(task: task, client: client(context)), shards)
    return .alone
  }

  /// Answers the command in hand.
  private mutating func answer(_ body: (inout Answer) -> Void) -> Step {
    if segment == nil { segment = Segment(shards: database.shards.count, isRESP3: isRESP3) }
    segment?.answer(body)
    return .added
  }

  /// Sends off the segment. Returns whether nothing is outstanding.
  private mutating func flush(_ batch: Batch, _ context: Context<Message>) -> Bool {
    guard let segment else { return true }
    if segment.isDone {
      connection.write(segment.own.bytes)
      self.segment = nil
      return true
    }
    let client = client(context)
    self.segment?.start(batch) { task, shard in
      database.shards[shard].send(.perform(Work(task: task, client: client)))
    }
    return false
  }

  private mutating func take(_ answers: Answers, _ context: Context<Message>) {
    var bytes = answers.bytes
    if segment != nil {
      guard let joined = segment?.take(answers) else { return }
      bytes = joined
      if segment?.hasMore == false { segment = nil }
    }
    let isLast = segment == nil && (batch.map { $0.isEnd(position) } ?? true)
    if isLast || connection.pendingBytes + bytes.count < Work.answerLimit {
      connection.write(bytes)
      return goOn(context)
    }
    // Further answers are made only when the client has taken enough of the earlier ones.
    isDelivering = true
    context.pipe({ [connection, bytes] in await connection.deliver(bytes) }, as: { _ in .delivered })
  }

  /// Goes on after an answer that was outstanding has been written.
  private mutating func goOn(_ context: Context<Message>) {
    if !afterword.isEmpty {
      connection.write(afterword)
      afterword = []
    }
    if !held.isEmpty {
      connection.write(held)
      held = []
    }
    if segment != nil, let batch {
      // What its shards had left undone.
      _ = flush(batch, context)
    } else {
      advance(context)
    }
  }

  private mutating func published(_ bytes: [UInt8]) {
    if !isDelivering {
      connection.write(bytes)
    } else if connection.pendingBytes + held.count < outputLimit {
      held += bytes
    } else {
      // As the connection does with what is written to it.
      connection.abort()
    }
  }

  private mutating func finish(_ batch: Batch) {
    self.batch = nil
    if let failure = batch.failure {
      var answer = Answer(isRESP3: isRESP3)
      answer.error(.other("ERR \(failure)"))
      connection.write(answer.bytes)
      isEnding = true
    }
    if isEnding { return connection.close() }
    if !isReading {
      isReading = true
      connection.resumeReading()
    }
  }

  private func leave(_ context: Context<Message>) {
    Statistics.shared.closed()
    if watched.isEmpty && subscriptions.isEmpty { return }
    // By the coordinator, which may still have work of this client: the stores are to forget it after that.
    let shards = ShardSet.all(database.shards.count)
    database.coordinator.send(.perform(Work(task: .farewell, client: client(context)), shards))
  }

  // MARK: Commands with a role

  private mutating func handle(
    _ role: Command.Role, _ call: Call, _ batch: Batch, _ context: Context<Message>
  ) -> Step {
    let all = ShardSet.all(database.shards.count)
    let command = CommandTable.shared.commands[call.arguments.commandIndex]
    let named = command.shards(call.arguments, among: database.shards.count)
    switch role {
    case .ping:
      if call.count > 2 || !subscriptions.restrictsClient(isRESP3) { return performHere(batch, context) }
      return answer { Self.answerPing(call, &$0) }
    case .client:
      var part = Answer(isRESP3: isRESP3)
      describeClient(call, &part)
      return answer { $0.encoded(part.bytes) }
    case .hello:
      // The version of the protocol must not change while answers of the old one are outstanding.
      if segment != nil { return .later }
      let body = hello(call)
      return answer(body)
    case .multi:
      if transaction != nil { return answer { $0.error(.other("ERR MULTI calls can not be nested")) } }
      transaction = Transaction()
      return answer { $0.ok() }
    case .exec: return execute(context)
    case .discard:
      if segment != nil { return .later }
      if transaction == nil { return answer { $0.error(.other("ERR DISCARD without MULTI")) } }
      transaction = nil
      return unwatch(batch, context)
    case .watch:
      if transaction != nil { return answer { $0.error(.other("ERR WATCH inside MULTI is not allowed")) } }
      watched.formUnion(named)
      return perform(batch, named, context)
    case .unwatch:
      if segment != nil { return .later }
      return unwatch(batch, context)
    case .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe:
      if segment != nil { return .later }
      afterword = subscriptions.change(role, call, isRESP3)
      return performAlone(.command(batch, position), role == .subscribe ? named : all, context)
    case .reset:
      if segment != nil { return .later }
      (isRESP3, name, transaction, watched, subscriptions) = (false, [], nil, [], SubscriptionNames())
      return performAlone(.command(batch, position), all, context)
    case .quit:
      if segment != nil { return .later }
      isEnding = true
      // Whatever comes after it is not looked at.
      self.batch = Batch(bytes: [], words: [], failure: nil)
      position = Batch.first
      var answer = Answer(isRESP3: isRESP3)
      answer.ok()
      connection.write(answer.bytes)
      return .later
    }
  }

  private mutating func unwatch(_ batch: Batch, _ context: Context<Message>) -> Step {
    let shards = watched
    watched = []
    return shards.isEmpty ? answer { $0.ok() } : performAlone(.command(batch, position), shards, context)
  }

  // MARK: Transactions

  /// Keeps a command for `EXEC`.
  private mutating func queue(_ batch: Batch, _ command: Command, _ arguments: Arguments) -> Step {
    let isRefused: Bool
    switch command.role {
    case nil, .ping, .unwatch: isRefused = false
    default: isRefused = true
    }
    if isRefused {
      transaction?.isBroken = true
      return answer { $0.error(.other("ERR Command not allowed inside a transaction")) }
    }
    transaction?.add(
      Transaction.Step(batch: batch, command: position), command.shards(arguments, among: database.shards.count))
    return answer { $0.simple("QUEUED") }
  }

  private mutating func execute(_ context: Context<Message>) -> Step {
    if segment != nil { return .later }
    guard let transaction else { return answer { $0.error(.other("ERR EXEC without MULTI")) } }
    self.transaction = nil
    let shards = transaction.shards.union(watched)
    watched = []
    if transaction.isBroken {
      // The stores forget the watched keys, and their answer is replaced.
      let refusal = "EXECABORT Transaction discarded because of previous errors."
      if shards.isEmpty { return answer { $0.error(.other(refusal)) } }
      return performAlone(.refusal(refusal), shards, context)
    }
    if shards.isEmpty {
      let client = client(context)
      return answer { Transaction.perform(transaction.steps, Keyspace(stores: []), client, &$0) }
    }
    return performAlone(.transaction(transaction.steps), shards, context)
  }
}

extension Command {
  fileprivate var isAllowedWhileSubscribed: Bool {
    switch role {
    case .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe, .ping, .quit, .reset: true
    default: false
    }
  }

  /// Whether it has its effect at once although a transaction is being queued.
  fileprivate var isAllowedInTransaction: Bool {
    switch role {
    case .multi, .exec, .discard, .watch, .quit, .reset: true
    default: false
    }
  }
}
