import Troupe

/// Cuts text into words and counts them for a while by itself. Most words of a text are the same few, so only a tenth
/// of it goes on to the counters.
struct Splitter: AsyncBehavior, ~Copyable {
  enum Message: ~Copyable {
    case text(Chunk)
    /// A reader has finished.
    case finish
  }

  /// How many words the splitter counts before it passes them on: as many as the cache of a core holds. Together with
  /// the number of different words in one chunk it bounds the memory.
  private static let distinctWords = 8_192

  private let counters: [Address<Counter.Message>]
  private var readers: Int
  private var table = WordTable()

  init(readers: Int, counters: [Address<Counter.Message>]) {
    self.readers = readers
    self.counters = counters
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    switch consume message {
    case .text(let chunk):
      count(chunk)
      if table.distinct >= Self.distinctWords { try await passOn() }
    case .finish:
      readers -= 1
      if readers > 0 { return }
      try await passOn()
      for counter in counters { try await counter.deliver(.finish).get() }
    }
  }

  private mutating func count(_ chunk: borrowing Chunk) {
    forEachWord(in: chunk.bytes) { start, length in table.add(start, length: length) }
  }

  private mutating func passOn() async throws {
    let batches = table.split(into: counters.count)
    table.removeAll()
    for (counter, batch) in zip(counters, batches) where !batch.isEmpty {
      try await counter.deliver(.add(batch)).get()
    }
  }
}
