internal import CTroupeSockets
import Synchronization
internal import Troupe
internal import TroupeChannels

/// What the turns of a connection's actor do: they read, have the codec decode, and send.
extension ConnectionCore {
  /// Says what the turn has to do next. It is called again and again until it says `nothing` or `later`.
  @usableFromInline func nextStep() -> ConnectionStep {
    while true {
      if isDone {
        guard let end, !isEndTold else { return .nothing }
        isEndTold = true
        return .closed(end)
      }
      // Acquire-release: takes over what whoever signalled has done, and publishes what this turn has done to the next.
      let bits = signals.exchange(Signals.posted, ordering: .acquiringAndReleasing) & ~Signals.posted
      if bits != 0 {
        absorb(bits)
        if isDone { continue }
      }
      switch phase {
      case .connecting:
        if let end {
          closeNow(end)
        } else if hasConnectNews {
          hasConnectNews = false
          switch transport.connect() {
          case .pending: break
          case .failed(let error): closeNow(.failed(error))
          case .done:
            connectDeadline = .max
            canRead = true
            noteActivity()
            let local = transport.local
            lock.withLock {
              phase = .open
              localEndpoint = local
              canWrite = true
            }
            armTimer()
            return .connected
          }
        } else if isQuiet() {
          return .nothing
        }
      case .open:
        if let step = openStep() { return step }
      case .lingering, .closed: return .nothing
      }
    }
  }

  /// The next step of a connection that is open. Nil if something has changed, and it has to be asked again.
  func openStep() -> ConnectionStep? {
    if let end {
      beginLingering(end)
      return nil
    }
    if let inputFailure {
      if isInputFailureTold {
        end = .failed(inputFailure)
        return nil
      }
      isInputFailureTold = true
      return .inputFailed(inputFailure)
    }
    if !isCongested && pendingBytes >= options.outputMark {
      // Whoever has seen so many bytes is told when they are sent, even if the next step sends them.
      isCongested = true
      guard flush() else { return nil }
    }
    let mayRead = !isCongested && !isPaused.load(ordering: .relaxed)
    if isInputFresh && mayRead {
      if framesLeft == 0 { return others() }
      framesLeft -= 1
      return .decode
    }
    if pendingBytes > 0 || isFlushDue {
      guard flush() else { return nil }
    }
    if isCongested && pendingBytes <= options.outputMark / 2 {
      isCongested = false
      // What the peer could not send meanwhile does not count for a frame.
      if frameBegan != 0 { frameBegan = system.scheduler.preciseNow }
      return .drained
    }
    if wantsHalfClose && pendingBytes == 0 && !hasEndedOutput { endOutputNow() }
    if mayRead {
      if input.isAtEnd {
        if !options.allowsHalfClose || hasEndedOutput {
          end = .byPeer
          return nil
        }
        if !isInputEndTold {
          isInputEndTold = true
          return .inputEnded
        }
        if isDraining && pendingBytes == 0 {
          end = .byUs
          return nil
        }
      } else if canRead {
        if readsLeft == 0 { return others() }
        readsLeft -= 1
        read()
        return nil
      } else if isDraining && pendingBytes == 0 {
        // What has come of a frame that is not complete is thrown away.
        end = .byUs
        return nil
      }
    }
    input.trim()
    guard isQuiet() else { return nil }
    return .nothing
  }

  /// Ends this turn's work for the connection, because it has had its share.
  func others() -> ConnectionStep {
    framesLeft = Self.frameLimit
    readsLeft = Self.readLimit
    return .later
  }

  /// Lets the next signal post the envelope again. Returns false if there has been one meanwhile.
  func isQuiet() -> Bool {
    if Poller.isTold {
      let canWrite = lock.withLock { self.canWrite }
      transport.want((canRead ? 0 : Signals.readable) | (canWrite ? 0 : Signals.writable))
    }
    framesLeft = Self.frameLimit
    readsLeft = Self.readLimit
    return signals.compareExchange(expected: Signals.posted, desired: 0, ordering: .acquiringAndReleasing).exchanged
  }

