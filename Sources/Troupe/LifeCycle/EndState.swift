/// Says how a cell has ended. While it lives this keeps those who want to hear of its end instead. It has no nested
/// enum, so that it takes only one word of each cell.
@usableFromInline enum EndState {
  /// The cell lives, and nobody has asked to hear of its end.
  case living
  /// The cell lives, and these want to hear of its end.
  case heard(EndListeners)
  case failed(FailureBox)
  case stopped, linked, unreferenced, parentStopped, systemStopped, nameTaken

  /// Why the actor has ended, or nil while it lives.
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

/// What is asked of a cell's end. Called under the cell's lock, except that the end can be read without it once the
/// cell has ended.
extension Cell {
  var hasEnded: Bool { endState.reason != nil }

  /// How the actor has ended, or nil while it lives.
  var end: Termination? { endState.reason.map { Termination(reason: $0, cell: self) } }

  var endListeners: EndListeners? {
    if case .heard(let listeners) = endState { listeners } else { nil }
  }

  /// Returns the listeners of a cell that has not ended, which are made when they are first needed.
  func listeners() -> EndListeners {
    if case .heard(let listeners) = endState { return listeners }
    let listeners = EndListeners()
    endState = .heard(listeners)
    return listeners
  }
}
