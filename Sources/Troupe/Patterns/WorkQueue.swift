/// A queue for work pulling: producers add work, free workers ask for it, and no worker is given more than it asked
/// for.
///
/// ```swift
/// let queue = WorkQueue<Job>(in: system, "jobs", capacity: 100)
/// await queue.add(job).get()                                     // a producer: waits while 100 are queued
/// queue.pull(into: context.address.contramap { .job($0) })       // a worker: one piece of work, please
/// ```
/// A worker pulls when it starts and after each piece of work. Work is given out in the order in which it was added, to
/// the worker that has waited longest. What is given to a worker belongs to it: if it ends before it has handled that,
/// the work becomes a dead letter of the worker. What is queued when the queue's actor is stopped becomes dead letters.
/// From any thread.
public struct WorkQueue<Work: ~Copyable>: Sendable {
  private let intake: BoundedSender<WorkPiece<Work>>
  private let source: Address<WorkSource<Work>.Message>
  private let lost: Address<Work>

  /// Starts a queue.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the parent of the queue's actor.
  ///   - name: The name of the queue's actor; nil gives it a number.
  ///   - capacity: How many pieces of work may wait for a worker. The program stops if it is not between 1 and 2^30.
  public init(in spawner: some Spawner, _ name: String? = nil, capacity: Int) {
    guard capacity >= 1 else {
      fatalError("Troupe: the capacity of a work queue must be at least 1, and is \(capacity)")
    }
    let channel = Channel.bounded(capacity, of: WorkPiece<Work>.self)
    intake = channel.sender
    source = spawner.spawn(name, behavior: WorkSource(channel.receiver))
    lost = source.contramap { work in .lost(work) }
  }

  /// Adds work, suspending the task while there is no room. Waiting tasks get room in the order in which they came.
  ///
  /// If the queue is closed or has ended, the timeout passes, or the task is cancelled first, the work comes back in
  /// the outcome.
  /// - Parameters:
  ///   - work: The work to add.
  ///   - timeout: How long to wait at most, on the monotonic clock, as in channels; nil waits without limit.
  nonisolated(nonsending)
    public func add(
      _ work: consuming sending Work, timeout: Duration? = nil
    ) async -> sending WaitingSendOutcome<Work>
  {
    switch await intake.send(WorkPiece(work, lost), timeout: timeout) {
    case .sent:
      source.send(.arrived)
      return .sent
    case .closed(let piece): return .closed(assumeDisconnected(piece.take()))
    case .timedOut(let piece): return .timedOut(assumeDisconnected(piece.take()))
    case .cancelled(let piece): return .cancelled(assumeDisconnected(piece.take()))
    }
  }

  /// Adds work if there is room at once and nobody waits for room; otherwise gives it back. It never waits.
  public func tryAdd(_ work: consuming sending Work) -> sending TrySendOutcome<Work> {
    switch intake.trySend(WorkPiece(work, lost)) {
    case .sent:
      source.send(.arrived)
      return .sent
    case .full(let piece): return .full(assumeDisconnected(piece.take()))
    case .closed(let piece): return .closed(assumeDisconnected(piece.take()))
    }
  }

  /// Asks for one piece of work, which is sent to the worker when there is one. Asking n times gets n pieces.
  ///
  /// A worker that ends is forgotten. If the worker's mailbox has no room when its turn comes, the work goes to the
  /// next worker, and the log says so.
  public func pull(into worker: Address<Work>) { source.send(.pull(worker)) }

  /// About how many pieces of work wait for a worker.
  public var count: Int { intake.count }

  /// Closes the queue: it takes no more work, and those who wait for room get theirs back. Queued work is still given
  /// out, and then the queue ends.
  public func close() { source.send(.close) }

  /// Suspends until the queue has ended, and says how.
  public var termination: Termination { get async { await source.termination } }
}

/// A piece of work in the queue. If it is destroyed before it was taken, wherever that is, the work becomes a dead
/// letter of the queue's actor.
struct WorkPiece<Work: ~Copyable>: ~Copyable {
  private var work: Work?
  let lost: Address<Work>

  init(_ work: consuming Work, _ lost: Address<Work>) {
    self.work = .some(work)
    self.lost = lost
  }

  consuming func take() -> Work {
    guard let work = work.take() else {
      fatalError("Troupe: a piece of work was taken twice. This is a bug in Troupe.")
    }
    return work
  }

  deinit {
    if let work { lost.send(assumeDisconnected(work)) }
  }
}

/// The actor behind `WorkQueue`. It owns the receiving end of the channel that the work waits in.
struct WorkSource<Work: ~Copyable>: ~Copyable, Behavior {
  enum Message: ~Copyable {
    case arrived
    case pull(Address<Work>)
    case close
    /// Work whose piece was destroyed. Mostly that happens as the queue ends: then this message is refused, and so
    /// becomes a dead letter.
    case lost(Work)
  }

  private var queue: Receiver<WorkPiece<Work>>
  /// A piece of work that a worker refused, to be given out first.
  private var refused: WorkPiece<Work>?
  private var pulls: [Address<Work>] = []
  /// The number of pulls at the front that have been served.
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
      switch worker.trySend(assumeDisconnected(piece.take())) {
      case .sent: break
      case .closed(let work): refused = .some(WorkPiece(work, lost))
      case .full(let work):
        context.log("\(worker) asked for work and has no room for it in its mailbox, so the next that asks gets it")
        refused = .some(WorkPiece(work, lost))
      }
    }
    // One piece is taken ahead, to find out when the queue is empty.
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
