public import Synchronization

/// An actor as the scheduler sees it: the receiving end of a channel, with what is needed to run a behavior
/// on what comes out.
///
/// It is untyped. Its queue, its behavior and the behavior's factory lie in one piece of raw memory, and
/// every typed step is in `Drain`, a function that was specialised for the behavior where the actor was
/// spawned. The cell holds itself from spawn until it has ended; addresses keep only the memory.
///
/// Sendable because what is not atomic or under `lock` belongs to the one worker that runs the cell, and
/// passes from one to the next by the queue's *idle* and *push* steps or by a run queue.
@usableFromInline package final class Cell: Recipient, @unchecked Sendable {
  /// `restarting`: the incarnation is on its way out. `waiting`: for the time of the next.
  @usableFromInline enum Phase: UInt8 { case new, running, suspended, restarting, waiting, stopping, ended }
  /// It has the isolation of its caller, the loop.
  @usableFromInline typealias AsyncBody = nonisolated(nonsending) @Sendable (AsyncLoop) async -> Void
  @usableFromInline enum Body {
    case sync((Cell, Worker) -> Void)
    case async(AsyncBody)
    case interleaved(@Sendable (Cell, isolated InterleavingExecutor) -> Void)
  }
  // An idle actor costs what this object and the memory at `queue` take. So nothing stands here that can be had from
  // elsewhere, and the small ones come first, where they leave no gap behind those of the superclass.
  @usableFromInline let traits: CellTraits
  /// The size of the memory at `queue` in steps of `CellCache.step`; 0 for a cell that is not kept for another life.
  let sizeClass: UInt8
  @usableFromInline @exclusivity(unchecked) var phase = Phase.new
  @usableFromInline @exclusivity(unchecked) var isStarted = false
  /// Something beside the queue waits for its turn.
  @usableFromInline @exclusivity(unchecked) var hasEnvelopes = false
  /// The end of a turn has to be noted: there is a table of children, or a receive timeout.
  @usableFromInline @exclusivity(unchecked) var notesTurns = false
  @exclusivity(unchecked) var incarnation: UInt32 = 1
  @exclusivity(unchecked) private var keptBits: UInt16 = 0
  @usableFromInline @exclusivity(unchecked) var marks = CellFlags()
  /// The worker of the pool that woke it last, 255 if none has.
  @exclusivity(unchecked) var wokenBy = UInt8.max
  @usableFromInline let control = ControlWord()
  let lock = FutexLock()
  /// The start of the memory: the queue, then what `BehaviorStorage` lays out.
  @usableFromInline let queue: UnsafeMutablePointer<QueueState>
  /// Nil: it is no actor's, but waits in a store or is about to begin. What it points at is never freed.
  @exclusivity(unchecked) private(set) var kind: Unmanaged<CellKind>?
  // Held, but for a cell that waits in a store.
  @exclusivity(unchecked) private var unmanagedSiblings: Unmanaged<ChildTable>
  @exclusivity(unchecked) private(set) var id: UInt64 = 0
  let envelopes = EnvelopeStack()
  let handler = HandlerState()
  /// Messages whose handler returned. Written by the cell's worker; anyone may read.
  @usableFromInline let handled = Atomic<Int>(0)
  /// If the traits say that there are settings: those, which stay the same all its life, and hold the rare
  /// state. Else it is the rare state, at which nobody looks but its worker.
  @exclusivity(unchecked) private var settingsOrRareState: AnyObject?
  // Under `lock`.
  @exclusivity(unchecked) private var heldChildren: Unmanaged<ChildTable>?
  @exclusivity(unchecked) var endReason = EndReason.living
  // Under the lock of `siblings`.
  @exclusivity(unchecked) var nextSibling: Unmanaged<Cell>?
  @exclusivity(unchecked) var previousSibling: Unmanaged<Cell>?

  /// A cell with `byteCount` bytes of memory, uninitialized.
  init(byteCount: Int, alignment: Int, sizeClass: Int, options: borrowing SpawnOptions, place: borrowing TreePosition) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: alignment)
    queue = memory.assumingMemoryBound(to: QueueState.self)
    unmanagedSiblings = place.unmanagedTable
    var traits = CellTraits()
    let dispatcher = options.box == nil ? nil : options.dispatcher.enter(place)
    if dispatcher != nil { traits.insert(.dispatcher) }
    settingsOrRareState = CellSettings.unlessDefault(options, place.name, dispatcher)
    if settingsOrRareState != nil { traits.insert(.settings) }
    if options.capacity != 0 { traits.insert(.bounded) }
    if options.box != nil && options.mailbox.store != nil { traits.insert(.store) }
    if options.box != nil && options.lifetime == .whileReferenced { traits.insert(.counted) }
    if place.withTable({ $0.isObserved }) { traits.insert(.observed) }
    if place.isIntercepted { traits.insert(.intercepted) }
    self.traits = traits
    self.sizeClass = UInt8(sizeClass)
    super.init(.cell)
  }

  /// The queue has been laid out: what the cell is from here on.
  @usableFromInline func begin(
    at place: borrowing TreePosition, kind: Unmanaged<CellKind>, isRestartable: Bool
  ) {
    self.kind = kind
    if isRestartable { marks.insert(.restartable) }
    id = place.id
    unmanagedSiblings = place.unmanagedTable.retain()
    place.withTable { if $0.isTop { _ = $0.unmanagedSystem.retain() } }
  }

  /// Lets go of what the ended cell kept, so that it may begin again as another actor's.
  func clear() {
    withSiblings { if $0.isTop { $0.unmanagedSystem.release() } }
    unmanagedSiblings.release()
    kind = nil
    endReason = .living
    phase = .new
    isStarted = false
    hasEnvelopes = false
    notesTurns = false
    marks = CellFlags()
    wokenBy = .max
    incarnation = 1
    nextSibling = nil
    previousSibling = nil
    stopBits = 0
    control.reset()
    envelopes.reset()
    // Relaxed: nobody else has this cell.
    handled.store(0, ordering: .relaxed)
  }

  deinit {
    UnsafeMutableRawPointer(queue).deallocate()
    if sizeClass != 0 { Worker.withCurrent { $0.freedMemory(CellCache.byteCount(Int(sizeClass))) } }
    // Nothing is held by one that waited in a store.
    if kind == nil { return }
    withSiblings { if $0.isTop { $0.unmanagedSystem.release() } }
    unmanagedSiblings.release()
    heldChildren?.release()
  }

  // The system is not counted, not even when it is copied: two workers that spawn would pass the count's cache line to
  // and fro. Every chain of owners ends in a cell at the top, which holds the system for all below.
  @usableFromInline var system: SystemCore { withSiblings { $0.system } }
  /// The table of the parent's children, in which this cell stands while it lives.
  var siblings: ChildTable { unmanagedSiblings.takeUnretainedValue() }
  /// Counts no references, unlike the way by `siblings`.
  @inline(__always) func withSiblings<R>(_ body: (ChildTable) -> R) -> R {
    unmanagedSiblings._withUnsafeGuaranteedRef { body($0) }
  }

  /// The table of this actor's children, if it has ever had any. On its worker, or under its lock.
  var children: ChildTable? { heldChildren?.takeUnretainedValue() }
  /// The same without counting references.
  @discardableResult @inline(__always) func withChildren<R>(_ body: (ChildTable) -> R) -> R? {
    heldChildren.map { $0._withUnsafeGuaranteedRef { body($0) } }
  }
  var hasChildTable: Bool { heldChildren != nil }
  /// Under the lock.
  func keepChildren(_ table: ChildTable) { heldChildren = .passRetained(table) }
  /// Under the lock, and the table is let go of outside of it.
  func takeChildren() -> Unmanaged<ChildTable>? {
    defer { heldChildren = nil }
    return heldChildren
  }
  /// Bits of the control lane that have come and are kept: who asked for the end, and whether the children have ended.
  var stopBits: UInt32 {
    get { UInt32(keptBits) }
    set { keptBits = UInt16(truncatingIfNeeded: newValue) }
  }
  /// Of the scheduler's clock.
  var latestNow: Int64 { withScheduler { $0.latestNow } }
  /// 20 ns, so for what has a deadline, and not for each message.
  var preciseNow: Int64 { withScheduler { $0.preciseNow } }
  /// Counts no references, unlike the way by `system`.
  @inline(__always) func withScheduler<R>(_ body: (any Scheduler) -> R) -> R {
    withSiblings { $0.unmanagedSystem._withUnsafeGuaranteedRef { body($0.scheduler) } }
  }
  var schedulerID: ObjectIdentifier {
    withSiblings { $0.unmanagedSystem._withUnsafeGuaranteedRef { $0.schedulerID } }
  }
  var isTimed: Bool { withSiblings { $0.isTimed } }
  @usableFromInline override var cell: Cell { self }
  /// Of an actor's.
  @inline(__always) func withKind<R>(_ body: (CellKind) -> R) -> R {
    guard let kind else { fatalError("Troupe: a cell was used that no actor has") }
    return kind._withUnsafeGuaranteedRef { body($0) }
  }
  var messageType: UnsafeRawPointer { withKind { $0.messageType } }
  var isAsync: Bool {
    withKind { if case .async = $0.body { true } else { false } }
  }
  /// The next in the stack of ended children that the table has; `ChildTable.ended` links them.
  var nextEnded: Unmanaged<Cell>? { UnsafeRawPointer(bitPattern: envelopes.link).map { .fromOpaque($0) } }
  /// Nil: the defaults.
  var settings: CellSettings? {
    guard traits.has(.settings) else { return nil }
    return settingsOrRareState.map { unsafeDowncast($0, to: CellSettings.self) }
  }
  /// On the cell's worker.
  var existingRareState: RareState? {
    get {
      if let settings { return settings.rareState }
      return settingsOrRareState.map { unsafeDowncast($0, to: RareState.self) }
    }
    set {
      if let settings { settings.rareState = newValue } else { settingsOrRareState = newValue }
    }
  }
  var name: String? { settings?.name }
  /// Where it runs; nil: on the pool.
  var dispatcher: DispatcherScheduler? { hasOwnDispatcher ? settings?.dispatcher : nil }

  /// Those who wait for room in a bounded mailbox.
  var waiters: SendWaiters? { settings?.waiters }

  /// `system/parent/child`; an actor without a name has `$` and a number.
  @usableFromInline package var path: String {
    siblings.path + "/" + (name ?? "$\(id)")
  }
}
