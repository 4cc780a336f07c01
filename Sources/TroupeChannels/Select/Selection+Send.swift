extension Selection where Outcome: ~Copyable {
  /// Names the operation "send this element".
  ///
  /// It is ready when the channel has room for the element and nobody waits for that room already, and when the channel
  /// is closed. On a rendezvous channel it is ready when the receiver waits. Among those who wait for room, a selection
  /// has a place in the line like any other, and gives it up when it ends otherwise.
  ///
  /// The element leaves the variable only if it is sent. While the selection waits at a rendezvous channel the variable
  /// is empty. A variable that is nil from the beginning makes this no operation at all.
  ///
  /// In practice the element must be Sendable: the closure of `select` captures the variable, and the compiler does not
  /// let a closure give away what it has captured. For other values make a channel of `Handover`s.
  /// - Parameters:
  ///   - element: The variable that holds the element.
  ///   - sender: Where to send it.
  ///   - body: What to do if the operation is chosen. Its argument says whether the element was sent; otherwise the
  ///     channel is closed, and the element is still in the variable. What it returns is what `select` returns.
  @inlinable public mutating func send<Element: ~Copyable>(
    _ element: inout sending Element?, to sender: borrowing BoundedSender<Element>,
    _ body: (_ isSent: Bool) -> Outcome
  ) {
    place &+= 1
    if isFirstAttempt { startLookHere() }
    switch pass {
    case .attempt:
      if place == chosen, !element.isNone, sender.handle.core.isReadyToSend { found() }
      return
    case .look:
      if waiter == nil {
        if !element.isNone, sender.handle.core.isReadyToSend { found() }
        return
      }
    case .complete: if place != chosen { return }
    case .done, .widen: return
    case .register, .withdraw, .release: break
    }
    if let isSent = step(&element, at: sender.handle.core) { finish(body(isSent)) }
  }

  /// Everything but an attempt and the first look. Returns whether the element was sent, if this completes the
  /// operation.
  @usableFromInline mutating func step<Element: ~Copyable>(
    _ element: inout sending Element?, at core: ChannelCore<Element>
  ) -> Bool? {
    nonisolated(unsafe) var pending = element.take()
    let isSent = step(unsafely: &pending, at: core)
    element = disconnected(pending)
    return isSent
  }

  private mutating func step<Element: ~Copyable>(
    unsafely element: inout Element?, at core: ChannelCore<Element>
  ) -> Bool? {
    let standing = waiter?.standings[place]
    switch pass {
    case .attempt, .done, .widen: break
    case .look:
      if standing != nil {
        found()
      } else if !element.isNone, core.isReadyToSend {
        found()
      }
    case .register:
      guard let waiter, !isAborted else { return nil }
      if element.isNone { return nil }
      waiter.waiting = place + 1
      let begun = core.beginSelecting(&element, SelectClaim(waiter: waiter, place: place))
      waiter.standings[place] = begun
      switch begun {
      case .inLine, .offering: break
      default: isAborted = true
      }
    case .withdraw:
      if let standing { waiter?.standings[place] = core.endSelecting(&element, standing) }
    case .release:
      if place == chosen { return nil }
      if case .granted = standing {
        waiter?.standings[place] = nil
        core.releasePermits(1)
      }
    case .complete:
      waiter?.standings[place] = nil
      switch standing {
      case .taken: return true
      case .granted:
        guard let pending = element.take() else { return nil }
        switch core.sendPermitted(pending) {
        case .sent: return true
        case .closed(let back): element = .some(back)
        }
        return false
      default:
        guard let pending = element.take() else { return nil }
        switch core.trySend(pending) {
        case .sent: return true
        case .full(let back):
          element = .some(back)
          return nil
        case .closed(let back): element = .some(back)
        }
        return false
      }
    }
    return nil
  }
}

extension Optional where Wrapped: ~Copyable {
  /// Whether there is no value. `if case .none` would use a noncopyable value up.
  @inlinable var isNone: Bool {
    switch self {
    case .none: true
    case .some: false
    }
  }
}
