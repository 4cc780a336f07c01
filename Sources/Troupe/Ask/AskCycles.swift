/// A table of which actor's asynchronous handler waits for an answer of which other actor.
///
/// An actor with an `AsyncBehavior` handles no other message while its handler waits. So if such actors wait for one
/// another in a cycle, each would wait for itself: the ask that would close the cycle fails at once and sends nothing.
/// An actor that has handed its reply on to another one still counts as the one that is waited for.
///
/// It is Sendable because the table is only touched under the lock.
final class AskCycles: @unchecked Sendable {
  private let lock = FutexLock()
  @exclusivity(unchecked) private var waitsFor: [ObjectIdentifier: Cell] = [:]

  /// Enters the wait and returns nil, or returns the paths of the cycle that it would close, from the asker round to
  /// the asker.
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
    // The cell is released outside the lock, since this may be the last reference to it.
    _ = target
  }
}

/// An entry in the table of waits, which the asker removes with `end`.
@usableFromInline struct AskWait {
  let asker: Cell
  let target: Cell
  @usableFromInline func end() { target.system.asks.leave(asker) }
}
