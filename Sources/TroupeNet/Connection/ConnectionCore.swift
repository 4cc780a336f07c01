internal import CTroupeSockets
import Synchronization
public import Troupe
internal import TroupeChannels

/// What has happened to a connection or was asked of it since its actor's turn looked last.
enum Signals {
  // The same bits as in CTroupeSockets.
  static let readable: UInt32 = 1
  static let writable: UInt32 = 2
  static let broken: UInt32 = 4
  static let ended: UInt32 = 8
  /// The output has something new.
  static let flush: UInt32 = 16
  static let resume: UInt32 = 32
  static let close: UInt32 = 64
  static let abort: UInt32 = 128
  static let overflow: UInt32 = 256
  static let timer: UInt32 = 512
  static let drain: UInt32 = 1024
  static let halfClose: UInt32 = 2048
  /// The envelope is on its way to the actor, or its turn is asking the source now.
  static let posted: UInt32 = 1 << 30
  /// The actor has done with the connection, and what is left to do is done by whoever hears of something.
  static let lingers: UInt32 = 1 << 31
}

/// What an actor's turn has to do next for a connection.
@usableFromInline enum ConnectionStep {
  /// Have the codec look at the input.
  case decode
  case connected
  case inputEnded
  case inputFailed(any Error)
  case drained
  case closed(ConnectionEnd)
  case nothing
  case later
}

/// One connection: the state that does not depend on its codec.
///
/// The socket is read and written in the turn of the connection's actor, which the poller, a timer, or whoever writes
/// sets going by `signal`. Output may be written from any thread, into a buffer under the lock. When the actor has done
/// with the connection, or has ended, what is left lingers: the rest of the output is sent, the sending side is ended,
/// and what the peer still sends is thrown away until it ends its side, because a socket that is closed with unread
/// input would have the peer lose what it has not read yet. Lingering happens under the lock, on whatever thread hears
/// of something.
///
/// Sendable because each property says who may touch it.
@usableFromInline final class ConnectionCore: PollerClient, MessageSource, @unchecked Sendable {
  let peer: Endpoint
  let options: ConnectionOptions
  private let system: ActorSystem
  private let transport: any Transport
  /// Whether the actor stops when the connection is closed, and keeps the connection when it is restarted, as the
  /// actors of a server do.
  @usableFromInline let isActorsOwn: Bool
  /// Called once, when the socket is closed.
  private let whenClosed: @Sendable (ConnectionCore) -> Void

  /// The bits of `Signals`. It begins as posted, so that nobody posts the envelope before it is attached.
  private let signals = Atomic<UInt32>(Signals.posted)
  /// Whether frames are held back, because somebody asked for that.
  private let isPaused = Atomic<Bool>(false)
  /// The number of bytes that wait for being sent. It is written under the lock.
  private let pendingOutput = Atomic<Int>(0)
  /// When something was sent or received last. It is kept only if the options have an idle timeout.
  private let lastActivity = Atomic<Int64>(0)

  // MARK: Under the lock

  private let lock = FutexLock()
  @usableFromInline @exclusivity(unchecked) var output = OutputBuffer()
  /// Whether the socket may take output: it is connected, and has not said otherwise.
  private var canWrite: Bool
  /// The error with which output failed outside of the actor's turn, which looks here.
  private var outputFailure: Int32 = 0
  /// Whether output is sent at once by whoever writes it, and not in a turn of the actor. It is set before anybody
  /// writes. The turn of an asynchronous handler may last for as long as that awaits something, and what it has written
  /// must not wait for its end.
  private var sendsAtOnce = false
  /// Whether nothing may be written any more.
  private var isClosedForOutput = false
  /// Whether the output was signalled since it was flushed last.
  private var isFlushSignalled = false
  private var isTransportClosed = false
  private var localEndpoint: Endpoint
  private var hasEndedOutput = false
  /// Posts the envelope. It is nil before `attach`, and after the connection is closed.
  private var post: (@Sendable () -> Void)?
  private var roomWaiters: [RoomWaiter] = []
  private var timer: ActionTimer?

  // MARK: Touched by the actor's turn alone, until the connection lingers, and then under the lock

