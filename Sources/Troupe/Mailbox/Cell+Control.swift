import Synchronization

/// The control lane of a cell: what anyone posts to it, and how the cell's worker takes it.
extension Cell {
  /// Sends something down the control lane and wakes the cell if it idles. It takes the place of `other`, if
  /// that still waits.
  func post(_ bit: UInt32, replacing other: UInt32 = 0) {
    let cancels = bit & ControlWord.cancels != 0 && isAsync
    mailbox.control.post(cancels ? bit | ControlWord.cancel : bit, replacing: other)
    let tail = mailbox.queue
    var word = tail.pointee.tail.load(ordering: .acquiring)
    while true {
      // Acquire-release: the bit above is seen by whoever runs next; takes over what *idle* released.
      let (exchanged, seen) = tail.pointee.tail.weakCompareExchange(
        expected: word, desired: (word | TailWord.control) & ~TailWord.idle,
        successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
      if exchanged { break }
      word = seen
    }
    if word & TailWord.idle != 0 { schedule() }
    if cancels { handler.cancel() }
  }

  /// Takes what the control lane holds. The bit in the tail goes first, so that what is posted after the look
  /// sets it again.
  func takeControl() -> UInt32 {
    if mailbox.queue.pointee.tail.load(ordering: .relaxed) & TailWord.control != 0 {
      _ = mailbox.queue.pointee.tail.bitwiseAnd(~TailWord.control, ordering: .acquiringAndReleasing)
    }
    return mailbox.control.take()
  }
}
