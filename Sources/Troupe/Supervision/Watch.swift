/// What an actor hears beside its messages; `Behavior.signal`.
public enum Signal: Sendable {
  /// An actor that this one watches has ended. Everything that it sent here has come before.
  case terminated(Termination)
  /// A child of this one has failed for good. It may still be stopping.
  case childFailed(ActorFailure)
  /// No message has come for the time that `Context.setReceiveTimeout` was given.
  case receiveTimeout
}

/// One actor that watches another. In the watched cell's list until that ends, and in the watcher's table.
class Watch: @unchecked Sendable {
  let watcher: Cell
  let target: Cell
  /// Touched by the watcher's worker.
  @exclusivity(unchecked) var isActive = true

  /// Its place among those who watch the same actor: they hear in this order.
  @exclusivity(unchecked) var order = 0

  init(_ watcher: Cell, _ target: Cell) {
    self.watcher = watcher
    self.target = target
  }

  /// What the watcher gets when the target has ended.
  func parcel(_ termination: Termination) -> Parcel { SignalParcel(.terminated(termination), self) }

  var key: WatchKey { WatchKey(target, isLink: false) }

  /// On the watcher's worker: whether the notice still means something, which is then used up.
  func settle() -> Bool {
    guard isActive else { return false }
    isActive = false
    watcher.existingAnnex?.watches[key] = nil
    return true
  }
}

/// Links are apart from watches: nobody's watch is replaced because another links itself to it.
struct WatchKey: Hashable {
  private let target: ObjectIdentifier
  private let isLink: Bool
  init(_ target: Cell, isLink: Bool) {
    self.target = ObjectIdentifier(target)
    self.isLink = isLink
  }
}

/// Watching with a message in place of the signal.
final class MessageWatch<Message: ~Copyable>: Watch, @unchecked Sendable {
  @exclusivity(unchecked) private var make: @Sendable (Termination) -> Message

  init(_ watcher: Cell, _ target: Cell, _ make: @escaping @Sendable (Termination) -> Message) {
    self.make = make
    super.init(watcher, target)
  }

  override func parcel(_ termination: Termination) -> Parcel { WatchParcel(make(termination), self) }
}

/// Watching of actors that end together.
final class Link: Watch, @unchecked Sendable {
  override var key: WatchKey { WatchKey(target, isLink: true) }
  override func parcel(_ termination: Termination) -> Parcel { LinkParcel(self) }
}

/// A parcel with a signal.
final class SignalParcel: Parcel, @unchecked Sendable {
  private let signal: Signal
  private let watch: Watch?

  init(_ signal: Signal, _ watch: Watch? = nil) {
    self.signal = signal
    self.watch = watch
  }

  override func open(_ cell: Cell) -> Content {
    if let watch, !watch.settle() { return .nothing }
    return .signal(signal)
  }
  override func isMessage(_ cell: Cell) -> Bool { false }
}

private final class WatchParcel<Message: ~Copyable>: MessageParcel<Message>, @unchecked Sendable {
  private let watch: Watch

  init(_ message: consuming Message, _ watch: Watch) {
    self.watch = watch
    super.init(message)
  }

  override func open(_ cell: Cell) -> Content { watch.settle() ? .message : .nothing }
  override func isMessage(_ cell: Cell) -> Bool { watch.isActive }
}

private final class LinkParcel: Parcel, @unchecked Sendable {
  private let watch: Watch
  init(_ watch: Watch) { self.watch = watch }

  override func open(_ cell: Cell) -> Content {
    if watch.settle() { cell.control.post(ControlWord.linkEnded) }
    return .nothing
  }
  override func isMessage(_ cell: Cell) -> Bool { false }
}

extension Cell {
  /// On this cell's worker. In place of an earlier watch of the same actor.
  func watch(_ watch: Watch) {
    system.interceptor?.watches(watch.target, by: self)
    unwatch(watch.key)
    annex.watches[watch.key] = watch
    if let end = watch.target.addWatch(watch) { post(watch.parcel(end)) }
  }

  func unwatch(_ key: WatchKey) {
    guard let watch = existingAnnex?.watches.removeValue(forKey: key) else { return }
    watch.isActive = false
    watch.target.removeWatch(watch)
  }

  /// At the end of this cell: those that it watched forget it.
  func unwatchAll() {
    guard let annex = existingAnnex else { return }
    for watch in annex.watches.values {
      watch.isActive = false
      watch.target.removeWatch(watch)
    }
    annex.watches = [:]
  }

  /// From any thread. How this cell has ended, if it has: then the watch has not been entered.
  private func addWatch(_ watch: Watch) -> Termination? {
    lock.withLock {
      if let end { return end }
      let listeners = listeners()
      listeners.entered += 1
      watch.order = listeners.entered
      listeners.watches[ObjectIdentifier(watch)] = watch
      return nil
    }
  }

  private func removeWatch(_ watch: Watch) {
    let removed = lock.withLock { endListeners?.watches.removeValue(forKey: ObjectIdentifier(watch)) }
    // Outside the lock: it may be the last that holds a cell.
    _ = removed
  }
}

extension Context where Message: ~Copyable {
  /// Asks to hear of the end of another actor, by `signal(.terminated)`; at once if it has ended. Exactly one notice comes, after
  /// everything that the other has sent to this actor. To watch an actor twice is to watch it once.
  ///
  /// A restart is no end. The watch goes with this actor, not with its incarnation.
  public func watch<Other: ~Copyable>(_ other: Address<Other>) {
    let target = other.target.cell
    cell.watch(Watch(cell, target))
  }

  /// The same with a message of this actor's own in place of the signal. It is no part of a bounded mailbox's bound.
  public func watch<Other: ~Copyable>(
    _ other: Address<Other>, with message: @escaping @Sendable (Termination) -> Message
  ) {
    cell.watch(MessageWatch(cell, other.target.cell, message))
  }

  /// No notice comes any more, not even one that is on its way. A link stays.
  public func unwatch<Other: ~Copyable>(_ other: Address<Other>) {
    cell.unwatch(WatchKey(other.target.cell, isLink: false))
  }

  /// Ends with the other: whichever of the two ends, for whatever reason, the other one stops, as `linked`. If it has ended
  /// already, this one stops after the message in hand.
  public func link<Other: ~Copyable>(_ other: Address<Other>) {
    let target = other.target.cell
    guard target !== cell else { return }
    cell.watch(Link(cell, target))
    target.post(LinkRequest(target, cell))
  }
}

/// Makes the other side of a link, on its worker.
private final class LinkRequest: Parcel, @unchecked Sendable {
  private let watcher: Cell
  private let target: Cell
  init(_ watcher: Cell, _ target: Cell) {
    self.watcher = watcher
    self.target = target
  }

  override func open(_ cell: Cell) -> Content {
    watcher.watch(Link(watcher, target))
    return .nothing
  }
  override func isMessage(_ cell: Cell) -> Bool { false }
}