  func absorb(_ bits: UInt32) {
    if bits & (Signals.readable | Signals.ended) != 0 { canRead = true }
    if bits & Signals.ended != 0 { hasPeerEnded = true }
    if bits & Signals.flush != 0 { isFlushDue = true }
    if bits & Signals.writable != 0 {
      hasConnectNews = true
      if phase == .open { lock.withLock { canWrite = true } }
    }
    if bits & Signals.drain != 0 { isDraining = true }
    if bits & Signals.halfClose != 0 { wantsHalfClose = true }
    if bits & Signals.timer != 0 { lookAtTimeouts() }
    if isDone { return }
    if bits & Signals.abort != 0 {
      closeNow(.aborted)
    } else if bits & Signals.overflow != 0 {
      closeNow(.outputOverflow)
    } else if bits & Signals.close != 0 && end == nil {
      end = .byUs
    }
  }

  func read() {
    input.reserve(Self.leastRead)
    let room = input.room
    let count = transport.read(room)
    if count > 0 {
      input.filled(count)
      isInputFresh = true
      // A short read has emptied the socket: the next byte will be told of. But the end of the stream may have been
      // told already.
      if count < room.count && !hasPeerEnded && transport.isEmptiedByShortRead { canRead = false }
      noteActivity()
    } else if count == 0 {
      input.isAtEnd = true
      // The codec has to look once more, since a frame may end with the stream.
      isInputFresh = !input.isEmpty
      canRead = false
    } else if count == SystemError.wouldBlock {
      canRead = false
    } else if count != SystemError.interrupted {
      closeNow(.failed(transport.failure ?? NetworkError(.read, peer, code: Int32(-count))))
    }
  }

  static let leastRead = 2048

  /// Called when the codec has returned a frame.
  @usableFromInline func decoded() {
    frameBegan = 0
    if input.isEmpty { isInputFresh = false }
  }

  /// Called when the codec has found no whole frame.
  @usableFromInline func decodedNothing() {
    isInputFresh = false
    if input.isEmpty {
      frameBegan = 0
    } else if options.frameTimeout != nil {
      let now = system.scheduler.preciseNow
      if frameBegan == 0 {
        frameBegan = now
        armTimer()
      } else if isFrameLate(now) {
        decodingFailed(FrameTimeout())
      }
    }
  }

  /// Called in the actor's turn when the connection has another codec, which looks at what the first one left.
  func codecChanged() {
    if input.isEmpty || isDone { return }
    isInputFresh = true
    signal(Signals.resume)
  }

  /// Called when the codec has thrown.
  @usableFromInline func decodingFailed(_ error: any Error) {
    inputFailure = error
    input.clear()
  }

  /// Sends as much of the output as the socket takes. Returns false if the connection has failed.
  func flush() -> Bool {
    isFlushDue = false
    lock.lock()
    isFlushSignalled = false
    if canWrite && outputFailure == 0 { outputFailure = send() }
    let failure = outputFailure
    if !roomWaiters.isEmpty && output.count < options.outputMark {
      var woken: [RoomWaiter] = []
      swap(&woken, &roomWaiters)
      lock.unlock()
      for waiter in woken { waiter.parker.signal() }
    } else {
      lock.unlock()
    }
    if failure == 0 { return true }
    closeNow(.failed(transport.failure ?? NetworkError(.write, peer, code: failure)))
    return false
  }

  /// Sends output until it is empty or the socket takes no more. Returns an error of the system, or 0. Under the lock.
  func send() -> Int32 {
    while !output.isEmpty {
      var offered = 0
      let sent = output.withPieces { pieces in
        for piece in pieces { offered += piece.count }
        return transport.write(pieces)
      }
      if sent >= 0 {
        output.remove(sent)
        noteActivity()
        if sent < offered {
          canWrite = false
          break
        }
      } else if sent == SystemError.wouldBlock {
        canWrite = false
        break
      } else if sent != SystemError.interrupted {
        return Int32(-sent)
      }
    }
    pendingOutput.store(output.count, ordering: .relaxed)
    return 0
  }

  func endOutputNow() {
    lock.withLock {
      hasEndedOutput = true
      isClosedForOutput = true
      if !isTransportClosed { transport.endOutput() }
    }
  }
}
