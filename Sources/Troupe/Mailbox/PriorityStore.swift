/// See `MailboxOptions.prioritized`: a binary heap (Williams, 1964), by priority and then by age.
final class PriorityStore<Message: ~Copyable>: RankingStore<Message>, @unchecked Sendable {
  private final class PrioritizedMessage: StoredMessage<Message>, @unchecked Sendable {
    let priority: Int
    init(_ message: consuming Message, _ priority: Int) {
      self.priority = priority
      super.init(message)
    }
  }
  private struct Entry {
    let priority: Int
    let number: UInt64
    let envelope: Envelope
    func isBefore(_ other: Entry) -> Bool {
      priority != other.priority ? priority > other.priority : number < other.number
    }
  }
  private let priority: @Sendable (borrowing Message) -> Int
  @exclusivity(unchecked) private var heap: [Entry] = []
  @exclusivity(unchecked) private var number: UInt64 = 0

  init(_ priority: @escaping @Sendable (borrowing Message) -> Int) { self.priority = priority }

  override func hasRoom(in cell: Cell) { cell.storeHasRoom(MessageQueue<Message>(state: cell.mailbox.queue)) }

  override func rankedEnvelope(for message: consuming Message) -> StoredMessage<Message> {
    let priority = priority(message)
    return PrioritizedMessage(message, priority)
  }

  override func add(_ envelope: Envelope) -> Outcome {
    // All sent messages in this store were put in their envelopes by it.
    push(envelope, unsafeDowncast(envelope, to: PrioritizedMessage.self).priority)
  }
  override func place(_ envelope: Envelope) -> Outcome { push(envelope, 0) }

  private func push(_ envelope: Envelope, _ priority: Int) -> Outcome {
    number += 1
    heap.append(Entry(priority: priority, number: number, envelope: envelope))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
    return .accepted
  }

  override func remove() -> Envelope? {
    heap.swapAt(0, heap.count - 1)
    let first = heap.removeLast().envelope
    var parent = 0
    while true {
      var best = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[best]) {
        best = child
      }
      if best == parent { return first }
      heap.swapAt(parent, best)
      parent = best
    }
  }
}
