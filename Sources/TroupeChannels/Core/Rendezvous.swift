import Synchronization

/// The core of a channel without room: an element goes from hand to hand, and a send returns when its element was
/// taken.
///
/// Sendable because everything but the parkers is touched under the lock.
@usableFromInline final class Rendezvous<Element: ~Copyable>: @unchecked Sendable {
  /// `passedOver` is an offer of a selection that has ended, or completes another operation: it is not in the line any
  /// more, and its element is still there.
  enum State { case waiting, taken, closed, passedOver }

  /// A sender that waits with its element. The element belongs to whoever changes the state.
  final class Offer: @unchecked Sendable {
    let parker = Parker()
    fileprivate let element: UnsafeMutablePointer<Element>
    fileprivate var state = State.waiting
    fileprivate var next: Offer?
    fileprivate unowned(unsafe) var previous: Offer?
    /// The selection that the offer is one operation of; nil for a send by itself.
    fileprivate let claim: SelectClaim?

    fileprivate init(_ element: consuming Element, _ claim: SelectClaim? = nil) {
      self.element = .allocate(capacity: 1)
      self.element.initialize(to: element)
      self.claim = claim
    }
    deinit {
      if state != .taken { element.deinitialize(count: 1) }
      element.deallocate()
    }
  }

  private let lock = FutexLock()
  private var first: Offer?
  private unowned(unsafe) var last: Offer?
  private var isClosed = false
  /// Whether the receiver waits right now, so that `slot` is free for the sender that comes next.
  private var isReceiving = false
  /// The selection that the waiting receiver is one operation of; nil for a receive by itself.
  private var receiverClaim: SelectClaim?
  private var isHandedOver = false
  private let slot = UnsafeMutablePointer<Element>.allocate(capacity: 1)
  /// Where the receiver waits.
  let receiver = Parker()
  /// How many elements the receiver has taken in a task, wrapping at 256. Nobody but the receiver touches it.
  private var taken: UInt8 = 0

  @usableFromInline init() {}

  deinit {
    if isHandedOver { slot.deinitialize(count: 1) }
    slot.deallocate()
  }

  // MARK: Senders

  enum Arrival: ~Copyable {
    case taken
    case closed(Element)
    case waiting(Offer)
  }

  func arrive(_ element: consuming Element) -> Arrival {
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

  private func append(_ offer: Offer) {
    offer.previous = last
    if let last { last.next = offer } else { first = offer }
    last = offer
  }

  func tryArrive(_ element: consuming Element) -> Push<Element> {
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
  private func claimReceiver() -> Bool {
    guard isReceiving else { return false }
    guard let claim = receiverClaim else { return true }
    receiverClaim = nil
    if claim.take() { return true }
    isReceiving = false
    return false
  }

  /// Gives the element to the waiting receiver, and lets go of the lock.
  private func handOver(_ element: consuming Element) {
    slot.initialize(to: element)
    isReceiving = false
    isHandedOver = true
    lock.unlock()
    receiver.signal()
  }

  /// Ends the wait. If it returns the element, nobody has taken the element, and nobody will.
  func leave(_ offer: Offer, isCancelled: Bool) -> WaitingSendOutcome<Element> {
    lock.lock()
    defer { lock.unlock() }
    let state = offer.state
    offer.state = .taken
    switch state {
    case .taken: return .sent
    case .closed: return .closed(offer.element.move())
    case .passedOver: return .timedOut(offer.element.move())
    case .waiting:
      remove(offer)
      return isCancelled ? .cancelled(offer.element.move()) : .timedOut(offer.element.move())
    }
  }

  private func remove(_ offer: Offer) {
    let next = offer.next
    if let previous = offer.previous { previous.next = next } else { first = next }
    if let next { next.previous = offer.previous } else { last = offer.previous }
    offer.next = nil
    offer.previous = nil
  }

  // MARK: The receiver

  enum Poll: ~Copyable {
    case element(Element)
    case empty
    case closed
  }

  /// Takes what is there. If nothing is there and `arm` is set, the next sender hands its element over to the
  /// receiver, which is about to wait.
  func poll(arm: Bool) -> Poll {
    lock.lock()
    if isHandedOver {
      isHandedOver = false
      lock.unlock()
      return .element(slot.move())
    }
    while let offer = first {
      remove(offer)
      if let claim = offer.claim, !claim.take() {
        offer.state = .passedOver
        continue
      }
      offer.state = .taken
      let element = offer.element.move()
      lock.unlock()
      offer.parker.signal()
      return .element(element)
    }
    isReceiving = arm && !isClosed
    let closed = isClosed
    lock.unlock()
    return closed ? .closed : .empty
  }

  /// Counts an element that was taken. Returns whether the task has now taken 256 in a row and must let others run.
  /// Only the receiver calls it.
  func isTurnOver() -> Bool {
    taken &+= 1
    return taken == 0
  }

  /// Stops waiting. If an element was handed over in the meantime, it is returned.
  func disarm() -> Element? {
    lock.lock()
    defer { lock.unlock() }
    isReceiving = false
    receiverClaim = nil
    guard isHandedOver else { return nil }
    isHandedOver = false
    return slot.move()
  }

  // MARK: Selections

  /// Whether a receive would find something now: an element that was handed over, a sender that waits, or the end.
  var isReadyToReceive: Bool { lock.withLock { isHandedOver || first != nil || isClosed } }
  /// Whether a send would end now: the receiver waits, or the channel is closed.
  var isReadyToSend: Bool { lock.withLock { isReceiving || isClosed } }

  /// Makes the receiver wait as a part of a selection, unless there is something for it now. A sender of the same
  /// selection is not, since one selection completes one operation.
  func arm(_ claim: SelectClaim) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    var each = first
    while let offer = each, offer.claim?.waiter === claim.waiter { each = offer.next }
    if each != nil || isClosed { return false }
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
      offer.state = .closed
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
