internal import CTroupeShims

extension Context where Message: ~Copyable {
  /// Does asynchronous work beside the actor, on its system's workers, and sends the result to the actor as a message.
  ///
  /// The actor goes on with other messages meanwhile. The message takes its place among the queued ones, does not count
  /// against a bounded mailbox's capacity, and survives a restart. When the actor ends, the work is cancelled, and its
  /// result becomes a dead letter. The work costs a task; it must not block the thread.
  public func pipe<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value,
    as message: @escaping @Sendable (Result<Value, any Error>) -> Message
  ) {
    cell.pipe { () async -> Message in
      do { return message(.success(try await work())) } catch { return message(.failure(error)) }
    }
  }

  /// Asks another actor without waiting: the answer, or the error, comes to this actor as a message.
  ///
  /// See `Address.ask` for what makes it fail. When this actor ends, the ask is abandoned.
  public func ask<Other: ~Copyable, Value: Sendable>(
    _ other: Address<Other>, timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line,
    _ request: @escaping @Sendable (consuming Reply<Value>) -> sending Other,
    as message: @escaping @Sendable (Result<Value, AskError>) -> Message
  ) {
    cell.pipe { () async -> Message in
      do throws(AskError) {
        return message(.success(try await other.ask(timeout: timeout, fileID: fileID, line: line, request)))
      } catch {
        return message(.failure(error))
      }
    }
  }
}

extension Cell {
  fileprivate func pipe<Message: ~Copyable>(_ work: @escaping @Sendable () async -> Message) {
    let envelope = WorkEnvelope<Message>()
    let task = TaskRunner(system.scheduler).start {
      envelope.message = await work()
      if !self.post(envelope) { self.deadLetter(.ended, Message.self) }
    }
    rareState.keep(task, for: ObjectIdentifier(envelope))
  }

  /// Cancels all work at the end of the actor, since nobody waits for the results.
  func cancelWork() {
    guard let rareState = existingRareState else { return }
    for task in rareState.takeWork() { task.cancel() }
  }
}

/// The result of an actor's work, on its way to the actor.
private final class WorkEnvelope<Message: ~Copyable>: MessageEnvelope<Message>, @unchecked Sendable {
  init() { super.init(nil) }

  override func open(_ cell: Cell) -> Content {
    cell.existingRareState?.workEnded(ObjectIdentifier(self))
    return .message
  }
}
