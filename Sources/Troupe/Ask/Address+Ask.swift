internal import CTroupeShims

extension Address where Message: ~Copyable {
  /// Sends a message that carries a reply, and suspends the task until the answer is there.
  ///
  /// ```swift
  /// let total = try await counter.ask { .total($0) }
  /// ```
  /// To have the error as an `AskError`, and not as `any Error`, write its type at the `do`, which works in a closure
  /// such as that of a `Task` too:
  ///
  /// ```swift
  /// do throws(AskError) { print(try await counter.ask { .total($0) }) } catch { print(error.reason) }
  /// ```
  /// The ask fails as soon as the actor has ended or ends, if its bounded mailbox is full, if the handler lets go of
  /// the reply without answering, if the timeout passes, or if the task is cancelled. An answer that comes too late is
  /// destroyed.
  /// - Parameters:
  ///   - timeout: How long to wait at most, on the system's clock; nil waits without limit. With zero or less the
  ///     message is sent, and the ask fails at once unless the answer is there already.
  ///   - fileID: The file that the error names; leave it as it is.
  ///   - line: The line that the error names; leave it as it is.
  ///   - message: Makes the message, given the reply that it carries.
  @inlinable
  nonisolated(nonsending)
    public func ask<Value: ~Copyable>(
      timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line,
      _ message: (consuming Reply<Value>) -> sending Message
    ) async throws(AskError) -> sending Value
  {
    let site = AskSite(timeout: timeout, fileID: fileID, line: line)
    let noted = try noteWait(site)
    defer { noted?.end() }
    let core = OneShotCore<Value>(start: start(site), limit: site.timeout ?? .zero)
    try post(message(Reply(core)), core, site)
    if core.look() == .nothing && TaskYield.isOnWorker {
      // The actor has just been made runnable on this thread, and most answers come within its turn.
      await TaskYield.point.enter()
    }
    if core.look() != .value { try await wait(for: core, site) }
    return disconnected(core.takeValue())
  }

  /// Asks with a payload that a closure cannot capture, because it is noncopyable or not Sendable. For the rest it is
  /// the same.
  @inlinable
  nonisolated(nonsending)
    public func ask<Payload: ~Copyable, Value: ~Copyable>(
      with payload: consuming sending Payload, timeout: Duration? = .seconds(5),
      fileID: StaticString = #fileID, line: UInt = #line,
      _ message: (consuming sending Payload, consuming Reply<Value>) -> sending Message
    ) async throws(AskError) -> sending Value
  {
    let site = AskSite(timeout: timeout, fileID: fileID, line: line)
    let noted = try noteWait(site)
    defer { noted?.end() }
    let core = OneShotCore<Value>(start: start(site), limit: site.timeout ?? .zero)
    try post(message(payload, Reply(core)), core, site)
    if core.look() == .nothing && TaskYield.isOnWorker {
      // The actor has just been made runnable on this thread, and most answers come within its turn.
      await TaskYield.point.enter()
    }
    if core.look() != .value { try await wait(for: core, site) }
    return disconnected(core.takeValue())
  }