  private enum Phase { case connecting, open, lingering, closed }
  @exclusivity(unchecked) private var phase: Phase
  @usableFromInline @exclusivity(unchecked) var input = InputBuffer()
  /// Whether the input has bytes that the codec has not seen, or more than one frame.
  @exclusivity(unchecked) private var isInputFresh = false
  @exclusivity(unchecked) private var canRead = false
  /// Whether there is news of the attempt to connect.
  @exclusivity(unchecked) private var hasConnectNews = false
  /// Whether the system has said that the peer's side has ended. Then a read that takes in less than it could is not
  /// the last.
  @exclusivity(unchecked) private var hasPeerEnded = false
  @exclusivity(unchecked) private var isInputEndTold = false
  /// Whether output has reached the mark, and has not been sent to half of that.
  @exclusivity(unchecked) private var isCongested = false
  @exclusivity(unchecked) private var isDraining = false
  @exclusivity(unchecked) private var wantsHalfClose = false
  /// Why no more frames come, while the actor has not been told, and after it has been.
  @exclusivity(unchecked) private var inputFailure: (any Error)?
  @exclusivity(unchecked) private var isInputFailureTold = false
  /// Whether the turn has nothing to do with the socket any more.
  @exclusivity(unchecked) private var isDone = false
  /// How the connection ends, once that is decided.
  @exclusivity(unchecked) private var end: ConnectionEnd?
  @exclusivity(unchecked) private var isEndTold = false
  /// When the first byte of the frame came that is not complete. It is kept only if the options have a timeout for
  /// frames. 0 stands for no frame.
  @exclusivity(unchecked) private var frameBegan: Int64 = 0
  @exclusivity(unchecked) private var connectDeadline: Int64 = .max
  /// When a connection that lingers is cut off.
  @exclusivity(unchecked) private var lingerDeadline: Int64 = .max
  /// Whether somebody has written since the output was sent last.
  @exclusivity(unchecked) private var isFlushDue = false
  /// How many more frames and reads there may be before others have their turn.
  @exclusivity(unchecked) private var framesLeft = ConnectionCore.frameLimit
  @exclusivity(unchecked) private var readsLeft = ConnectionCore.readLimit

  private static let frameLimit = 256
  private static let readLimit = 16

  /// Makes a connection on a transport that is open, or is about to be if there is a `connectTimeout`.
  init(
    _ transport: any Transport, peer: Endpoint, system: ActorSystem, options: ConnectionOptions,
    connectTimeout: Duration? = nil, isConnecting: Bool, isActorsOwn: Bool,
    whenClosed: @escaping @Sendable (ConnectionCore) -> Void
  ) {
    self.transport = transport
    self.peer = peer
    self.system = system
    self.options = options
    self.isActorsOwn = isActorsOwn
    self.whenClosed = whenClosed
    localEndpoint = isConnecting ? .unix(path: "") : transport.local
    phase = isConnecting ? .connecting : .open
    // What the peer has sent at once is read without waiting to be told of it.
    canRead = !isConnecting
    canWrite = !isConnecting
    noteActivity()
    if let connectTimeout { connectDeadline = system.scheduler.deadline(after: connectTimeout) }
  }

  /// Gives the connection to the actor whose envelope `post` posts. It is called once, before anything else. The caller
  /// attaches the envelope after this.
  @usableFromInline func attach(sendsAtOnce: Bool, _ post: @escaping @Sendable () -> Void) {
    lock.withLock {
      self.post = post
      self.sendsAtOnce = sendsAtOnce
    }
    let error = transport.open(self)
    if error < 0 { end = .failed(NetworkError(.register, peer, code: -error)) }
    armTimer()
  }

  // MARK: From any thread

