extension Selection where Outcome: ~Copyable {
  /// Names the operation "take the next element of this channel".
  ///
  /// It is ready when there is an element, and when the channel is closed and empty. A channel that is closed stays
  /// ready for ever, so a loop that goes on must stop naming it.
  /// - Parameters:
  ///   - receiver: The receiver. It must not be used in `body`.
  ///   - body: What to do if the operation is chosen. Its argument is the element, or nil if the channel is closed and
  ///     empty. What it returns is what `select` returns.
  @inlinable public mutating func receive<Element: ~Copyable>(
    _ receiver: inout Receiver<Element>, _ body: (consuming sending Element?) -> Outcome
  ) {
    place &+= 1
    switch pass {
    case .look:
      switch receiver.core.receiveReadiness {
      case .ready: found()
      case .hole: sawHole = true
      case .none: break
      }
    case .complete:
      guard place == chosen else { return }
      if let element = receiver.core.take() {
        isTurnOver = receiver.core.isTurnOver
        outcome = body(disconnected(element))
        return
      }
      switch disconnected(receiver.core.tryReceive()) {
      case .received(let element): outcome = body(disconnected(element))
      case .closed: outcome = body(nil)
      case .empty: break
      }
    case .release: break
    default: wait(at: receiver.core)
    }
  }

  @usableFromInline mutating func wait<Element: ~Copyable>(at core: ChannelCore<Element>) {
    guard let waiter else { return }
    if pass == .withdraw {
      // Those after the one that was ready have not begun to wait.
      if place < waiter.waiting { core.endSelecting() }
      return
    }
    if isAborted { return }
    waiter.waiting = place + 1
    if !core.beginSelecting(SelectClaim(waiter: waiter, place: place)) { isAborted = true }
  }
}
