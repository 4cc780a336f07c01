import Synchronization
import TestSupport

@testable import TroupeChannels

/// What a selection ended with.
enum Event: Hashable, Sendable {
  case received(Int, Int?)
  case sent(Int, Bool)
  case otherwise
}

/// The ends of some channels, by their places.
///
/// Sendable because a test gives it to one thread or task at a time.
final class Sides: @unchecked Sendable {
  final class Side {
    var sender: AnySender<Int>?
    var receiver: Receiver<Int>?
    var pending: Int?
    init(_ flavour: Flavour) {
      let channel = flavour.channel(of: Int.self)
      sender = channel.sender
      receiver = channel.receiver()
    }
  }
  let all: [Side]
  init(_ flavours: [Flavour]) { all = flavours.map(Side.init) }

  subscript(_ place: Int) -> Side { all[place] }
  var places: Range<Int> { all.indices }

  func bounded(_ place: Int) -> BoundedSender<Int> {
    guard case .bounded(let sender) = all[place].sender else { fatalError("the channel has no bound") }
    return sender
  }

  /// Names the receive of each of the channels.
  func receiveAny(_ select: inout Selection<Event>) {
    for place in places { select.receive(&all[place].receiver!) { .received(place, $0) } }
  }
  /// Names the send to each of the channels.
  func sendAny(_ select: inout Selection<Event>) {
    for place in places { select.send(&all[place].pending, to: bounded(place)) { .sent(place, $0) } }
  }

  func tryReceive(_ place: Int) -> TryReceiveOutcome<Int> { all[place].receiver!.tryReceive() }

  /// Whether a receive would find something now.
  func isSomethingThere(_ place: Int) -> Bool { all[place].receiver!.isSomethingThere() }

  /// Fills the channel up to its bound.
  func fill(_ place: Int) {
    while all[place].sender!.trySend(-1) == .sent {}
  }
}

extension Form {
  /// One selection, in one of the forms that wait.
  func select(
    _ sides: Sides, inOrder: Bool = false,
    _ operations: @escaping @Sendable (Sides, inout Selection<Event>) -> Void
  ) async -> Event? {
    if self == .asynchronous { return await Channel.select(inOrder: inOrder) { operations(sides, &$0) } }
    return await TestThread { Channel.select(inOrder: inOrder) { operations(sides, &$0) } }.value
  }

  /// The same, while the caller goes on.
  func selecting(
    _ sides: Sides, inOrder: Bool = false,
    _ operations: @escaping @Sendable (Sides, inout Selection<Event>) -> Void
  ) -> Selecting { Selecting { await select(sides, inOrder: inOrder, operations) } }
}

/// A selection that waits in a task. The thread sanitizer does not always see that what a thread did comes before what
/// the task sees that waited for its end, so that is said by an atomic here.
final class Selecting: Sendable {
  private let hasEnded: Flag
  private let task: Task<Event?, Never>
  private final class Flag: Sendable { let isSet = Atomic<Bool>(false) }

  init(_ body: @escaping @Sendable () async -> Event?) {
    let hasEnded = Flag()
    self.hasEnded = hasEnded
    task = Task {
      let event = await body()
      hasEnded.isSet.store(true, ordering: .releasing)
      return event
    }
  }

  func cancel() { task.cancel() }
  var value: Event? {
    get async {
      let event = await task.value
      _ = hasEnded.isSet.load(ordering: .acquiring)
      return event
    }
  }
}

/// A clock that a test moves.
final class ManualClock: Clock, @unchecked Sendable {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
  }

  // Everything is touched under the lock.
  private let lock = FutexLock()
  private var time = Instant(offset: .zero)
  private var sleepers: [Int: (deadline: Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
  private var cancelled: Set<Int> = []
  private var count = 0

  var now: Instant { lock.withLock { time } }
  var minimumResolution: Duration { .nanoseconds(1) }
  var sleeperCount: Int { lock.withLock { sleepers.count } }

  func advance(by duration: Duration) {
    let due = lock.withLock {
      time = time.advanced(by: duration)
      let due = sleepers.filter { $0.value.deadline <= time }
      for id in due.keys { sleepers[id] = nil }
      return due
    }
    for sleeper in due.values { sleeper.continuation.resume() }
  }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = lock.withLock {
      count += 1
      return count
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = lock.withLock {
          if cancelled.contains(id) { return .failure(CancellationError()) }
          if deadline <= time { return .success(()) }
          sleepers[id] = (deadline, continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let sleeper = lock.withLock {
        cancelled.insert(id)
        return sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}

extension Receiver where Element: ~Copyable {
  fileprivate mutating func isSomethingThere() -> Bool { core.receiveReadiness == .ready }
}
