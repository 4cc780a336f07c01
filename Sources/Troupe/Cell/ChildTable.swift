import Synchronization

/// The living children of one parent, or the actors at the top of a system. It holds their cells until they have ended.
///
/// A child that ends pushes itself onto a stack with one compare-exchange. Whoever has the table's lock, or gets it,
/// then takes all that are on the stack out of the table. So no child waits for its parent or for a sibling, and a
/// parent that spawns much frees what it has allocated itself. To free memory on another thread costs about 100 ns.
///
/// Sendable because everything that changes is under the lock or atomic.
@usableFromInline package final class ChildTable: @unchecked Sendable {
  /// The system, which is not counted: the cells at the top hold it.
  let unmanagedSystem: Unmanaged<SystemCore>
  /// The parent, or nil if this is the table at the top of a system.
  let owner: Cell?
  // The next three say something about the system. They are kept here because each spawn asks for them.
  let isObserved: Bool
  let isIntercepted: Bool
  let isTimed: Bool
  private let lock = FutexLock()
  /// The first of the children, which are linked through their `links`. The newest comes first.
  @exclusivity(unchecked) private var first: Unmanaged<Cell>?
  /// How many children are in the list.
  @exclusivity(unchecked) private var count = 0
  /// The children that have a name.
  @exclusivity(unchecked) private var names: [String: Unmanaged<Cell>] = [:]
  /// Whether new children are refused, because the owner stops or restarts.
  @exclusivity(unchecked) private var isClosed: Bool
  /// Called once, when the table is closed and the last child has left it.
  @exclusivity(unchecked) private var whenEmpty: (() -> Void)?
  private let nextID = Atomic<UInt64>(1)
  /// The top of the stack of children that have ended and are still in the list: the bits of a cell, or 0. The cells
  /// are linked through `Cell.nextEnded`.
  private let ended = Atomic<UInt>(0)
  /// Whether the owner is in a turn. If it is, it will look at the stack when it spawns or when the turn ends.
  private let ownerRuns = Atomic<Bool>(false)

  init(system: SystemCore, owner: Cell?, isClosed: Bool = false) {
    unmanagedSystem = .passUnretained(system)
    self.owner = owner
    isIntercepted = system.interceptor != nil
    isObserved = isIntercepted || system.observer != nil
    isTimed = system.options.measuresTime
    self.isClosed = isClosed
  }

  /// Whether this is the table at the top of a system.
  var isTop: Bool { owner == nil }
  var system: SystemCore { unmanagedSystem.takeUnretainedValue() }
  var path: String { owner?.path ?? system.name }

  /// Returns the place of a new child with a name, or without one, and gives it a number. Stops the program if the name
  /// is empty or contains a '/'. Any thread may call this for the table at the top, and only the owner for its own.
  func place(_ name: String?) -> TreePosition {
    if let name {
      guard !name.isEmpty else {
        fatalError("Troupe: an actor's name must not be empty; leave it out if the actor needs none")
      }
      guard !name.utf8.contains(UInt8(ascii: "/")) else {
        fatalError(
          "Troupe: an actor's name must not contain a '/', which separates the names in a path, and is \(name)")
      }
    }
    return TreePosition(
      unmanagedTable: .passUnretained(self), name: name, id: nextID.wrappingAdd(1, ordering: .relaxed).oldValue)
  }

  /// Enters a child, which the table holds from now on. Returns why not, if the table is closed or the name is taken.
  func insert(_ cell: Cell) -> EndState? {
    var refusal: EndState?
    lock.lock()
    if isClosed {
      refusal = owner == nil ? .systemStopped : .parentStopped
    } else if let name = cell.name, names[name] != nil {
      refusal = .nameTaken
    } else {
      if let name = cell.name { names[name] = Unmanaged.passUnretained(cell) }
      let entered = Unmanaged.passRetained(cell)
      cell.links.next = first
      first?._withUnsafeGuaranteedRef { $0.links.previous = entered }
      first = entered
      count += 1
    }
    unlock()
    return refusal
  }

  /// Makes the name of a child that is ending free for another one.
  func freeName(of cell: Cell) {
    lock.lock()
    if let name = cell.name { names[name] = nil }
    unlock()
  }

  /// Called by a child that has ended, on its worker. The table lets go of it here, or on another thread that has the
  /// lock or will look at the stack.
  func ended(_ cell: Cell) {
    // As soon as the cell is on the stack another thread may let go of it, and with it of this table. So this holds the
    // table.
    withExtendedLifetime(self) {
      let bits = UInt(bitPattern: Unmanaged.passUnretained(cell).toOpaque())
      var top = ended.load(ordering: .relaxed)
      while true {
        cell.mailbox.envelopes.link(top)
        // This publishes the link and the cell's end, and pairs with the acquiring exchange in `takeEnded`. It is
        // sequentially consistent because of the looks at `ownerRuns` and at the lock that follow: the owner clears
        // `ownerRuns` and then looks at the stack, and whoever has the lock lets go of it and then looks at the stack.
        // So either this thread takes the child out, or that one sees it.
        let (exchanged, seen) = ended.weakCompareExchange(
          expected: top, desired: bits, successOrdering: .sequentiallyConsistent, failureOrdering: .relaxed)
        if exchanged { break }
        top = seen
      }
      // An owner that is in a turn takes the child out when it spawns or when the turn ends. It frees best what it has
      // allocated.
      if ownerRuns.load(ordering: .sequentiallyConsistent) { return }
      if lock.tryLock() { unlock() }
    }
  }

  /// Called by the owner when its turn begins, or when it makes this table in a turn. Relaxed: a child that sees this
  /// late takes itself out.
  func turnBegins() { ownerRuns.store(true, ordering: .relaxed) }

  /// Called by the owner when its turn ends: takes out the children that have ended meanwhile. The step and the look
  /// are sequentially consistent, so a child that still saw the owner running has been pushed before the look.
  func turnEnds() {
    ownerRuns.store(false, ordering: .sequentiallyConsistent)
    if ended.load(ordering: .sequentiallyConsistent) != 0 && lock.tryLock() { unlock() }
  }

  /// Takes ended children out, lets go of the lock, and looks again. A child that came meanwhile could not get the lock
  /// and has left itself to this thread. Its push and its attempt at the lock, and the unlocking and the look here, are
  /// sequentially consistent, so either the child gets the lock or this look sees it.
  ///
  /// What is let go of, and what is called when the last child has left, runs outside of the lock.
  private func unlock() {
    while true {
      let stack = takeEnded()
      let action = count == 0 && isClosed ? whenEmpty.take() : nil
      lock.unlockSequentially()
      release(stack)
      action?()
      if ended.load(ordering: .sequentiallyConsistent) == 0 || !lock.tryLock() { return }
    }
  }

  /// Takes all children that have ended out of the list, in O(1) for each, and returns the stack of them. Called under
  /// the lock.
  private func takeEnded() -> Unmanaged<Cell>? {
    if ended.load(ordering: .relaxed) == 0 { return nil }
    guard let top = UnsafeRawPointer(bitPattern: ended.exchange(0, ordering: .acquiring)) else { return nil }
    let stack = Unmanaged<Cell>.fromOpaque(top)
    var each: Unmanaged<Cell>? = stack
    while let current = each {
      each = current._withUnsafeGuaranteedRef { cell in
        let next = cell.links.next
        let previous = cell.links.previous
        if let previous { previous._withUnsafeGuaranteedRef { $0.links.next = next } } else { first = next }
        next?._withUnsafeGuaranteedRef { $0.links.previous = previous }
        count -= 1
        return cell.nextEnded
      }
    }
    return stack
  }

  /// Lets go of the cells on a stack that `takeEnded` returned. Called outside of the lock, because the end of a cell
  /// may run foreign code.
  private func release(_ stack: Unmanaged<Cell>?) {
    var each = stack
    while let current = each {
      each = current._withUnsafeGuaranteedRef { $0.nextEnded }
      Cell.letGo(current)
    }
  }

  /// Refuses new children from now on, and posts `bit` to those that are there, which asks them to stop. Returns true
  /// if there is none. Otherwise calls `action` once when the last one has left, on whatever thread that is.
  func close(_ bit: UInt32, whenEmpty action: @escaping () -> Void) -> Bool {
    ownerRuns.store(false, ordering: .sequentiallyConsistent)
    lock.lock()
    isClosed = true
    if count == 0 {
      unlock()
      return true
    }
    whenEmpty = action
    let all = retainedChildren()
    unlock()
    for cell in all { cell.post(bit) }
    return false
  }

  /// Asks all children that live now to stop by posting `bit` to them, and all that live below them.
  func stopAll(_ bit: UInt32) {
    for cell in children {
      cell.post(bit)
      cell.lock.withLock { cell.children }?.stopAll(ControlWord.parentStopped)
    }
  }

  /// Accepts children again. Called by the owner when it begins another incarnation.
  func reopen() {
    lock.lock()
    isClosed = false
    whenEmpty = nil
    unlock()
    turnBegins()
  }

  /// Called by a child that is about to be restarted: restarts its siblings as well, if the owner's strategy says so.
  func restart(with cell: Cell) {
    guard let strategy = owner?.settings?.childStrategy, strategy != .oneForOne else { return }
    for child in children where child !== cell && (strategy == .allForOne || child.id > cell.id) {
      child.post(ControlWord.restart)
    }
  }

  /// The children that have not ended, newest first, in O(n).
  var children: [Cell] { withoutEnded { retainedChildren() } }
  var childCount: Int { withoutEnded { count } }

  /// Calls `body` under the lock, after those that have ended have been taken out.
  private func withoutEnded<R>(_ body: () -> R) -> R {
    lock.lock()
    let stack = takeEnded()
    let result = body()
    unlock()
    release(stack)
    return result
  }

  /// Looks for the child whose address is `child`, which may be stale and is only compared. Appends to `tables` those
  /// of the other children's own children, in which the caller may go on. The watchdog calls this.
  func search(for child: UInt, tables: inout [ChildTable]) -> Cell? {
    lock.lock()
    var found: Cell?
    var each = first
    while let current = each, found == nil {
      if UInt(bitPattern: current.toOpaque()) == child { found = current.takeUnretainedValue() }
      each = current._withUnsafeGuaranteedRef { cell in
        if let table = cell.lock.withLock({ cell.children }) { tables.append(table) }
        return cell.links.next
      }
    }
    unlock()
    return found
  }

  /// All cells in the list. Called under the lock.
  private func retainedChildren() -> [Cell] {
    var all: [Cell] = []
    all.reserveCapacity(count)
    var each = first
    while let current = each {
      let cell = current.takeUnretainedValue()
      all.append(cell)
      each = cell.links.next
    }
    return all
  }
}

extension Cell {
  /// Calls `body` with the table of this actor's children, which is made when it is first needed. Called on the cell's
  /// worker.
  @inline(__always) func withChildTable<R>(_ body: (ChildTable) -> R) -> R {
    if !hasChildTable { makeChildTable() }
    guard let result = withChildren(body) else {
      fatalError("Troupe: an actor has no table of children after it was made. This is a bug in Troupe.")
    }
    return result
  }

  @inline(never) private func makeChildTable() {
    let isOnItsWayOut =
      life.isEnding || life.phase == .restarting && settings?.keepsChildren != true
    let table = ChildTable(system: system, owner: self, isClosed: isOnItsWayOut)
    table.turnBegins()
    lock.withLock { keepChildren(table) }
    notesTurns = true
  }
}
