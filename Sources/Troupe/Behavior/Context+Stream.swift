import Synchronization

/// What an actor receives from a stream that it takes in; see `Context.consume`.
public enum StreamEvent<Element: Sendable>: Sendable {
  /// The next element.
  case element(Element)
  /// The stream has ended.
  case finished
  /// The stream threw, and has ended.
  case failed(any Error)
}

/// A stream that an actor takes in.
public struct StreamSubscription: Sendable {
  fileprivate let task: Task<Void, Never>

  /// Takes no more elements from the stream. Elements that are on their way still come, but no message tells of the
  /// end. From any thread.
  public func cancel() { task.cancel() }
}

extension Context where Message: ~Copyable {
  /// Takes in an asynchronous sequence: each element comes as a message, and then its end does.
  ///
  /// At most `demand` elements are on their way at a time, that is, taken from the stream and not yet begun to be
  /// handled; so a slow actor slows the stream down. The messages take their places among the queued ones, do not count
  /// against a bounded mailbox's capacity, and survive a restart. When the actor ends, the stream is cancelled, and
  /// elements on their way become dead letters. A task on the system's workers iterates the sequence. A demand below 1
  /// or above 2^30 stops the program.
  @discardableResult
  public func consume<Stream: AsyncSequence & Sendable>(
    _ stream: Stream, demand: Int = 16,
    as message: @escaping @Sendable (StreamEvent<Stream.Element>) -> Message
  ) -> StreamSubscription where Stream.Element: Sendable {
    guard (1...1 << 30).contains(demand) else {
      fatalError("Troupe: a stream's demand must lie between 1 and 2^30, and is \(demand)")
    }
    return cell.consume(stream, demand, message)
  }
}

extension Cell {
  fileprivate func consume<Stream: AsyncSequence & Sendable, Message: ~Copyable>(
    _ stream: Stream, _ demand: Int, _ message: @escaping @Sendable (StreamEvent<Stream.Element>) -> Message
  ) -> StreamSubscription where Stream.Element: Sendable {
    let channel = Channel.bounded(demand, of: Void.self)
    let credit = channel.sender
    let flow = StreamFlow(channel.receiver)
    let task = TaskRunner(system.scheduler).start {
      await self.pump(stream, credit, flow, message)
    }
    rareState.keep(task, for: ObjectIdentifier(flow))
    return StreamSubscription(task: task)
  }

  nonisolated(nonsending) private func pump<Stream: AsyncSequence, Message: ~Copyable>(
    _ stream: Stream, _ credit: BoundedSender<Void>, _ flow: StreamFlow,
    _ message: @Sendable (StreamEvent<Stream.Element>) -> Message
  ) async where Stream.Element: Sendable {
    var end: StreamEvent<Stream.Element>? = .finished
    do {
      // Room is taken before the element: no element is taken from the stream that could not be passed on.
      var iterator = stream.makeAsyncIterator()
      while case .sent = await credit.send(()) {
        guard let element = try await iterator.next(isolation: #isolation) else { break }
        let envelope = StreamEnvelope<Message>(message(.element(element)), flow, isLast: false)
        if !post(envelope) { return deadLetter(.ended, Message.self) }
      }
    } catch {
      end = .failed(error)
    }
    if Task.isCancelled { end = nil }
    post(StreamEnvelope<Message>(end.map(message), flow, isLast: true))
  }
}

/// The room that a stream has for elements on their way. Sendable because only the actor's worker touches the receiver.
private final class StreamFlow: @unchecked Sendable {
  @exclusivity(unchecked) private var credit: Receiver<Void>
  init(_ credit: consuming Receiver<Void>) { self.credit = credit }

  func giveBack() { _ = credit.tryReceive() }
}

/// An element of a stream, or its end, on its way to the actor.
private final class StreamEnvelope<Message: ~Copyable>: MessageEnvelope<Message>, @unchecked Sendable {
  private let flow: StreamFlow
  private let isLast: Bool

  init(_ message: consuming Message?, _ flow: StreamFlow, isLast: Bool) {
    self.flow = flow
    self.isLast = isLast
    super.init(message)
  }

  override func open(_ cell: Cell) -> Content {
    if isLast { cell.existingRareState?.workEnded(ObjectIdentifier(flow)) } else { flow.giveBack() }
    return message == nil ? .nothing : .message
  }
  override var isMessage: Bool { message != nil && !isLast }
}
