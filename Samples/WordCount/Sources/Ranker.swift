import Troupe

/// The words that were asked for, in order, and the totals.
struct Ranking: Sendable {
  var words: [RankedWord] = []
  var distinct = 0
  var total = 0
}

/// Puts together the results of all counters.
struct Ranker: Behavior, ~Copyable {
  enum Message: ~Copyable {
    case add(Ranking)
    /// Answered when all counters have finished.
    case result(Reply<Ranking>)
  }

  private let output: Options.Output
  private var counters: Int
  private var result = Ranking()
  private var reply: Reply<Ranking>?

  init(_ output: Options.Output, counters: Int) {
    self.output = output
    self.counters = counters
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .add(let share):
      result.distinct += share.distinct
      result.total += share.total
      result.words += share.words
      counters -= 1
    case .result(let reply):
      self.reply = consume reply
    }
    if counters == 0, let reply = reply.take() { reply.send(ranked()) }
  }

  private func ranked() -> Ranking {
    var ranking = result
    switch output {
    case .all: ranking.words.sort { $0.word < $1.word }
    case .top(let n):
      ranking.words.sort { $0.count != $1.count ? $0.count > $1.count : $0.word < $1.word }
      ranking.words.removeLast(max(0, ranking.words.count - n))
    }
    return ranking
  }
}
