public import Synchronization

/// What a selection found where it looked.
@usableFromInline enum SelectReadiness { case ready, hole, none }

// What the operations of a selection do at their channels.
extension ChannelCore where Element: ~Copyable {
  // MARK: Receiving

  /// Whether a receive would end now.
  @inlinable var receiveReadiness: SelectReadiness {
    if queue.isReady { return .ready }
    if capacity == 0 { return rendezvousReadiness }
    switch queue.emptiness() {
    case .empty: return .none
    case .hole: return .hole
    case .finished: return .ready
    }
  }

  @usableFromInline var rendezvousReadiness: SelectReadiness {
    rendezvous.unsafelyUnwrapped.isReadyToReceive ? .ready : .none
  }

  /// Makes the receiver wait as a part of a selection. Returns false if there is something to receive now.
  func beginSelecting(_ claim: SelectClaim) -> Bool {
    if let rendezvous {
      rendezvous.receiver.link(to: claim.waiter)
      return rendezvous.arm(claim)
    }
    // The link comes first: whoever clears *idle* from then on wakes the selection.
    consumer.link(to: claim.waiter)
    return queue.idle() == .idle
  }

  /// Ends the receiver's wait. An element that was handed over meanwhile stays for the receive that follows.
  func endSelecting() {
    if let rendezvous {
      rendezvous.endSelecting()
      return rendezvous.receiver.unlink()
    }
    // As after any wait, the bit is still set unless a sender has woken the selection.
    _ = queue.unidle()
    consumer.unlink()
  }

  // MARK: Sending

  /// Whether a send would end now, because there is room or because the channel is closed.
  @inlinable var isReadyToSend: Bool {
    if capacity == 0 { return isReceiverReady }
    let word = queue.state.pointee.tail.load(ordering: .acquiring)
    return word & TailWord.closed != 0 || queue.hasRoom(for: 1, word)
  }

  @usableFromInline var isReceiverReady: Bool { rendezvous.unsafelyUnwrapped.isReadyToSend }

  /// Makes a sender wait as a part of a selection. Returns nil if it need not wait, in which case the element is still
  /// in `element`.
  func beginSelecting(_ element: inout Element?, _ claim: SelectClaim) -> SelectStanding? {
    if let rendezvous {
      guard let taken = element.take() else { return nil }
      switch rendezvous.offer(taken, claim) {
      case .waiting(let offer): return .offering(offer)
      case .ready(let back):
        element = .some(back)
        return nil
      }
    }
    switch waiters.arrive(1, at: queue) {
    case .reserved: return .granted
    case .closed: return nil
    case .waiting(let waiter):
      // The link comes before the look at the state: a grant that the look does not see wakes the selection.
      waiter.parker.link(to: claim.waiter)
      return waiters.state(of: waiter) == .waiting ? .inLine(waiter) : .served(waiter)
    }
  }

  /// Ends a sender's wait. Returns where it stands if it was served before it could leave. Otherwise its element, which
  /// is back in `element`, was not sent.
  func endSelecting(_ element: inout Element?, _ standing: SelectStanding) -> SelectStanding? {
    switch standing {
    case .inLine(let waiter), .served(let waiter):
      let state = waiters.leave(waiter, queue)
      waiter.parker.unlink()
      return state == .granted ? .granted : nil
    case .offering(let offer):
      let offer = unsafeDowncast(offer, to: Rendezvous<Element>.Offer.self)
      offer.parker.unlink()
      switch rendezvous.unsafelyUnwrapped.leave(offer, isCancelled: false) {
      case .sent: return .taken
      case .closed(let back): element = .some(back)
      case .timedOut(let back): element = .some(back)
      case .cancelled(let back): element = .some(back)
      }
      return nil
    case .granted, .taken: return standing
    }
  }
}
