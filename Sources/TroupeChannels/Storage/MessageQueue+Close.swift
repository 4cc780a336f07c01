public import Synchronization

extension MessageQueue where Element: ~Copyable {
  /// Sets `bits` in the tail word, so that further elements are refused. `wake` is true if this step cleared *idle*.
  ///
  /// Pushes exchange the same word, so each of them came either before the close or after it.
  @usableFromInline package func close(_ bits: UInt) -> (wake: Bool, before: UInt) {
    var word = state.pointee.tail.load(ordering: .acquiring)
    while true {
      let desired = (word | bits) & ~TailWord.idle
      let (exchanged, seen) = state.pointee.tail.weakCompareExchange(
        expected: word, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { return (word & TailWord.idle != 0, word) }
      word = seen
    }
  }

  @inlinable package var isClosed: Bool { state.pointee.tail.load(ordering: .acquiring) & TailWord.closed != 0 }

  /// How many elements were sent and not yet taken. The count is exact if nobody else touches the queue meanwhile.
  @usableFromInline package var count: Int { QueueShape(Element.self).count(in: state) }

  /// Passes what is left in a closed queue to `body`, to be destroyed or handed on. It waits for elements that are
  /// still being written.
  @inlinable package func drainClosed(_ body: (consuming Element) -> Void) {
    var backoff = Backoff()
    while true {
      if let element = take() {
        body(element)
        backoff = Backoff()
        continue
      }
      let word = state.pointee.tail.load(ordering: .acquiring)
      if index(word) == ownIndex { return }
      backoff.snooze()
    }
  }
}
