import Synchronization

/// The core of a channel without room: an element goes from hand to hand, and a send returns when its element was
/// taken.
///
/// Sendable because everything but the parkers is touched under the lock.
@usableFromInline final class Rendezvous<Element: ~Copyable>: @unchecked Sendable {
  enum State { case waiting, taken, closed }

  /// A sender that waits with its element. The element belongs to whoever changes the state.
  final class Offer: @unchecked Sendable {
    let parker = Parker()
    fileprivate let element: UnsafeMutablePointer<Element>
    fileprivate var state = State.waiting
    fileprivate var next: Offer?
    fileprivate unowned(unsafe) var previous: Offer?

    fileprivate init(_ element: consuming Element) {
      self.element = .allocate(capacity: 1)
      self.element.initialize(to: element)
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

  func tryArrive(_ element: consuming Element) -> Push<Element> {
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
    guard let offer = first else {
      isReceiving = arm && !isClosed
      let closed = isClosed
      lock.unlock()
      return closed ? .closed : .empty
    }
    remove(offer)
    offer.state = .taken
    let element = offer.element.move()
    lock.unlock()
    offer.parker.signal()
    return .element(element)
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
    guard isHandedOver else { return nil }
    isHandedOver = false
    return slot.move()
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
