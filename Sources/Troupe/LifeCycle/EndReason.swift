/// Who wants to hear of a cell's end, until that has come, and how it ended from then on. In one word, which
/// is why it is flat.
@usableFromInline enum EndReason {
  case living
  case heard(EndListeners)
  case failed(FailureBox)
  case stopped, linked, unreferenced, parentStopped, systemStopped, nameTaken

  /// Nil while it lives.
  var reason: Termination.Reason? {
    switch self {
    case .living, .heard: nil
    case .failed(let box): .failed(box.failure)
    case .stopped: .stopped
    case .linked: .linked
    case .unreferenced: .unreferenced
    case .parentStopped: .parentStopped
    case .systemStopped: .systemStopped
    case .nameTaken: .nameTaken
    }
  }

}

/// Under the cell's lock.
extension Cell {
  var hasEnded: Bool { endReason.reason != nil }

  /// Nil while it lives.
  var end: Termination? { endReason.reason.map { Termination(reason: $0, cell: self) } }

  var endListeners: EndListeners? {
    if case .heard(let listeners) = endReason { listeners } else { nil }
  }

  /// Those of a cell that has not ended.
  func listeners() -> EndListeners {
    if case .heard(let listeners) = endReason { return listeners }
    let listeners = EndListeners()
    endReason = .heard(listeners)
    return listeners
  }
}
