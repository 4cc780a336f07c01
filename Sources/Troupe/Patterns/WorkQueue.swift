/// Work pulling: producers add work, workers ask for it when they are free, and nobody is given more than asked for.
///
/// ```swift
/// let queue = WorkQueue<Job>(in: system, "jobs", capacity: 100)
/// await queue.add(job).get()                                     // a producer: waits while 100 are queued
/// queue.pull(into: context.address.contramap { .job($0) })       // a worker: one piece of work, please
/// ```
/// A worker pulls when it starts and after each piece. Work goes to the workers in the order in which it was added, and to
/// whoever has waited longest. What is given to a worker is its own: if it ends before it has handled it, that is a dead letter
/// of the worker. What is queued when the queue's actor is stopped becomes dead letters. From any thread.
public struct WorkQueue<Work: ~Copyable>: Sendable {
  private let intake: BoundedSender<WorkPiece<Work>>
  private let source: Address<WorkSource<Work>.Message>
  private let lost: Address<Work>

  /// Starts a queue.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be its parent.
  ///   - capacity: Pieces of work that may wait for a worker; below 1, or above 2^30, stops the program.
  public init(in spawner: some Spawner, _ name: String? = nil, capacity: Int) {
    guard capacity >= 1 else { fatalError("Troupe: a work queue has room for 1 or more, not \(capacity)") }
    let channel = Channel.bounded(capacity, of: WorkPiece<Work>.self)
    intake = channel.sender
    source = spawner.spawn(name, behavior: WorkSource(channel.receiver))
    lost = source.contramap { work in .lost(work) }
  }

  /// Adds work, suspending the task while there is no room. Those who wait get room in the order in which they came.
  ///
  /// If the queue is closed or has ended, the timeout passes, or the task is cancelled first, the work comes back in the outcome.
  /// - Parameter timeout: How long to wait at most, on the monotonic clock, as in channels; nil waits without limit.
  nonisolated(nonsending)
    public func add(
      _ work: consuming sending Work, timeout: Duration? = nil
    ) async -> sending WaitingSendOutcome<Work>
  {
    switch await intake.send(WorkPiece(work, lost), timeout: timeout) {
    case .sent:
      source.send(.arrived)
      return .sent
    case .closed(let piece): return .closed(handingOn(piece.take()))
    case .timedOut(let piece): return .timedOut(handingOn(piece.take()))
    case .cancelled(let piece): return .cancelled(handingOn(piece.take()))
    }
  }

  /// Adds work if there is room at once and nobody waits for it; never waits.
  public func tryAdd(_ work: consuming sending Work) -> sending TrySendOutcome<Work> {
    switch intake.trySend(WorkPiece(work, lost)) {
    case .sent:
      source.send(.arrived)
      return .sent
    case .full(let piece): return .full(handingOn(piece.take()))
    case .closed(let piece): return .closed(handingOn(piece.take()))
    }
  }

  /// Asks for one piece of work, which is sent to the worker when there is one. Asking n times gets n pieces.
  ///
  /// A worker that ends is forgotten. If its mailbox has no room when its turn comes, the work goes to the next, and the log says so.
  public func pull(into worker: Address<Work>) { source.send(.pull(worker)) }

  /// About how many pieces of work wait for a worker.
  public var count: Int { intake.count }

  /// Takes no more work: who waits for room gets theirs back. What is queued is still given out; then the queue ends.
  public func close() { source.send(.close) }

  /// Suspends until the queue has ended.
  public var termination: Termination { get async { await source.termination } }
}

/// Work in the queue. What goes down with it, wherever that is, becomes a dead letter of the queue's actor.
struct WorkPiece<Work: ~Copyable>: ~Copyable {
  private var work: Work?
  let lost: Address<Work>

  init(_ work: consuming Work, _ lost: Address<Work>) {
    self.work = .some(work)
    self.lost = lost
  }

  consuming func take() -> Work {
    guard let work = work.take() else { fatalError("Troupe: a piece of work was taken twice") }
    return work
  }

  deinit {
    if let work { lost.send(handingOn(work)) }
  }
}

/// The actor behind `WorkQueue`. It owns the receiving end of the channel that the work waits in.
struct WorkSource<Work: ~Copyable>: ~Copyable, Behavior {
  enum Message: ~Copyable {
    case arrived
    case pull(Address<Work>)
    case close
    /// What went down with the queue: it is refused, since this actor has ended.
    case lost(Work)
  }

  private var queue: Receiver<WorkPiece<Work>>
  /// Work that a worker refused.
  private var refused: WorkPiece<Work>?
  private var pulls: [Address<Work>] = []
  /// Pulls before this one have been served.
  private var served = 0
  private var isClosing = false

  init(_ queue: consuming Receiver<WorkPiece<Work>>) { self.queue = queue }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .arrived: break
    case .pull(let worker):
      context.watch(worker)
      pulls.append(worker)
    case .close:
      queue.close()
      isClosing = true
    case .lost(let work): context.deadLetter(work)
    }
    giveOut(in: context)
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) {
    guard case .terminated(let end) = signal else { return }
    pulls.removeSubrange(..<served)
    served = 0
    pulls.removeAll { end.isOf($0) }
  }

  private mutating func giveOut(in context: Context<Message>) {
    while served < pulls.count {
      guard let piece = next(in: context) else { break }
      let worker = pulls[served]
      served += 1
      let lost = piece.lost
      switch worker.trySend(handingOn(piece.take())) {
      case .sent: break
      case .closed(let work): refused = .some(WorkPiece(work, lost))
      case .full(let work):
        context.log("\(worker) asked for work and has no room for it")
        refused = .some(WorkPiece(work, lost))
      }
    }
    // Looks ahead, to know when it is empty.
    if isClosing && refused == nil { refused = next(in: context) }
    if served > 64 && served * 2 > pulls.count {
      pulls.removeSubrange(..<served)
      served = 0
    }
  }

  private mutating func next(in context: Context<Message>) -> WorkPiece<Work>? {
    if let piece = refused.take() { return piece }
    switch queue.tryReceive() {
    case .received(let piece): return piece
    case .empty: return nil
    case .closed:
      context.stop()
      return nil
    }
  }
}