  /// Sends a message that carries a reply, and blocks the thread until the answer is there.
  ///
  /// This form is for plain threads. On a worker of an actor system or inside a task it stops the program with a
  /// message as soon as it would have to wait.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await ask` in an async function or in a closure typed `async`"
  )
  @inlinable public func ask<Value: ~Copyable>(
    timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line,
    _ message: (consuming Reply<Value>) -> sending Message
  ) throws(AskError) -> sending Value {
    let site = AskSite(timeout: timeout, fileID: fileID, line: line)
    let core = OneShotCore<Value>(start: start(site), limit: site.timeout ?? .zero)
    try post(message(Reply(core)), core, site)
    let deadline = timeout.map { Deadline(after: $0) } ?? .never
    while true {
      switch core.wait(until: deadline, call: "ask") {
      case .value: return disconnected(core.takeValue())
      case .dropped: throw failure(core, site)
      case .nothing:
        if deadline.hasPassed { throw abandon(core, .timedOut(timeout ?? .zero), site) }
      }
    }
  }

  /// The time of the ask on the scheduler's clock, from which the deadline that the handler sees is counted. For a long
  /// timeout it is read from the cheap clock, since most asks are answered before they wait. The latest time that it
  /// may be by that clock is taken, so that no handler believes that an asker has given up when it has not.
  @usableFromInline func start(_ site: AskSite) -> Int64 {
    guard let timeout = site.timeout else { return .max }
    // Most targets are cells. One that is reached directly, without the overridden property `cell`, is not retained.
    if timeout < AskSite.long {
      return target.isCell ? unsafeDowncast(target, to: Cell.self).preciseNow : target.cell.preciseNow
    }
    return target.isCell ? unsafeDowncast(target, to: Cell.self).latestNow : target.cell.latestNow
  }

  /// Sends the message, or throws at once if it is refused.
  @inlinable func post<Value: ~Copyable>(
    _ message: consuming Message, _ core: OneShotCore<Value>, _ site: AskSite
  ) throws(AskError) {
    switch trySend(disconnected(message)) {
    case .sent: return
    case .full(let message):
      _ = consume message
      throw abandon(core, .mailboxFull, site)
    case .closed(let message):
      _ = consume message
      throw abandon(core, .ended, site)
    }
  }

  @usableFromInline func abandon<Value: ~Copyable>(
    _ core: OneShotCore<Value>, _ reason: AskError.Reason, _ site: AskSite
  ) -> AskError {
    core.abandon()
    return site.error(reason, target.cell, Message.self)
  }

  /// The error for a reply that was dropped, by the end of the actor or by its handler.
  @usableFromInline func failure<Value: ~Copyable>(_ core: OneShotCore<Value>, _ site: AskSite) -> AskError {
    // The deadline is read before the memory is given up.
    let deadline = core.deadline
    if let error = core.takeFailure() {
      let reason: AskError.Reason = error is ReplyEnded ? .ended : .failed(error)
      return site.error(reason, target.cell, Message.self)
    }
    if let timeout = site.timeout, target.cell.preciseNow >= deadline {
      // The handler's actor shed the message because nobody waits for it (`Behavior.isStale`), a moment before the
      // asker's timer fired.
      return site.error(.timedOut(timeout), target.cell, Message.self)
    }
    return site.error(.dropped, target.cell, Message.self)
  }

  /// Returns when the value is there. Only here are the timer and the cancellation handler set up, since most asks
  /// never get here.
  @usableFromInline
  nonisolated(nonsending)
    func wait<Value: ~Copyable>(for core: OneShotCore<Value>, _ site: AskSite) async throws(AskError)
  {
    let scheduler = target.cell.system.scheduler
    var deadline = core.deadline
    // The deadline is counted from now, by the exact clock. Compared with one that is counted from the ask, it is later
    // by its worker's turn, and not by a tick of the cheap clock.
    if let timeout = site.timeout, timeout >= AskSite.long { deadline = scheduler.deadline(after: timeout) }
    let timer = deadline == .max ? nil : AskTimer(deadline: deadline, core.address)
    defer { if let timer { scheduler.cancel(timer) } }
    if let timer, let timeout = site.timeout, timeout > .zero { scheduler.add(timer) }
    let note = site.note(target.cell, Message.self)
    defer { if let note { target.cell.system.interceptor?.waitsNoMore(for: note) } }
    // Looking at the task or at the clock costs something, and neither is needed before the first wait.
    var hasWaited = false
    while true {
      switch core.look() {
      case .value: return
      case .dropped:
        if let timer { scheduler.cancel(timer) }
        throw failure(core, site)
      case .nothing: break
      }
      if hasWaited && Task.isCancelled {
        if let timer { scheduler.cancel(timer) }
        throw abandon(core, .cancelled, site)
      }
      if let timeout = site.timeout, timeout <= .zero || hasWaited && scheduler.preciseNow >= deadline {
        if let timer { scheduler.cancel(timer) }
        throw abandon(core, .timedOut(timeout), site)
      }
      _ = await core.wait()
      core.forgetSignals()
      hasWaited = true
    }
  }
}

extension Address where Message: ~Copyable {
  /// If this runs in an asynchronous handler, notes who waits for whom, or throws if this ask would close a cycle.
  @usableFromInline func noteWait(_ site: AskSite) throws(AskError) -> AskWait? {
    guard let asker = LoopExecutor.withCurrentHandler({ $0.cell?.takeUnretainedValue() }) ?? nil else { return nil }
    let target = target.cell
    if let cycle = target.system.asks.enter(asker, target) { throw site.error(.cycle(cycle), target, Message.self) }
    return AskWait(asker: asker, target: target)
  }
}

/// The error of a reply whose message was still queued when its actor ended.
@usableFromInline struct ReplyEnded: Error {
  @usableFromInline init() {}
}
