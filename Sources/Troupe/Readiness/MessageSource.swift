/// What brings one actor messages from outside of the system, such as a connection.
///
/// It belongs to the actor from `attach` until the actor ends. Its envelope is posted when there may be something, and
/// the actor's turn then asks the source for one message after the other. So the actor's own turns read what comes in,
/// and no faster than the actor handles it.
@usableFromInline package protocol MessageSource: AnyObject, Sendable {
  /// Called on the actor's worker when the actor has ended, or when it ended before it had heard of the source.
  func actorEnded()
  /// Called on the actor's worker when an incarnation of the actor has ended that another one follows. Returns whether
  /// the source stays with the actor.
  func incarnationEnded() -> Bool
}

/// What a source says when it was asked for a message.
@frozen @usableFromInline package enum SourceStep {
  /// There is none now. The envelope has to be posted when that changes.
  case nothing
  /// There is one, and the source has to be asked again when it has been handled.
  case message
  /// There is one, and it is the last: the source leaves the actor.
  case last
  /// There is one, and it is the last: the source leaves the actor, which stops when it has handled the message.
  case stop
  /// There may be more, but others have to have their turn first.
  case later
  /// There is none, and there will be none: the source leaves the actor.
  case gone
}

/// The envelope of a source. It is posted again and again, so that no message costs an allocation.
@usableFromInline package final class SourceEnvelope<Message: ~Copyable>: MessageEnvelope<Message>, @unchecked Sendable
{
  private let source: any MessageSource
  /// Asks the source for a message, and puts it into `message`. It was made where the types are known.
  private let step: (inout Message?) -> SourceStep
  /// Whether the actor's cell knows the source. Only the actor's worker touches it.
  private var isAttached = false

  @usableFromInline package init(_ source: any MessageSource, _ step: @escaping (inout Message?) -> SourceStep) {
    self.source = source
    self.step = step
    super.init(nil)
  }

  /// Has the cell know the source. Called on the cell's worker.
  fileprivate func attach(to cell: Cell) {
    if isAttached { return }
    isAttached = true
    cell.rareState.sources.append(source)
  }

  override func open(_ cell: Cell) -> Content {
    attach(to: cell)
    switch step(&message) {
    case .nothing: return .nothing
    case .message:
      cell.putFirst(self)
      return .message
    case .last:
      cell.detach(source)
      return .message
    case .stop:
      cell.detach(source)
      cell.mailbox.control.post(ControlWord.stop)
      return .message
    case .later:
      cell.post(self)
      return .nothing
    case .gone:
      cell.detach(source)
      return .nothing
    }
  }

  // What the source still has is not lost here: the source itself is told of the actor's end.
  override var isMessage: Bool { false }
  override func actorEnds() { if !isAttached { source.actorEnded() } }
}

extension Address where Message: ~Copyable {
  /// Gives a new source to the actor. If the actor has ended, the source is told so.
  @usableFromInline package func attach(_ envelope: SourceEnvelope<Message>) {
    if !target.cell.post(envelope) { envelope.actorEnds() }
  }

  /// Whether the handlers of the actor may await.
  @usableFromInline package var isAsynchronous: Bool {
    target.cell.withKind { if case .sync = $0.body { false } else { true } }
  }

  /// Posts the envelope of a source that has something. The source must not do this again before it was asked.
  @usableFromInline package func post(_ envelope: SourceEnvelope<Message>) { target.cell.post(envelope) }
}

extension Context where Message: ~Copyable {
  /// Gives a new source to this incarnation of the actor, which the source belongs to even if the incarnation ends
  /// before the envelope is opened.
  @usableFromInline package func attach(_ envelope: SourceEnvelope<Message>) {
    envelope.attach(to: cell)
    cell.post(envelope)
  }
}

extension Cell {
  /// Has an envelope opened next, after the unstashed messages that come later.
  fileprivate func putFirst(_ envelope: Envelope) {
    var list = EnvelopeList()
    list.append(envelope)
    withRareState { $0.front.prepend(&list) }
    hasEnvelopes = true
  }

  fileprivate func detach(_ source: any MessageSource) {
    existingRareState?.sources.removeAll { $0 === source }
  }

  /// Tells the sources of an ended actor, which has none after this. Called on the cell's worker.
  func endSources() {
    guard let rareState = existingRareState, !rareState.sources.isEmpty else { return }
    let sources = rareState.sources
    rareState.sources = []
    for source in sources { source.actorEnded() }
  }

  /// Tells the sources that an incarnation has ended. Called on the cell's worker.
  func endIncarnationOfSources() {
    guard let rareState = existingRareState, !rareState.sources.isEmpty else { return }
    let sources = rareState.sources
    rareState.sources = sources.filter { $0.incarnationEnded() }
  }
}
