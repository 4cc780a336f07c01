public import Synchronization

/// The core of a channel without room: an element goes from hand to hand, and a send returns when its element was
/// taken.
///
/// The code that handles elements is inlinable, so that it is specialized where the type of the elements is known.
///
/// Sendable because everything is touched under the lock, except for the parkers, the two words that say that an
/// element has changed hands, and `slot`, which `isHandedOver` publishes.
@usableFromInline final class Rendezvous<Element: ~Copyable>: @unchecked Sendable {
  /// A sender that waits with its element. The element belongs to whoever takes the offer out of the line.
  @usableFromInline final class Offer: @unchecked Sendable {
    @usableFromInline let parker = Parker()
    /// Whether the receiver has taken the element. The receiver stores it under the lock, and the sender loads it
    /// without. Releasing and acquiring, so that what the receiver did to `element` comes before the end of the offer.
    @usableFromInline let isTaken = Atomic<Bool>(false)
    /// Whether the channel was closed before the element was taken.
    @exclusivity(unchecked) @usableFromInline var isRefused = false
    @exclusivity(unchecked) @usableFromInline var element: Element?
    @exclusivity(unchecked) @usableFromInline var next: Offer?
    @exclusivity(unchecked) @usableFromInline unowned(unsafe) var previous: Offer?

    @inlinable init(_ element: consuming Element) { self.element = consume element }
  }

  @usableFromInline let lock = FutexLock()
  @exclusivity(unchecked) @usableFromInline var first: Offer?
  @exclusivity(unchecked) @usableFromInline unowned(unsafe) var last: Offer?
  @exclusivity(unchecked) @usableFromInline var isClosed = false
  /// Whether the receiver waits right now, so that `slot` is free for the sender that comes next.
  @exclusivity(unchecked) @usableFromInline var isReceiving = false
  /// Keeps what the receiver looks at while it waits off the cache line of the lock, which senders write.
  private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
  /// Where the receiver waits.
  @usableFromInline let receiver = Parker()
  /// Whether there is an element in `slot`. A sender stores true under the lock. The receiver loads it with or without
  /// the lock, and stores false when it takes the element. Releasing and acquiring: publishes `slot`.
  @usableFromInline let isHandedOver = Atomic<Bool>(false)
  @exclusivity(unchecked) @usableFromInline var slot: Element?
  /// How many elements the receiver has taken in a task, wrapping at 256. Nobody but the receiver touches it.
  private var taken: UInt8 = 0

  @usableFromInline init() {}

  // MARK: Senders

  @usableFromInline enum Arrival: ~Copyable {
    case taken
    case closed(Element)
    case waiting(Offer)
  }

  @inlinable func arrive(_ element: consuming Element) -> Arrival {
    lock.lock()
    if isClosed {
      lock.unlock()
      return .closed(element)
    }
    if isReceiving {
      handOver(element)
      return .taken
    }
    let offer = Offer(element)
    offer.previous = last
    if let last { last.next = offer } else { first = offer }
    last = offer
    lock.unlock()
    return .waiting(offer)
  }

  @inlinable func tryArrive(_ element: consuming Element) -> Push<Element> {
    lock.lock()
    if isClosed {
      lock.unlock()
      return .closed(element)
    }
    guard isReceiving else {
      lock.unlock()
      return .full(element)
    }
    handOver(element)
    return .done
  }

  /// Gives the element to the waiting receiver, and lets go of the lock.
  @inlinable func handOver(_ element: consuming Element) {
    slot = consume element
    isReceiving = false
    isHandedOver.store(true, ordering: .releasing)
    lock.unlock()
    receiver.signal()
  }

  /// Ends the wait. If it returns the element, nobody has taken the element, and nobody will.
  @inlinable func leave(_ offer: Offer, isCancelled: Bool) -> WaitingSendOutcome<Element> {
    if offer.isTaken.load(ordering: .acquiring) { return .sent }
    lock.lock()
    defer { lock.unlock() }
    // The receiver may have taken the element since.
    guard let element = offer.element.take() else { return .sent }
    if offer.isRefused { return .closed(element) }
    remove(offer)
    return isCancelled ? .cancelled(element) : .timedOut(element)
  }

  @inlinable func remove(_ offer: Offer) {
    let next = offer.next
    if let previous = offer.previous { previous.next = next } else { first = next }
    if let next { next.previous = offer.previous } else { last = offer.previous }
    offer.next = nil
    offer.previous = nil
  }

  // MARK: The receiver

  @usableFromInline enum Poll: ~Copyable {
    case element(Element)
    case empty
    case closed
  }

  /// Takes what is there. If nothing is there and `arm` is set, the next sender hands its element over to the
  /// receiver, which is about to wait.
  @inlinable func poll(arm: Bool) -> Poll {
    if let element = takeHandedOver() { return .element(element) }
    lock.lock()
    guard let offer = first else {
      isReceiving = arm && !isClosed
      let closed = isClosed
      lock.unlock()
      return closed ? .closed : .empty
    }
    remove(offer)
    let element = offer.element.take()
    offer.isTaken.store(true, ordering: .releasing)
    lock.unlock()
    offer.parker.signal()
    return .element(element!)
  }

  /// Takes the element that a sender has handed over, if there is one. No sender touches `slot` from the moment at
  /// which it has handed an element over to the moment at which the receiver waits again, so this needs no lock.
  @inlinable func takeHandedOver() -> Element? {
    // Acquiring: pairs with the releasing store in `handOver`.
    guard isHandedOver.load(ordering: .acquiring) else { return nil }
    // Relaxed: the lock, which the receiver takes before it waits again, publishes this and the empty slot.
    isHandedOver.store(false, ordering: .relaxed)
    return slot.take()
  }

  /// Counts an element that was taken. Returns whether the task has now taken 256 in a row and must let others run.
  /// Only the receiver calls it.
  func isTurnOver() -> Bool {
    taken &+= 1
    return taken == 0
  }

  /// Stops waiting. If an element was handed over in the meantime, it is returned.
  @inlinable func disarm() -> Element? {
    lock.lock()
    isReceiving = false
    lock.unlock()
    return takeHandedOver()
  }

  /// How many senders wait, as of a moment ago. This is O(n).
  var offerCount: Int {
    lock.withLock {
      var (count, each) = (0, first)
      while let offer = each { (count, each) = (count + 1, offer.next) }
      return count
    }
  }
  var isClosedNow: Bool { lock.withLock { isClosed } }
  /// Whether a sender would hand its element over at once.
  var isReceiverWaiting: Bool { lock.withLock { isReceiving } }

  func close() {
    lock.lock()
    isClosed = true
    isReceiving = false
    var each = first
    let closed = first
    while let offer = each {
      offer.isRefused = true
      each = offer.next
    }
    first = nil
    last = nil
    lock.unlock()
    each = closed
    while let offer = each {
      each = offer.next
      offer.next = nil
      offer.previous = nil
      offer.parker.signal()
    }
    receiver.signal()
  }
}
