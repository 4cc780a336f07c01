/// How an actor ended; a failure is described apart, since most have none.
@usableFromInline enum End {
  case failed(FailureBox)
  case stopped, linked, unreferenced, parentStopped, systemStopped, nameTaken

  var reason: Termination.Reason {
    switch self {
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

/// Who wants to hear of a cell's end, until that has come, and how it ended from then on. In one word, which is why it is flat.
enum Fate {
  case living
  case heard(EndListeners)
  case failed(FailureBox)
  case stopped, linked, unreferenced, parentStopped, systemStopped, nameTaken

  init(_ end: End) {
    self =
      switch end {
      case .failed(let box): .failed(box)
      case .stopped: .stopped
      case .linked: .linked
      case .unreferenced: .unreferenced
      case .parentStopped: .parentStopped
      case .systemStopped: .systemStopped
      case .nameTaken: .nameTaken
      }
  }

  var end: End? {
    switch self {
    case .living, .heard: nil
    case .failed(let box): .failed(box)
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
  var end: End? { fate.end }

  var endListeners: EndListeners? {
    if case .heard(let listeners) = fate { listeners } else { nil }
  }

  /// Those of a cell that has not ended.
  func listeners() -> EndListeners {
    if case .heard(let listeners) = fate { return listeners }
    let listeners = EndListeners()
    fate = .heard(listeners)
    return listeners
  }
}
