/// Finds out when an actor has had nothing to do for a while.
///
/// A message does not touch the timer. The actor notes when it has last handled one; when the timer fires it looks at
/// that time, and if it was not long enough ago a new timer waits for the rest. So that the actor itself looks, on its
/// worker, the timer posts itself to the actor.
final class ReceiveTimeout: Timer, @unchecked Sendable {
  private let cell: Cell
  private let timeout: Int64
  init(_ cell: Cell, _ timeout: Int64, from start: Int64) {
    self.cell = cell
    self.timeout = timeout
    super.init(deadline: start.saturatingAdd(timeout))
  }

  override func fire() { cell.post(self) }

  override func open(_ cell: Cell) -> Content {
    // Another one has taken its place if the actor has set the timeout again.
    guard let rareState = cell.existingRareState, rareState.receiveTimeout === self else { return .nothing }
    let now = cell.preciseNow
    let idleSince = rareState.idleSince
    let isOver = now - idleSince >= timeout
    cell.armReceiveTimeout(timeout, from: isOver ? now : idleSince)
    return isOver ? .signal(.receiveTimeout) : .nothing
  }
}

extension Cell {
  func setReceiveTimeout(_ timeout: Duration?) {
    if let timer = rareState.receiveTimeout {
      rareState.receiveTimeout = nil
      system.scheduler.cancel(timer)
    }
    tracksIdleness = timeout != nil
    if tracksIdleness { notesTurns = true }
    guard let timeout else { return }
    rareState.idleSince = preciseNow
    armReceiveTimeout(timeout.nanosecondsClamped, from: rareState.idleSince)
  }

  func armReceiveTimeout(_ timeout: Int64, from start: Int64) {
    let timer = ReceiveTimeout(self, timeout, from: start)
    rareState.receiveTimeout = timer
    system.scheduler.add(timer)
  }
}
