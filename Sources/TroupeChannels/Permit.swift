/// Why no permit was had.
public enum ReserveError: Error, Hashable, Sendable {
  /// The receiver has closed the channel or is gone.
  case closed
  /// There is no room at the moment, or others wait for it already.
  case full
  /// More than the channel can ever have room for; so is every reservation on a rendezvous channel.
  case moreThanCapacity
  /// There was no room in time.
  case timedOut
  /// The task was cancelled while it waited.
  case cancelled
}

/// Room for one element in a bounded channel, taken in advance. Not to use it gives the room back, to the next that waits.
///
/// It counts as a sender: the channel does not close while it is out.
public struct Permit<Element: ~Copyable>: ~Copyable, Sendable {
  private let handle: SenderHandle<Element>
  private var isSpent = false

  init(_ handle: SenderHandle<Element>) { self.handle = handle }

  deinit {
    if !isSpent { handle.core.releasePermits(1) }
  }

  /// Sends an element; never waits. Works also after the receiver closed the channel: what was promised is kept.
  /// Refused only if the receiver is gone.
  public consuming func send(_ element: consuming sending Element) -> sending SendOutcome<Element> {
    isSpent = true
    return disconnected(handle.core.sendPermitted(element))
  }
}

/// Room for several elements in a bounded channel, taken in advance. What is not used is given back.
public struct Permits<Element: ~Copyable>: ~Copyable, Sendable {
  private let handle: SenderHandle<Element>
  /// Permits left.
  public private(set) var count: Int

  init(_ handle: SenderHandle<Element>, count: Int) {
    self.handle = handle
    self.count = count
  }

  deinit { handle.core.releasePermits(count) }

  /// Takes one of the permits; nil when none is left.
  public mutating func next() -> Permit<Element>? {
    guard count > 0 else { return nil }
    count -= 1
    return Permit(handle)
  }
}

extension BoundedSender where Element: ~Copyable {
  private func check(_ count: Int) throws(ReserveError) {
    guard count > 0 else { fatalError("Troupe: the number of permits must be positive") }
    if count > min(handle.core.capacity, TailWord.maximumPermits) { throw .moreThanCapacity }
  }

  /// Takes room for one element if there is some at once.
  public func tryReserve() throws(ReserveError) -> Permit<Element> {
    try check(1)
    try tryReserveRoom(1)
    return Permit(handle)
  }

  /// Takes room for `count` elements if there is enough at once. At most 262,143 permits can be out.
  public func tryReserve(_ count: Int) throws(ReserveError) -> Permits<Element> {
    try check(count)
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

  /// Takes room for one element, blocking the thread until there is some.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await reserve()` in asynchronous code; in main.swift, inside an async function"
  )
  public func reserve(timeout: Duration? = nil) throws(ReserveError) -> Permit<Element> {
    try check(1)
    try Self.get(handle.core.reserve(1, until: Self.deadline(timeout), call: "reserve()"))
    return Permit(handle)
  }

  /// Takes room for `count` elements, blocking the thread until there is enough. Those who came before are served before,
  /// also if they want more.
  @available(
    *, noasync,
    message:
      "this form blocks the thread; use `await reserve(_:)` in asynchronous code; in main.swift, inside an async function"
  )
  public func reserve(_ count: Int, timeout: Duration? = nil) throws(ReserveError) -> Permits<Element> {
    try check(count)
    try Self.get(handle.core.reserve(count, until: Self.deadline(timeout), call: "reserve(_:)"))
    return Permits(handle, count: count)
  }

  /// Takes room for one element, suspending the task until there is some.
  nonisolated(nonsending)
    public func reserve(timeout: Duration? = nil) async throws(ReserveError) -> Permit<Element>
  {
    try check(1)
    try Self.get(await handle.core.reserve(1, until: Self.deadline(timeout)))
    return Permit(handle)
  }

  /// Takes room for `count` elements, suspending the task until there is enough. Those who came before are served before,
  /// also if they want more.
  nonisolated(nonsending)
    public func reserve(_ count: Int, timeout: Duration? = nil) async throws(ReserveError) -> Permits<Element>
  {
    try check(count)
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
