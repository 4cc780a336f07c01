/// What an actor is told besides its messages; it comes to `Behavior.signal`.
public enum Signal: Sendable {
  /// An actor that this one watches has ended. Everything that it sent to this actor has come before.
  case terminated(Termination)
  /// A child of this actor has failed for good. It may still be stopping.
  case childFailed(ActorFailure)
  /// No message has come for the time that was given to `Context.setReceiveTimeout`.
  case receiveTimeout
}

/// One actor watching another. The watched cell has it in a list until it ends, and the watcher has it in its table.
class Watch: @unchecked Sendable {
  let watcher: Cell
  let target: Cell
  /// Whether the watch still counts. Only the watcher's worker touches it.
  @exclusivity(unchecked) var isActive = true

  /// The place among those who watch the same actor, who are told in this order.
  @exclusivity(unchecked) var order = 0

  init(_ watcher: Cell, _ target: Cell) {
    self.watcher = watcher
    self.target = target
  }

  /// What is posted to the watcher when the target has ended.
  func envelope(_ termination: Termination) -> Envelope { SignalEnvelope(.terminated(termination), self) }

  var key: WatchKey { WatchKey(target, isLink: false) }

  /// Whether the notice still means something; the watch is used up then. Called on the watcher's worker.
  func settle() -> Bool {
    guard isActive else { return false }
    isActive = false
    watcher.existingRareState?.watches[key] = nil
    return true
  }
}

/// What a watcher's table finds a watch by. Links are kept apart from watches, so that an actor's link to another one
/// does not replace its watch.
struct WatchKey: Hashable {
  private let target: ObjectIdentifier
  private let isLink: Bool
  init(_ target: Cell, isLink: Bool) {
    self.target = ObjectIdentifier(target)
    self.isLink = isLink
  }
}

/// A watch that sends a message in place of the signal.
final class MessageWatch<Message: ~Copyable>: Watch, @unchecked Sendable {
  @exclusivity(unchecked) private var make: @Sendable (Termination) -> Message

  init(_ watcher: Cell, _ target: Cell, _ make: @escaping @Sendable (Termination) -> Message) {
    self.make = make
    super.init(watcher, target)
  }

  override func envelope(_ termination: Termination) -> Envelope { WatchEnvelope(make(termination), self) }
}

/// A watch whose watcher ends with the target.
final class Link: Watch, @unchecked Sendable {
  override var key: WatchKey { WatchKey(target, isLink: true) }
  override func envelope(_ termination: Termination) -> Envelope { LinkEnvelope(self) }
}

/// An envelope that carries a signal.
final class SignalEnvelope: Envelope, @unchecked Sendable {
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
}

private final class WatchEnvelope<Message: ~Copyable>: MessageEnvelope<Message>, @unchecked Sendable {
  private let watch: Watch

  init(_ message: consuming Message, _ watch: Watch) {
    self.watch = watch
    super.init(message)
  }

  override func open(_ cell: Cell) -> Content { watch.settle() ? .message : .nothing }
  override var isMessage: Bool { watch.isActive }
}

private final class LinkEnvelope: Envelope, @unchecked Sendable {
  private let watch: Watch
  init(_ watch: Watch) { self.watch = watch }

  override func open(_ cell: Cell) -> Content {
    if watch.settle() { cell.mailbox.control.post(ControlWord.linkEnded) }
    return .nothing
  }
}

extension Cell {
  /// Enters a watch, in place of an earlier one of the same actor. Called on this cell's worker.
  func watch(_ watch: Watch) {
    system.interceptor?.watches(watch.target, by: self)
    unwatch(watch.key)
    rareState.watches[watch.key] = watch
    if let end = watch.target.addWatch(watch) { post(watch.envelope(end)) }
  }

  func unwatch(_ key: WatchKey) {
    guard let watch = existingRareState?.watches.removeValue(forKey: key) else { return }
    watch.isActive = false
    watch.target.removeWatch(watch)
  }

  /// Makes those that this cell watched forget it, at its end.
  func unwatchAll() {
    guard let rareState = existingRareState else { return }
    for watch in rareState.watches.values {
      watch.isActive = false
      watch.target.removeWatch(watch)
    }
    rareState.watches = [:]
  }

  /// Enters a watch of this cell, unless it has ended: then its end is returned. From any thread.
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
    // The watch is released outside the lock, since it may be the last that holds a cell.
    _ = removed
  }
}

extension Context where Message: ~Copyable {
  /// Asks to be told of the end of another actor, by `signal(.terminated)`; at once if it has ended. Use it to clean up
  /// after an actor, or to replace it. Exactly one notice comes, after everything that the other has sent to this
  /// actor. Watching an actor twice is the same as watching it once.
  ///
  /// A restart of the other actor is no end. The watch survives a restart of this one.
  public func watch<Other: ~Copyable>(_ other: Address<Other>) {
    let target = other.target.cell
    cell.watch(Watch(cell, target))
  }

  /// Asks to be told of the end of another actor by a message in place of the signal. The message does not count
  /// against a bounded mailbox's capacity.
  public func watch<Other: ~Copyable>(
    _ other: Address<Other>, with message: @escaping @Sendable (Termination) -> Message
  ) {
    cell.watch(MessageWatch(cell, other.target.cell, message))
  }

  /// Ends a watch: no notice comes any more, not even one that is on its way. A link stays.
  public func unwatch<Other: ~Copyable>(_ other: Address<Other>) {
    cell.unwatch(WatchKey(other.target.cell, isLink: false))
  }

  /// Ties the lives of two actors together: when one of them ends, for whatever reason, the other one stops with the
  /// reason `linked`. If the other has ended already, this one stops after the message in hand.
  public func link<Other: ~Copyable>(_ other: Address<Other>) {
    let target = other.target.cell
    guard target !== cell else { return }
    cell.watch(Link(cell, target))
    target.post(LinkRequest(target, cell))
  }
}

/// Asks an actor to make the other side of a link, on its own worker.
private final class LinkRequest: Envelope, @unchecked Sendable {
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
}
