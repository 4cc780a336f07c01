import Synchronization
import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// An asynchronous handler that waits, and one that stops its actor: `HandlerState`. A stop that is over before the
  /// handler goes on has cancelled the task in which it waits; and nobody touches the loop of the task when the handler
  /// has left it. The sanitizer sees the latter: the loop is written over.
  @Suite struct Handlers {
    private static func makeCell(_ kind: CellKind) -> Cell {
      let place = PoolRun.core.table.place(nil)
      let cell = Cell(byteCount: 8, alignment: 16, sizeClass: 0, options: SpawnOptions(), place: place)
      cell.begin(at: place, kind: .passUnretained(kind), isRestartable: false)
      return cell
    }

    private final class Notes: Sendable {
      // Relaxed words of the library: the sanitizer must not take them for synchronisation of the program's.
      let stopsOver = Synchronization.Atomic<Int>(0)
      let isLost = Synchronization.Atomic<Bool>(false)
    }

    private func check(_ name: String, waits: Int, stops: Int, fewer: Int) {
      let kind = CellKind(
        key: UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped, body: .sync { _, _ in },
        messageType: UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped)
      Check.all("handler, \(name)", fewer: fewer) {
        let cell = Self.makeCell(kind)
        let loop = Hand<AsyncLoop?>(AsyncLoop(.passUnretained(cell), PoolRun.core.scheduler))
        let notes = Notes()
        let stopper = {
          cell.mailbox.control.post(ControlWord.stop | ControlWord.cancel)
          cell.handler.cancel()
          notes.stopsOver.wrappingAdd(1, ordering: .relaxed)
        }
        let handler = { run(cell, loop, waits, notes) }
        return Execution([handler] + Array(repeating: stopper, count: stops)) {
          if notes.isLost.load(ordering: .relaxed) { return "a handler that waits is not cancelled" }
          // What comes next finds nothing of it.
          _ = cell.mailbox.control.take()
          let next = AsyncLoop(.passUnretained(cell), PoolRun.core.scheduler)
          cell.noteHandler(.passUnretained(next))
          return cell.handler.leave(next) ? "the next handler is cancelled" : nil
        }
      }
    }

    /// The handler is suspended and goes on, so many times or until it is cancelled. Then its loop ends.
    private func run(_ cell: Cell, _ hand: Hand<AsyncLoop?>, _ waits: Int, _ notes: Notes) {
      guard let loop = hand.take() else { return }
      defer { ModelSystem.writesOver(loop) }
      for _ in 0..<waits {
        cell.noteHandler(.passUnretained(loop))
        // Others run meanwhile.
        ModelSystem.step()
        let isStopped = notes.stopsOver.load(ordering: .relaxed) > 0
        if cell.handler.leave(loop) { return }
        if isStopped { notes.isLost.store(true, ordering: .relaxed) }
      }
    }

    @Test func `a handler that waits twice, and a stop`() {
      check("waits twice, 1 stop", waits: 2, stops: 1, fewer: -1)
    }
    @Test func `a handler that waits, and two stops`() { check("waits, 2 stops", waits: 1, stops: 2, fewer: -1) }
  }
}
