import Troupe

/// Holds the counts for its share of all words. The hash of a word decides which share it belongs to.
struct Counter: Behavior, ~Copyable {
  enum Message {
    case add(WordTable.Batch)
    /// A splitter has finished.
    case finish
  }

  private let output: Options.Output
  private let ranker: Address<Ranker.Message>
  private var splitters: Int
  private var table = WordTable()

  init(_ output: Options.Output, splitters: Int, ranker: Address<Ranker.Message>) {
    self.output = output
    self.splitters = splitters
    self.ranker = ranker
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .add(let batch): table.add(batch)
    case .finish:
      splitters -= 1
      if splitters > 0 { return }
      let words =
        switch output {
        case .top(let n): table.ranking(.byCount, limit: n)
        case .all: table.ranking(.byWord, limit: .max)
        }
      ranker.send(.add(Ranking(words: words, distinct: table.distinct, total: table.total)))
    }
  }
}
