/// The receiving end of an actor: three ways in, of which any thread may use each.
///
/// - `queue` takes the messages that are sent, one atomic step each.
/// - `control` takes the bits of the life cycle, such as *stop*; the actor looks at them before its next message.
/// - `envelopes` takes what comes beside the queue and yet has a place in its order, such as a timer's message.
///
/// Whoever adds to `control` or `envelopes` sets a bit in the queue's tail word as well, so an actor that goes to sleep
/// or wakes up has one word to look at. Only the worker that runs the cell takes anything out.
@usableFromInline struct Mailbox: ~Copyable, Sendable {
  /// The start of the cell's memory: the queue, then what `BehaviorStorage` lays out behind it.
  @usableFromInline nonisolated(unsafe) let queue: UnsafeMutablePointer<QueueState>
  let envelopes = EnvelopeStack()
  @usableFromInline let control = ControlWord()

  init(queue: UnsafeMutablePointer<QueueState>) { self.queue = queue }

  /// Makes the mailbox ready for another actor. Nobody else may have the cell. The queue is laid out anew by
  /// `BehaviorStorage.spawn`.
  func reset() {
    control.reset()
    envelopes.reset()
  }
}
