/// The reason why no permit could be taken.
public enum ReserveError: Error, Hashable, Sendable {
  /// The channel is closed, for one of the reasons at `SendError.closed`.
  case closed
  /// The channel has no room at the moment, or others are already waiting for it.
  case full
  /// The channel can never have room for so many elements. On a rendezvous channel, every reservation of one or more
  /// ends like this.
  case moreThanCapacity
  /// The channel had no room before the timeout passed.
  case timedOut
  /// The task was cancelled while it waited for room.
  case cancelled
}

/// Room for one element in a bounded channel, taken in advance. Use it to make sure that an element can be sent
/// before doing the work of making the element.
///
/// A permit that is dropped without being used gives its room to whoever waits next. Each permit counts as a sender:
/// the channel does not close while one is left.
public struct Permit<Element: ~Copyable>: ~Copyable, Sendable {
  private let handle: SenderHandle<Element>
  private var isSpent = false

  init(_ handle: SenderHandle<Element>) { self.handle = handle }

  deinit {
    if !isSpent { handle.core.releasePermits(1) }
  }

  /// Sends an element into the room that the permit holds, and never waits.
  ///
  /// This works even after the receiver has closed the channel, since the permit was a promise. The element is
  /// refused, and comes back in the outcome, only if the receiver is gone.
  public consuming func send(_ element: consuming sending Element) -> sending SendOutcome<Element> {
    isSpent = true
    return disconnected(handle.core.sendPermitted(element))
  }

  /// Gives the room to whoever waits next, as the end of the permit's life does. Use it where that life would end too
  /// late. It never waits.
  public consuming func release() {}
}

/// Room for several elements in a bounded channel, taken in advance. Permits that are not used are given back when
/// this value is dropped.
///
/// ```swift
/// var permits = try await sender.reserve(batch.count)
/// while let permit = permits.next() {
///   guard permit.send(batch.removeFirst()).isSent else { break }
/// }
/// ```
public struct Permits<Element: ~Copyable>: ~Copyable, Sendable {
  private let handle: SenderHandle<Element>
  /// How many permits are left.
  public private(set) var count: Int

  init(_ handle: SenderHandle<Element>, count: Int) {
    self.handle = handle
    self.count = count
  }

  deinit { handle.core.releasePermits(count) }

  /// Takes one of the permits, or returns nil if none is left.
  public mutating func next() -> Permit<Element>? {
    guard count > 0 else { return nil }
    count -= 1
    return Permit(handle)
  }

  /// Gives back the permits that are left, as the end of this value's life does. It never waits.
  public consuming func release() {}
}

extension BoundedSender where Element: ~Copyable {
  private func check(_ count: Int) throws(ReserveError) {
    guard count >= 0 else { fatalError("Troupe: the number of permits must not be negative, and is \(count)") }
    if count > min(handle.core.capacity, TailWord.maximumPermits) { throw .moreThanCapacity }
  }

  private func none() throws(ReserveError) -> Permits<Element> {
    if handle.core.isClosed { throw .closed }
    return Permits(handle, count: 0)
  }

  /// Takes room for one element if there is some at once. Never waits.
  ///
  /// It throws `full`, `closed` or `moreThanCapacity`.
  public func tryReserve() throws(ReserveError) -> Permit<Element> {
    try check(1)
    try tryReserveRoom(1)
    return Permit(handle)
  }

  /// Takes room for `count` elements if there is enough at once. Never waits.
  ///
  /// It throws `full`, `closed` or `moreThanCapacity`. A channel can have at most 262,143 permits out at a time. A
  /// `count` of zero gives no permits, unless the channel is closed. A negative one stops the program.
  public func tryReserve(_ count: Int) throws(ReserveError) -> Permits<Element> {
    try check(count)
    if count == 0 { return try none() }
    try tryReserveRoom(count)
    return Permits(handle, count: count)
  }

  private func tryReserveRoom(_ count: Int) throws(ReserveError) {
    switch handle.core.queue.reserve(count, fair: true) {
    case .reserved: return
    case .full: throw .full
    case .closed: throw .closed
    }
  }

  /// Takes room for one element, blocking the calling thread until there is some.
  ///
  /// Those who wait are served in the order in which they came. On a worker of an actor system, or on a thread that
  /// runs a task, the call stops the program with a message as soon as it would have to wait.
  /// - Parameter timeout: How long to wait at most; nil waits without limit.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await reserve()` in an async function or in a closure typed `async`"
  )
  public func reserve(timeout: Duration? = nil) throws(ReserveError) -> Permit<Element> {
    try check(1)
    try Self.get(handle.core.reserve(1, until: Self.deadline(timeout), call: "reserve()"))
    return Permit(handle)
  }

  /// Takes room for `count` elements, blocking the calling thread until there is enough.
  ///
  /// Those who wait are served in the order in which they came, even if the first of them wants more than there is
  /// and a later one would be content with less. A `count` of zero gives no permits and never waits; it throws `closed`
  /// if the channel is closed. A negative `count` stops the program, and so does waiting on a worker of an actor system
  /// or on a thread that runs a task.
  /// - Parameters:
  ///   - count: How many elements to take room for; at least zero.
  ///   - timeout: How long to wait at most; nil waits without limit.
  @available(
    *, noasync,
    message: "this form blocks the thread; use `await reserve(_:)` in an async function or in a closure typed `async`"
  )
  public func reserve(_ count: Int, timeout: Duration? = nil) throws(ReserveError) -> Permits<Element> {
    try check(count)
    if count == 0 { return try none() }
    try Self.get(handle.core.reserve(count, until: Self.deadline(timeout), call: "reserve(_:)"))
    return Permits(handle, count: count)
  }

  /// Takes room for one element, suspending the calling task until there is some.
  ///
  /// Those who wait are served in the order in which they came. If the task is cancelled while it waits, the call
  /// throws `cancelled`, and no room is taken.
  /// - Parameter timeout: How long to wait at most; nil waits without limit.
  nonisolated(nonsending)
    public func reserve(timeout: Duration? = nil) async throws(ReserveError) -> Permit<Element>
  {
    try check(1)
    try Self.get(await handle.core.reserve(1, until: Self.deadline(timeout)))
    return Permit(handle)
  }

  /// Takes room for `count` elements, suspending the calling task until there is enough.
  ///
  /// Those who wait are served in the order in which they came, even if the first of them wants more than there is
  /// and a later one would be content with less. If the task is cancelled while it waits, the call throws
  /// `cancelled`, and no room is taken. A `count` of zero gives no permits and never waits; it throws `closed` if the
  /// channel is closed. A negative `count` stops the program.
  /// - Parameters:
  ///   - count: How many elements to take room for; at least zero.
  ///   - timeout: How long to wait at most; nil waits without limit.
  nonisolated(nonsending)
    public func reserve(_ count: Int, timeout: Duration? = nil) async throws(ReserveError) -> Permits<Element>
  {
    try check(count)
    if count == 0 { return try none() }
    try Self.get(await handle.core.reserve(count, until: Self.deadline(timeout)))
    return Permits(handle, count: count)
  }

  private static func deadline(_ timeout: Duration?) -> Deadline { timeout.map { Deadline(after: $0) } ?? .never }

  private static func get(_ reserved: ChannelCore<Element>.Reserved) throws(ReserveError) {
    switch reserved {
    case .reserved: return
    case .closed: throw .closed
    case .timedOut: throw .timedOut
    case .cancelled: throw .cancelled
    }
  }
}