  /// Notes something for the actor's turn, and sets that going.
  private func signal(_ bits: UInt32) {
    // Acquire-release: publishes what was done before. Pairs with the exchange in `nextStep`.
    let before = signals.bitwiseOr(bits | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    if before & Signals.lingers != 0 {
      linger(bits)
    } else if before & Signals.posted == 0 {
      lock.withLock { post }?()
    }
  }

  @usableFromInline func becameReady(_ events: UInt32) {
    if events & Signals.writable != 0 && sendsAtOnce { sendOutsideOfTurn() }
    signal(events)
  }

  /// Sends output although the actor's turn may be waiting for something.
  private func sendOutsideOfTurn() {
    var woken: [RoomWaiter] = []
    lock.lock()
    if phase == .open && !isTransportClosed {
      canWrite = true
      if outputFailure == 0 { outputFailure = send() }
    }
    if output.count < options.outputMark { swap(&woken, &roomWaiters) }
    lock.unlock()
    for waiter in woken { waiter.parker.signal() }
  }

  func pauseReading() { isPaused.store(true, ordering: .relaxed) }
  func resumeReading() {
    // Relaxed: the signal publishes it.
    if isPaused.exchange(false, ordering: .relaxed) { signal(Signals.resume) }
  }
  func close() { signal(Signals.close) }
  func abort() { signal(Signals.abort) }
  func endOutput() { signal(Signals.halfClose) }
  func drain() { signal(Signals.drain) }

  var local: Endpoint { lock.withLock { localEndpoint } }
  var applicationProtocol: String? { transport.applicationProtocol }
  var pendingBytes: Int { pendingOutput.load(ordering: .relaxed) }

  /// Locks the output for one frame if fewer bytes wait than its mark. Returns nil if there are more, and why not if it
  /// is closed.
  @usableFromInline func beginDelivery() -> WriteOutcome? {
    lock.lock()
    if !isClosedForOutput && output.count < options.outputMark { return .written }
    defer { lock.unlock() }
    return isClosedForOutput ? .closed : nil
  }

  /// Locks the output for one frame. Returns why not if there is no room, or it is closed.
  @usableFromInline func beginWrite() -> WriteOutcome {
    lock.lock()
    if isClosedForOutput {
      lock.unlock()
      return .closed
    }
    guard output.count >= options.outputLimit else { return .written }
    if options.whenFull == .close { isClosedForOutput = true }
    lock.unlock()
    if options.whenFull == .close { signal(Signals.overflow) }
    return .full
  }

  /// Unlocks the output after a frame was put into it, and has it sent soon.
  @usableFromInline func endWrite() {
    if sendsAtOnce && canWrite && outputFailure == 0 { outputFailure = send() }
    pendingOutput.store(output.count, ordering: .relaxed)
    // What has been sent needs no turn.
    if output.isEmpty && outputFailure == 0 && sendsAtOnce { return lock.unlock() }
    let isFirst = !isFlushSignalled
    isFlushSignalled = true
    lock.unlock()
    if isFirst { signal(Signals.flush) }
  }

  /// Waits until the output is below its mark.
  nonisolated(nonsending) func waitForRoom(until deadline: Int64) async -> WriteOutcome {
    while true {
      let waiter = RoomWaiter()
      let outcome = lock.withLock { () -> WriteOutcome? in
        if isClosedForOutput { return .closed }
        if output.count < options.outputMark { return .written }
        roomWaiters.append(waiter)
        return nil
      }
      if let outcome { return outcome }
      let scheduler = system.scheduler
      let timer = deadline == .max ? nil : ActionTimer(deadline: deadline) { _ in waiter.parker.signal() }
      if let timer { scheduler.add(timer) }
      await waiter.parker.waitUnlessCancelled()
      if let timer { scheduler.cancel(timer) }
      lock.withLock { roomWaiters.removeAll { $0 === waiter } }
      if Task.isCancelled { return .cancelled }
      if deadline != .max && scheduler.preciseNow >= deadline && pendingBytes >= options.outputMark {
        return .timedOut
      }
    }
  }

  func deadline(after timeout: Duration?) -> Int64 { timeout.map { system.scheduler.deadline(after: $0) } ?? .max }

  private final class RoomWaiter: Sendable { let parker = Parker() }

  // MARK: In the actor's turn

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
  private func openStep() -> ConnectionStep? {
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
  private func others() -> ConnectionStep {
    framesLeft = Self.frameLimit
    readsLeft = Self.readLimit
    return .later
  }

  /// Lets the next signal post the envelope again. Returns false if there has been one meanwhile.
  private func isQuiet() -> Bool {
    if Poller.isTold {
      let canWrite = lock.withLock { self.canWrite }
      transport.want((canRead ? 0 : Signals.readable) | (canWrite ? 0 : Signals.writable))
    }
    framesLeft = Self.frameLimit
    readsLeft = Self.readLimit
    return signals.compareExchange(expected: Signals.posted, desired: 0, ordering: .acquiringAndReleasing).exchanged
  }

  private func absorb(_ bits: UInt32) {
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

  private func read() {
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

  private static let leastRead = 2048

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
  private func flush() -> Bool {
    var failure: Int32 = 0
    var woken: [RoomWaiter] = []
    isFlushDue = false
    lock.lock()
    isFlushSignalled = false
    if canWrite && outputFailure == 0 { outputFailure = send() }
    failure = outputFailure
    if output.count < options.outputMark && !roomWaiters.isEmpty { swap(&woken, &roomWaiters) }
    lock.unlock()
    for waiter in woken { waiter.parker.signal() }
    if failure == 0 { return true }
    closeNow(.failed(transport.failure ?? NetworkError(.write, peer, code: failure)))
    return false
  }

  /// Sends output until it is empty or the socket takes no more. Returns an error of the system, or 0. Under the lock.
  private func send() -> Int32 {
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

  private func endOutputNow() {
    lock.withLock {
      hasEndedOutput = true
      isClosedForOutput = true
      if !isTransportClosed { transport.endOutput() }
    }
  }

  // MARK: The end

  /// Closes the socket at once.
  private func closeNow(_ end: ConnectionEnd) {
    self.end = end
    isDone = true
    input.clear()
    let isAbort =
      switch end {
      case .aborted, .outputOverflow: true
      default: false
      }
    lock.lock()
    phase = .closed
    let rest = closeTransport(abort: isAbort)
    lock.unlock()
    rest.finish(self)
  }

  /// What has to be done after the lock is released.
  private struct Rest {
    var timer: ActionTimer?
    var waiters: [RoomWaiter] = []
    var isFirst = false

    func finish(_ core: ConnectionCore) {
      if let timer { core.system.scheduler.cancel(timer) }
      for waiter in waiters { waiter.parker.signal() }
      if isFirst { core.whenClosed(core) }
    }
  }

  /// Closes the socket. Under the lock.
  private func closeTransport(abort: Bool) -> Rest {
    var rest = Rest()
    isClosedForOutput = true
    if !isTransportClosed {
      isTransportClosed = true
      transport.close(abort: abort)
      rest.isFirst = true
    }
    output = OutputBuffer()
    pendingOutput.store(0, ordering: .relaxed)
    swap(&rest.waiters, &roomWaiters)
    swap(&rest.timer, &timer)
    post = nil
    return rest
  }

  /// Takes the connection away from the actor: what is left to do is done by whoever hears of something.
  private func beginLingering(_ end: ConnectionEnd) {
    self.end = end
    isDone = true
    input.clear()
    var woken: [RoomWaiter] = []
    lock.lock()
    phase = .lingering
    lingerDeadline = system.scheduler.deadline(after: options.closeTimeout)
    isClosedForOutput = true
    swap(&woken, &roomWaiters)
    let old = timer.take()
    lock.unlock()
    for waiter in woken { waiter.parker.signal() }
    if let old { system.scheduler.cancel(old) }
    let before = signals.bitwiseOr(Signals.lingers | Signals.posted, ordering: .acquiringAndReleasing).oldValue
    linger(before)
    setTimer(at: lingerDeadline)
  }

  /// Does what is left to do and can be done now. Any thread may call this when the connection lingers.
  private func linger(_ bits: UInt32) {
    lock.lock()
    guard phase == .lingering, !isTransportClosed else { return lock.unlock() }
    if bits & (Signals.readable | Signals.ended) != 0 { canRead = true }
    if bits & Signals.writable != 0 { canWrite = true }
    var isOver = bits & (Signals.abort | Signals.overflow) != 0
    // The timer of an earlier deadline may have fired just before.
    if bits & Signals.timer != 0 && system.scheduler.preciseNow >= lingerDeadline { isOver = true }
    let isAbort = isOver
    if !isOver && canWrite && send() != 0 { isOver = true }
    // Also while output waits: a peer that sends everything before it reads would wait for ever.
    if !isOver && !input.isAtEnd && canRead { throwInputAway() }
    if !isOver && output.isEmpty {
      if !hasEndedOutput {
        hasEndedOutput = true
        transport.endOutput()
      }
      isOver = input.isAtEnd && !transport.hasUnsent
    }
    if !isOver {
      if Poller.isTold { transport.want((canRead ? 0 : Signals.readable) | (canWrite ? 0 : Signals.writable)) }
      let hasMore = canRead && !input.isAtEnd
      lock.unlock()
      if hasMore { goOnLingering() }
      return
    }
    phase = .closed
    let rest = closeTransport(abort: isAbort)
    lock.unlock()
    rest.finish(self)
  }

  /// Has the rest of the input thrown away when others have had their turn: nothing else would tell of it.
  private func goOnLingering() {
    system.scheduler.add(
      ActionTimer(deadline: system.scheduler.preciseNow) { [weak self] _ in self?.signal(Signals.readable) })
  }

  /// Reads what the peer still sends, up to its end. Under the lock.
  private func throwInputAway() {
    let block = BlockPool.shared.take()
    defer { BlockPool.shared.give(block) }
    // Only so much at once: a peer that never ends must not keep this thread.
    for _ in 0..<Self.readLimit {
      let count = transport.read(UnsafeMutableRawBufferPointer(start: block, count: BlockPool.size))
      if count > 0 || count == SystemError.interrupted { continue }
      if count == SystemError.wouldBlock { canRead = false } else { input.isAtEnd = true }
      return
    }
  }

  @usableFromInline func actorEnded() {
    isEndTold = true
    if isDone { return }
    if phase == .connecting { closeNow(.byUs) } else { beginLingering(end ?? .byUs) }
  }

  @usableFromInline func incarnationEnded() -> Bool {
    if isActorsOwn && !isDone { return true }
    actorEnded()
    return false
  }

  // MARK: Time

  /// When the connection is closed unless something is sent or received.
  private var idleDeadline: Int64 {
    options.idleTimeout.map { lastActivity.load(ordering: .relaxed).saturatingAdd($0.nanosecondsClamped) } ?? .max
  }

  private func noteActivity() {
    if options.idleTimeout != nil { lastActivity.store(system.scheduler.coarseNow, ordering: .relaxed) }
  }

  /// Sets the timer for the earliest of the deadlines.
  private func armTimer() {
    var deadline = connectDeadline
    if phase == .open { deadline = min(deadline, idleDeadline) }
    if frameBegan != 0, let limit = options.frameTimeout {
      deadline = min(deadline, frameBegan.saturatingAdd(limit.nanosecondsClamped))
    }
    if deadline != .max { setTimer(at: deadline) }
  }

  /// Has the timer fire at a deadline, or at an earlier one that it has already.
  private func setTimer(at deadline: Int64) {
    let new = ActionTimer(deadline: deadline) { [weak self] timer in self?.timerFired(timer) }
    lock.lock()
    if isTransportClosed || (timer.map { $0.deadline <= deadline } ?? false) { return lock.unlock() }
    let old = timer
    timer = new
    lock.unlock()
    if let old { system.scheduler.cancel(old) }
    system.scheduler.add(new)
  }

  private func timerFired(_ fired: ActionTimer) {
    lock.withLock { if timer === fired { timer = nil } }
    signal(Signals.timer)
  }

  private func lookAtTimeouts() {
    let now = system.scheduler.preciseNow
    if now >= connectDeadline {
      if phase == .connecting { return closeNow(.failed(NetworkError(.connect, peer, reason: "no answer in time"))) }
    }
    guard phase == .open else { return armTimer() }
    if now >= idleDeadline {
      // The peer gets what has been written, if it takes it.
      if end == nil { end = .idle }
      return
    }
    if isFrameLate(now) {
      if isCongested || isPaused.load(ordering: .relaxed) {
        // It is this side that does not read.
        frameBegan = now
      } else if !canRead && !isInputFresh {
        return decodingFailed(FrameTimeout())
      }
      // Otherwise the rest of the frame may have come. The timer fires again if it has not.
    }
    armTimer()
  }

  private func isFrameLate(_ now: Int64) -> Bool {
    guard frameBegan != 0, let limit = options.frameTimeout else { return false }
    return now >= frameBegan.saturatingAdd(limit.nanosecondsClamped)
  }
}
