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
    // This is all that most calls do, so it is kept small enough to be inlined.
    if place != chosen && isForChosenAlone { return }
    receiveHere(&receiver, body)
  }

  @inlinable @inline(never) mutating func receiveHere<Element: ~Copyable>(
    _ receiver: inout Receiver<Element>, _ body: (consuming sending Element?) -> Outcome
  ) {
    if place == chosen {
      if isFirstAttempt { aim(width: receiver.core.queue.consumer.pointee.selectionWidth) }
      if place == chosen && (pass == .attempt || pass == .complete) {
        if let element = receiver.core.take() {
          isTurnOver = receiver.core.isTurnOver
          finish(body(disconnected(element)))
        } else if pass == .attempt {
          if receiver.core.receiveReadiness == .ready { found() }
        } else {
          switch disconnected(receiver.core.tryReceive()) {
          case .received(let element): finish(body(disconnected(element)))
          case .closed: finish(body(nil))
          case .empty: break
          }
        }
        return
      }
    }
    switch pass {
    case .look:
      switch receiver.core.receiveReadiness {
      case .ready: found()
      case .hole: sawHole = true
      case .none: break
      }
    case .attempt, .complete, .done, .release: break
    case .widen: if place == 0 { receiver.core.queue.consumer.pointee.selectionWidth = UInt8(clamping: width) }
    case .register, .withdraw: wait(at: receiver.core)
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
