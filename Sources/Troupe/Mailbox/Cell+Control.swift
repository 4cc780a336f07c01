import Synchronization

/// The control lane of a cell: how any thread posts to it, and how the cell's worker takes what was posted.
extension Cell {
  /// Sets a bit of the control lane, and wakes the cell if it idles. If `other` is still waiting, takes that back,
  /// since of a suspension and a resumption only the later one counts. Any thread may call this.
  ///
  /// The bit of the lane is set before *control* in the tail word, and `takeControl` clears *control* before it takes
  /// the bits. So no bit is left behind: a cell that is about to idle fails, because its exchange sees *control*.
  func post(_ bit: UInt32, replacing other: UInt32 = 0) {
    let cancels = bit & ControlWord.cancels != 0 && isAsync
    mailbox.control.post(cancels ? bit | ControlWord.cancel : bit, replacing: other)
    let tail = mailbox.queue
    var word = tail.pointee.tail.load(ordering: .acquiring)
    while true {
      // Acquire-release. It publishes the bit above to whoever runs the cell next, and pairs with the exchange in
      // `MessageQueue.idle`; if it clears *idle*, it acquires what the last run of the cell released there.
      let (exchanged, seen) = tail.pointee.tail.weakCompareExchange(
        expected: word, desired: (word | TailWord.control) & ~TailWord.idle,
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { break }
      word = seen
    }
    if word & TailWord.idle != 0 { schedule() }
    if cancels { handler.cancel() }
  }

  /// Takes all bits of the control lane. Called on the cell's worker.
  ///
  /// *control* in the tail word is cleared first, so that a bit which is posted after this took the others sets
  /// *control* again.
  func takeControl() -> UInt32 {
    if mailbox.queue.pointee.tail.load(ordering: .relaxed) & TailWord.control != 0 {
      _ = mailbox.queue.pointee.tail.bitwiseAnd(~TailWord.control, ordering: .acquiringAndReleasing)
    }
    return mailbox.control.take()
  }
}
