/// Which actor's asynchronous handler waits for an answer of which other.
///
/// A sequential actor that waits handles nothing, so one of a cycle of them would wait for itself: the ask that would close the cycle
/// fails at once, and sends nothing.
/// An actor that has handed its reply on to another still counts as the one that is waited for.
///
/// Sendable because the table is under the lock.
final class AskCycles: @unchecked Sendable {
  private let lock = FutexLock()
  @exclusivity(unchecked) private var waitsFor: [ObjectIdentifier: Cell] = [:]

  /// The paths of the cycle that would close, from the asker round to the asker; or nil, and the wait is entered.
  func enter(_ asker: Cell, _ target: Cell) -> [String]? {
    lock.withLock {
      var cells = [asker]
      var each: Cell? = target
      while let cell = each, cell !== asker {
        cells.append(cell)
        each = waitsFor[ObjectIdentifier(cell)]
      }
      if each === asker { return (cells + [asker]).map(\.path) }
      waitsFor[ObjectIdentifier(asker)] = target
      return nil
    }
  }

  func leave(_ asker: Cell) {
    let target = lock.withLock { waitsFor.removeValue(forKey: ObjectIdentifier(asker)) }
    // Outside the lock: it may be the last that holds the cell.
    _ = target
  }
}

/// One such wait.
@usableFromInline struct AskWait {
  let asker: Cell
  let target: Cell
  @usableFromInline func end() { target.system.asks.leave(asker) }
}
