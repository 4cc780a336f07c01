import Synchronization

/// What a cell needs only if its actor uses it. Made when it is first needed, and touched by the cell's worker alone.
final class Annex {
  /// Unstashed: before everything else.
  @exclusivity(unchecked) var front = ParcelList()
  /// At their places.
  @exclusivity(unchecked) var placed = ParcelList()
  @exclusivity(unchecked) var stash = ParcelList()
  /// What this actor watches, and what it is linked to.
  var watches: [WatchKey: Watch] = [:]
  @exclusivity(unchecked) var timers: TimerTable?
  var receiveTimeout: ReceiveTimeout?
  /// When the last message had been handled, on the scheduler's clock; kept while there is a receive timeout.
  var idleSince: Int64 = 0
  /// What was left of the turn when that was noted.
  var notedLeft = Turn.messages
  /// Work whose result will come as a message.
  private(set) var work: [ObjectIdentifier: (order: Int, task: Task<Void, Never>)] = [:]
  private var startedWork = 0
  /// What it ends with.
  var failure: FailureBox?
  /// When it failed, most recent last.
  var failures = FailureTimes()
  var restarts = 0
  var restartDelay = Duration.zero
  var restartTimer: ControlTimer?
  /// Set if the time in handlers is measured.
  var timeMeter: ActorMeter?

  func keep(_ task: Task<Void, Never>, for work: ObjectIdentifier) {
    startedWork += 1
    self.work[work] = (startedWork, task)
  }
  func workEnded(_ work: ObjectIdentifier) { self.work[work] = nil }
  /// In the order in which it was begun, so that in a simulation what follows from it has an order.
  func takeWork() -> [Task<Void, Never>] {
    defer { work = [:] }
    return work.values.sorted { $0.order < $1.order }.map(\.task)
  }

  var hasParcels: Bool { !front.isEmpty || !placed.isEmpty }
}

extension Cell {
  /// On the cell's worker.
  var annex: Annex {
    if let existingAnnex { return existingAnnex }
    let annex = Annex()
    existingAnnex = annex
    return annex
  }

  // MARK: Parcels

  /// Sends something beside the queue, and wakes the cell if it idles. False if the actor has ended.
  @discardableResult func post(_ parcel: Parcel) -> Bool {
    if isIntercepted { system.interceptor?.posts(parcel, to: self) }
    if let store {
      parcel.isExempt = true
      guard store.insert(parcel, exempt: true) != nil else { return false }
      post(ControlWord.parcels)
      return true
    }
    // Acquiring: not before what the poster sent itself.
    let word = queue.pointee.tail.load(ordering: .acquiring)
    parcel.position = isBounded ? word >> TailWord.boundedShift : word >> TailWord.shift
    guard parcels.push(parcel) else { return false }
    // Also if others are there already: whoever pushed the first may not have told the cell yet, and what
    // this poster sends next must not come before its parcel.
    post(ControlWord.parcels)
    return true
  }

  @usableFromInline func open(_ parcel: Parcel) -> Parcel.Content {
    if isIntercepted { system.interceptor?.opens(parcel, in: self) }
    return parcel.kind == .once ? openTimer(parcel) : parcel.open(self)
  }

  /// The parcel whose turn it is, if any. `head` is the index of the next message in the queue.
  @usableFromInline func nextParcel(at head: UInt) -> Parcel? {
    let annex = annex
    var parcel = annex.front.popFirst()
    if parcel == nil, let position = annex.placed.position, isReached(position, head) {
      parcel = annex.placed.popFirst()
    }
    if let store {
      if parcel == nil, let stored = store.popFirst() {
        if isBounded && !stored.isExempt { store.hasRoom(in: self) }
        parcel = stored
      }
      hasParcels = annex.hasParcels || store.count > 0
    } else {
      hasParcels = annex.hasParcels
    }
    return parcel
  }

  private func isReached(_ position: UInt, _ head: UInt) -> Bool {
    // A bounded index wraps.
    let mask = isBounded ? TailWord.boundedIndexMask : UInt.max
    return (head &- position) & mask <= mask / 2
  }

  /// On the cell's worker: takes in what has been posted.
  func collectParcels() {
    let annex = annex
    annex.placed.append(reversing: parcels.take())
    hasParcels = annex.hasParcels || (store?.count ?? 0) > 0
  }

  /// At the end: everything that has come beside the queue, and what is stashed, one after the other. Nothing
  /// comes any more.
  @usableFromInline func leftParcel() -> Parcel? {
    if let stack = parcels.close() { annex.placed.append(reversing: stack) }
    store?.close()
    while let parcel = store?.popFirst() {
      if parcel.isMessage(self) { return parcel }
    }
    guard let annex = existingAnnex else { return nil }
    while let parcel = annex.stash.popFirst() ?? annex.front.popFirst() ?? annex.placed.popFirst() {
      if parcel.isMessage(self) { return parcel }
    }
    return nil
  }
}
