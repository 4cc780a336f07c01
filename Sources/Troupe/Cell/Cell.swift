public import Synchronization

/// An actor as the scheduler sees it: the receiving end of a channel, with what is needed to run a behavior on what
/// comes out. It is the object behind an `Address`.
///
/// A cell is composed of one type for each concern, and a reader of one need not know the others:
/// - `Mailbox`: how messages, control bits and envelopes get in;
/// - `LifeCycle`: where the actor is between its start and its end;
/// - `TreeNode`: its parent, siblings and path;
/// - `CellKind`: the code that it runs, the same for all actors of one behavior;
/// - `CellTraits`, `CellSettings` and `RareState`: what only some actors need.
///
/// It is untyped. Its queue, its behavior and the behavior's factory lie in one piece of raw memory, and every typed
/// step is in `Drain`, a function that was specialised for the behavior where the actor was spawned. The cell holds
/// itself from spawn until it has ended; addresses keep only the memory.
///
/// Sendable because what is not atomic or under `lock` belongs to the one worker that runs the cell, and passes from
/// one worker to the next by the queue's *idle* and *push* steps or by a run queue.
@usableFromInline package final class Cell: Recipient, @unchecked Sendable {
  // An idle actor costs what this object and the memory at `mailbox.queue` take. So nothing stands here that can be had
  // from elsewhere, and the small properties come first, where they leave no gap behind those of the superclass.

  /// What holds for the actor from its spawn to its end.
  @usableFromInline let traits: CellTraits
  /// The size of the memory at `mailbox.queue` in steps of `CellCache.step`; 0 for a cell that is not kept for another
  /// actor.
  let sizeClass: UInt8
  /// Whether something beside the queue waits to be opened.
  @usableFromInline @exclusivity(unchecked) var hasEnvelopes = false
  /// Whether the beginning and the end of a turn have to be noted, because the actor has children, a receive timeout
  /// or a measured time, or ends when no address is left.
  @usableFromInline @exclusivity(unchecked) var notesTurns = false
  /// What changes seldom, and only on the cell's worker.
  @usableFromInline @exclusivity(unchecked) var flags = CellFlags()
  /// The index of the pool's worker that woke the cell last; 255 if none has.
  @exclusivity(unchecked) var wokenBy = UInt8.max
  @usableFromInline @exclusivity(unchecked) var life = LifeCycle()
  @usableFromInline let mailbox: Mailbox
  /// Guards the table of children and `endState`.
  let lock = FutexLock()
  /// The code that the cell runs. It is nil while the cell waits in a cache, or is about to begin. What it points at is
  /// never freed.
  @exclusivity(unchecked) private(set) var kind: Unmanaged<CellKind>?
  @exclusivity(unchecked) private(set) var tree: TreeNode
  @exclusivity(unchecked) var links = SiblingLinks()
  /// Which loop runs an asynchronous handler that has been suspended.
  let handler = HandlerState()
  /// The number of messages whose handler has returned. The cell's worker writes it; anyone may read it.
  @usableFromInline let handled = Atomic<Int>(0)
  /// If the traits say that there are settings, this is a `CellSettings`, which stays the same as long as the actor
  /// lives, and which holds the rare state too. If not, it is the `RareState`, which only the cell's worker looks at.
  @exclusivity(unchecked) private var settingsOrRareState: AnyObject?
  /// The table of the actor's children, which is made for the first of them. It is held, and guarded by `lock`.
  @exclusivity(unchecked) private var heldChildren: Unmanaged<ChildTable>?
  /// Who waits for the actor's end, and how it ended. It is guarded by `lock`.
  @exclusivity(unchecked) var endState = EndState.living

  /// A cell with `byteCount` bytes of memory, uninitialized.
  init(byteCount: Int, alignment: Int, sizeClass: Int, options: borrowing SpawnOptions, place: borrowing TreePosition) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: alignment)
    mailbox = Mailbox(queue: memory.assumingMemoryBound(to: QueueState.self))
    tree = TreeNode(at: place)
    var traits = CellTraits()
    let dispatcher = options.box == nil ? nil : options.dispatcher.enter(place)
    if dispatcher != nil { traits.insert(.dispatcher) }
    settingsOrRareState = CellSettings.unlessDefault(options, place.name, dispatcher)
    if settingsOrRareState != nil { traits.insert(.settings) }
    if options.capacity != 0 { traits.insert(.bounded) }
    if options.box != nil && options.mailbox.store != nil { traits.insert(.store) }
    if options.box != nil && options.lifetime == .whileReferenced { traits.insert(.endsUnreferenced) }
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
    if isRestartable { flags.insert(.restartable) }
    tree = TreeNode(at: place)
    tree.retain()
  }

  /// Lets go of what the ended cell kept, so that it may begin again as another actor's.
  func clear() {
    tree.release()
    links = SiblingLinks()
    kind = nil
    endState = .living
    life = LifeCycle()
    hasEnvelopes = false
    notesTurns = false
    flags = CellFlags()
    wokenBy = .max
    mailbox.reset()
    // Relaxed: nobody else has this cell.
    handled.store(0, ordering: .relaxed)
  }

  deinit {
    UnsafeMutableRawPointer(mailbox.queue).deallocate()
    if sizeClass != 0 { Worker.withCurrent { $0.freedMemory(CellCache.byteCount(Int(sizeClass))) } }
    // A cell that waited in a `CellCache` holds nothing, because `clear` has released it already.
    if kind == nil { return }
    tree.release()
    heldChildren?.release()
  }

  /// The table of this actor's children, if it has ever had any. Only the cell's worker, or whoever has the
  /// cell's lock, may read it.
  var children: ChildTable? { heldChildren?.takeUnretainedValue() }
  /// Calls `body` with the table of children, if there is one, without counting references.
  @discardableResult @inline(__always) func withChildren<R>(_ body: (ChildTable) -> R) -> R? {
    heldChildren.map { $0._withUnsafeGuaranteedRef { body($0) } }
  }
  var hasChildTable: Bool { heldChildren != nil }
  /// Keeps the table of children. The caller has the lock.
  func keepChildren(_ table: ChildTable) { heldChildren = .passRetained(table) }
  /// Takes the table of children away. The caller has the lock, and releases the table when it has given the lock up.
  func takeChildren() -> Unmanaged<ChildTable>? {
    defer { heldChildren = nil }
    return heldChildren
  }
  @usableFromInline override var cell: Cell { self }
  /// Calls `body` with the cell's kind. The cell must belong to an actor.
  @inline(__always) func withKind<R>(_ body: (CellKind) -> R) -> R {
    guard let kind else { fatalError("Troupe: a cell was used that belongs to no actor. This is a bug in Troupe.") }
    return kind._withUnsafeGuaranteedRef { body($0) }
  }
  var messageType: UnsafeRawPointer { withKind { $0.messageType } }
  var isAsync: Bool {
    withKind { if case .async = $0.body { true } else { false } }
  }
  /// The settings of the actor; nil if all of them have their defaults.
  var settings: CellSettings? {
    guard traits.has(.settings) else { return nil }
    return settingsOrRareState.map { unsafeDowncast($0, to: CellSettings.self) }
  }
  /// The rare state, if there is one. Only the cell's worker may use it.
  var existingRareState: RareState? {
    get {
      if let settings { return settings.rareState }
      return settingsOrRareState.map { unsafeDowncast($0, to: RareState.self) }
    }
    set {
      if let settings { settings.rareState = newValue } else { settingsOrRareState = newValue }
    }
  }
  /// Calls `body` with the rare state, if there is one, without counting references.
  @inline(__always) func withExistingRareState<R>(_ body: (RareState) -> R) -> R? {
    if traits.has(.settings) { return existingRareState.map { body($0) } }
    guard let object = settingsOrRareState else { return nil }
    return Unmanaged.passUnretained(unsafeDowncast(object, to: RareState.self))._withUnsafeGuaranteedRef { body($0) }
  }
  var name: String? { settings?.name }
  /// The scheduler that runs the actor; nil if the pool does.
  var dispatcher: DispatcherScheduler? { hasOwnDispatcher ? settings?.dispatcher : nil }

  /// Those who wait for room in a bounded mailbox.
  var waiters: SendWaiters? { settings?.waiters }
}
