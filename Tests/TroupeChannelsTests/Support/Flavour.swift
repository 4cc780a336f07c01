import Synchronization
import Testing

@testable import TroupeChannels

/// The kinds of channel that a test runs on.
enum Flavour: Hashable, Sendable, CustomTestStringConvertible {
  case unbounded
  case bounded(Int)
  case rendezvous

  static let all: [Flavour] = [.unbounded, .bounded(1), .bounded(3), .rendezvous]
  static let buffered: [Flavour] = [.unbounded, .bounded(1), .bounded(3)]
  static let waiting: [Flavour] = [.bounded(1), .bounded(3), .rendezvous]

  var testDescription: String {
    switch self {
    case .unbounded: "unbounded"
    case .bounded(let capacity): "bounded(\(capacity))"
    case .rendezvous: "rendezvous"
    }
  }

  /// How many elements fit without a receiver; an unbounded channel is filled past several blocks of large elements.
  var room: Int {
    switch self {
    case .unbounded: 9
    case .bounded(let capacity): capacity
    case .rendezvous: 0
    }
  }

  func channel<Element: ~Copyable>(of type: Element.Type = Element.self) -> TestChannel<Element> {
    switch self {
    case .unbounded: .unbounded(Channel.unbounded())
    case .bounded(let capacity): .bounded(Channel.bounded(capacity))
    case .rendezvous: .bounded(Channel.rendezvous())
    }
  }
}

/// A new channel of any flavour, to be taken apart like the real ones.
enum TestChannel<Element: ~Copyable>: ~Copyable {
  case unbounded(UnboundedChannel<Element>)
  case bounded(BoundedChannel<Element>)

  var sender: AnySender<Element> {
    switch self {
    case .unbounded(let channel): .unbounded(channel.sender)
    case .bounded(let channel): .bounded(channel.sender)
    }
  }

  consuming func receiver() -> Receiver<Element> {
    switch consume self {
    case .unbounded(let channel): return channel.receiver
    case .bounded(let channel): return channel.receiver
    }
  }
}

/// The sender of a channel of any flavour.
enum AnySender<Element: ~Copyable>: Sendable {
  case unbounded(Sender<Element>)
  case bounded(BoundedSender<Element>)

  private var core: ChannelCore<Element> { testCore }
  var testCore: ChannelCore<Element> {
    switch self {
    case .unbounded(let sender): sender.handle.core
    case .bounded(let sender): sender.handle.core
    }
  }

  func trySend(_ element: consuming sending Element) -> sending TrySendOutcome<Element> {
    switch self {
    case .unbounded(let sender): return sender.trySend(element)
    case .bounded(let sender): return sender.trySend(element)
    }
  }

  /// The blocking form; only for threads.
  func sendBlocking(
    _ element: consuming sending Element, timeout: Duration? = nil
  ) -> sending WaitingSendOutcome<Element> {
    switch self {
    case .unbounded(let sender):
      switch sender.send(element) {
      case .sent: return .sent
      case .closed(let element): return .closed(disconnected(element))
      }
    case .bounded(let sender): return sender.send(element, timeout: timeout)
    }
  }

  func send(_ element: consuming sending Element, timeout: Duration? = nil) async -> sending WaitingSendOutcome<Element>
  {
    switch self {
    case .unbounded(let sender):
      switch sender.send(element) {
      case .sent: return .sent
      case .closed(let element): return .closed(disconnected(element))
      }
    case .bounded(let sender): return await sender.send(element, timeout: timeout)
    }
  }

  var weak: AnyWeakSender<Element> {
    switch self {
    case .unbounded(let sender): .unbounded(sender.weak)
    case .bounded(let sender): .bounded(sender.weak)
    }
  }

  var count: Int { core.count }
  var isClosed: Bool { core.isClosed }
  var isRendezvous: Bool { core.capacity == 0 }
  func receiverGone() async { await core.waitUntilGone() }
  func isOtherEnd(of receiver: borrowing Receiver<Element>) -> Bool {
    switch self {
    case .unbounded(let sender): receiver.isSameChannel(as: sender)
    case .bounded(let sender): receiver.isSameChannel(as: sender)
    }
  }

  // MARK: What only tests may see

  /// The receiver has given up spinning and waits.
  var isReceiverWaiting: Bool {
    if let rendezvous = core.rendezvous { return rendezvous.isReceiverWaiting }
    return core.queue.state.pointee.tail.load(ordering: .acquiring) & TailWord.idle != 0
  }
  /// Senders that wait in line for room, or for the receiver of a rendezvous channel.
  var waitingSenders: Int { core.rendezvous?.offerCount ?? core.waiters.count }
}

extension BoundedSender where Element: ~Copyable {
  var waitingSenders: Int { AnySender.bounded(self).waitingSenders }
}

/// The weak sender of a channel of any flavour.
enum AnyWeakSender<Element: ~Copyable>: Sendable {
  case unbounded(WeakSender<Element>)
  case bounded(WeakBoundedSender<Element>)

  func upgrade() -> AnySender<Element>? {
    switch self {
    case .unbounded(let weak): weak.upgrade().map { .unbounded($0) }
    case .bounded(let weak): weak.upgrade().map { .bounded($0) }
    }
  }
}
