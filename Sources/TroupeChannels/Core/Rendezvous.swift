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
    /// The selection that the offer is one operation of; nil for a send by itself.
    @usableFromInline let claim: SelectClaim?
    /// Whether the receiver has passed the offer over, because the selection that it is a part of has ended
    /// or completes another operation. It is not in the line any more, and its element is still there.
    @exclusivity(unchecked) @usableFromInline var isPassedOver = false
    @exclusivity(unchecked) @usableFromInline var element: Element?
    @exclusivity(unchecked) @usableFromInline var next: Offer?
    @exclusivity(unchecked) @usableFromInline unowned(unsafe) var previous: Offer?

    @inlinable init(_ element: consuming Element, _ claim: SelectClaim? = nil) {
      self.element = consume element
      self.claim = claim
    }
  }

  @usableFromInline let lock = FutexLock()
  @exclusivity(unchecked) @usableFromInline var first: Offer?
  @exclusivity(unchecked) @usableFromInline unowned(unsafe) var last: Offer?
  @exclusivity(unchecked) @usableFromInline var isClosed = false
  /// Whether the receiver waits right now, so that `slot` is free for the sender that comes next.
  @exclusivity(unchecked) @usableFromInline var isReceiving = false
  /// The selection that the waiting receiver is one operation of; nil for a receive by itself.
  @exclusivity(unchecked) @usableFromInline var receiverClaim: SelectClaim?
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
    if claimReceiver() {
      handOver(element)
      return .taken
    }
    let offer = Offer(element)
    append(offer)
    lock.unlock()
    return .waiting(offer)
  }

  /// Puts an offer at the end of the line. Called under the lock.
  @inlinable func append(_ offer: Offer) {
    offer.previous = last
    if let last { last.next = offer } else { first = offer }
    last = offer
  }

  @inlinable func tryArrive(_ element: consuming Element) -> Push<Element> {
    lock.lock()
    if isClosed {
      lock.unlock()
      return .closed(element)
    }
    guard claimReceiver() else {
      lock.unlock()
      return .full(element)
    }
    handOver(element)
    return .done
  }

  /// Whether the receiver waits and takes what it is given. A receiver that waits as a part of a selection does so only
  /// if that selection completes no other operation. Called under the lock.
  @inlinable func claimReceiver() -> Bool {
    guard isReceiving else { return false }
    guard let claim = receiverClaim else { return true }
    receiverClaim = nil
    if claim.take() { return true }
    isReceiving = false
    return false
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
    if offer.isPassedOver { return .timedOut(element) }
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
    // The receiver may have waited until now, and a sender may have handed an element over since the look above. The
    // next one must not find the slot free before it is.
    if let element = takeHandedOver() {
      lock.unlock()
      return .element(element)
    }
    while let offer = first {
      remove(offer)
      if let claim = offer.claim, !claim.take() {
        offer.isPassedOver = true
        continue
      }
      let element = offer.element.take()
      offer.isTaken.store(true, ordering: .releasing)
      lock.unlock()
      offer.parker.signal()
      return .element(element!)
    }
    isReceiving = arm && !isClosed
    let closed = isClosed
    lock.unlock()
    return closed ? .closed : .empty
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
    receiverClaim = nil
    lock.unlock()
    return takeHandedOver()
  }

  // MARK: Selections

  /// Whether a receive would find something now: an element that was handed over, a sender that waits, or the end.
  @usableFromInline var isReadyToReceive: Bool {
    lock.withLock { isHandedOver.load(ordering: .acquiring) || first != nil || isClosed }
  }
  /// Whether a send would end now: the receiver waits, or the channel is closed.
  @usableFromInline var isReadyToSend: Bool { lock.withLock { isReceiving || isClosed } }

  /// Makes the receiver wait as a part of a selection, unless there is something for it now. A sender of the same
  /// selection is not, since one selection completes one operation.
  func arm(_ claim: SelectClaim) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    var each = first
    while let offer = each, offer.claim?.waiter === claim.waiter { each = offer.next }
    if each != nil || isClosed || isHandedOver.load(ordering: .relaxed) { return false }
    isReceiving = true
    receiverClaim = claim
    return true
  }

  /// Ends the wait of a receiver that is a part of a selection. An element that was handed over stays for `poll`.
  func endSelecting() {
    lock.lock()
    defer { lock.unlock() }
    isReceiving = false
    receiverClaim = nil
  }

  enum Offering: ~Copyable {
    case waiting(Offer)
    /// The receiver waits now, or the channel is closed. The associated value is the element.
    case ready(Element)
  }

  /// Makes a sender wait in line as a part of a selection, unless it could be served now.
  func offer(_ element: consuming Element, _ claim: SelectClaim) -> Offering {
    lock.lock()
    defer { lock.unlock() }
    if isClosed || isReceiving && receiverClaim?.waiter !== claim.waiter { return .ready(element) }
    let offer = Offer(element, claim)
    offer.parker.link(to: claim.waiter)
    append(offer)
    return .waiting(offer)
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
    receiverClaim = nil
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
