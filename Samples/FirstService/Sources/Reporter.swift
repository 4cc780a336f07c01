import Troupe

struct Reporter: Behavior {
  enum Message: Sendable { case report, average(Result<Double, AskError>) }
  let records: Address<Records.Message>
  let output: Address<String>

  mutating func started(in context: Context<Message>) {
    context.timers.fixedRate("report", every: .seconds(5)) { .report }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .report: context.ask(records, timeout: .seconds(1), { .average($0) }, as: { .average($0) })
    case .average(.success(let average)): output.send("average load \(average)")
    case .average(.failure(let error)): output.send("no average: \(error)")
    }
  }
}

struct Console: Behavior {
  mutating func receive(_ line: consuming String, in context: Context<String>) { print(line) }
}
