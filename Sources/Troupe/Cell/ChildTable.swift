import Synchronization

/// The living children of one parent, or of a system. It holds them until they have ended.
///
/// A child that ends puts itself on a stack, with one compare-exchange; whoever has the lock, or gets it,
/// takes the stack out of the table. So no child waits for its parent or a sibling, and a parent that spawns
/// much frees what it allocated.
///
/// Sendable because everything that changes is under its lock, but for the stack and the numbers.
@usableFromInline package final class ChildTable: @unchecked Sendable {
  let unmanagedSystem: Unmanaged<SystemCore>
  /// Nil at the top.
  let owner: Cell?
  // Of the system, for its cells.
  let isObserved: Bool
  let isIntercepted: Bool
  let isTimed: Bool
  private let lock = FutexLock()
  @exclusivity(unchecked) private var first: Unmanaged<Cell>?
  @exclusivity(unchecked) private var count = 0
  @exclusivity(unchecked) private var names: [String: Unmanaged<Cell>] = [:]
  /// No new children: the owner is stopping.
  @exclusivity(unchecked) private var isClosed: Bool
  /// Called when the last child has gone after `close`.
  @exclusivity(unchecked) private var whenEmpty: (() -> Void)?
  private let nextID = Atomic<UInt64>(1)
  /// Ended children that still stand in the list; bits of an unretained cell, or 0.
  private let ended = Atomic<UInt>(0)
  /// The owner is in its turn, and will look at the stack.
  private let ownerRuns = Atomic<Bool>(false)

  init(system: SystemCore, owner: Cell?, isClosed: Bool = false) {
    unmanagedSystem = .passUnretained(system)
    self.owner = owner
    isIntercepted = system.interceptor != nil
    isObserved = isIntercepted || system.observer != nil
    isTimed = system.options.measuresTime
    self.isClosed = isClosed
  }

  /// The system's own.
  var isTop: Bool { owner == nil }
  var system: SystemCore { unmanagedSystem.takeUnretainedValue() }
  var path: String { owner?.path ?? system.name }

  /// Names and numbers a new child.
  func place(_ name: String?) -> TreePosition {
    if let name {
      guard !name.isEmpty else { fatalError("Troupe: an actor's name must not be empty") }
      guard !name.utf8.contains(UInt8(ascii: "/")) else {
        fatalError("Troupe: an actor's name must not contain a '/': \(name)")
      }
    }
    return TreePosition(
      unmanagedTable: .passUnretained(self), name: name, id: nextID.wrappingAdd(1, ordering: .relaxed).oldValue)
  }

  /// Enters a child, which from now on is held. Returns why not, if the table is closed or the name taken.
  func insert(_ cell: Cell) -> EndReason? {
    var refusal: EndReason?
    lock.lock()
    if isClosed {
      refusal = owner == nil ? .systemStopped : .parentStopped
    } else if let name = cell.name, names[name] != nil {
      refusal = .nameTaken
    } else {
      if let name = cell.name { names[name] = Unmanaged.passUnretained(cell) }
      let entered = Unmanaged.passRetained(cell)
      cell.tree.next = first
      first?._withUnsafeGuaranteedRef { $0.tree.previous = entered }
      first = entered
      count += 1
    }
    unlock()
    return refusal
  }

  func freeName(of cell: Cell) {
    lock.lock()
    if let name = cell.name { names[name] = nil }
    unlock()
  }

  /// A child has ended. Its hold goes, here or on a thread that has the lock or will look.
  func ended(_ cell: Cell) {
    // The cell's hold may go as soon as it is on the stack; the table's own must not go while this runs.
    withExtendedLifetime(self) {
      let bits = UInt(bitPattern: Unmanaged.passUnretained(cell).toOpaque())
      var top = ended.load(ordering: .relaxed)
      while true {
        cell.mailbox.envelopes.link(top)
        // Releasing: publishes the link and the cell's end. Pairs with the acquiring exchange in `takeEnded`.
        let (exchanged, seen) = ended.weakCompareExchange(
          expected: top, desired: bits, successOrdering: .sequentiallyConsistent, failureOrdering: .relaxed)
        if exchanged { break }
        top = seen
      }
      // An owner that is at work takes it out when it spawns or when its turn ends; what it allocated it frees best.
      if ownerRuns.load(ordering: .sequentiallyConsistent) { return }
      if lock.tryLock() { unlock() }
    }
  }

  /// The owner's turn begins, or it makes this table in its turn.
  func turnBegins() { ownerRuns.store(true, ordering: .relaxed) }

  /// The owner's turn ends. Sequentially consistent, the step and the look: a child that saw it running has
  /// been pushed before.
  func turnEnds() {
    ownerRuns.store(false, ordering: .sequentiallyConsistent)
    if ended.load(ordering: .sequentiallyConsistent) != 0 && lock.tryLock() { unlock() }
  }

  /// Takes ended children out, lets go of the lock, and looks again: one that came meanwhile could not get
  /// the lock, and left. Its push and our look, behind the unlocking step, are sequentially consistent, so
  /// one of us sees the other.
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

  private func takeEnded() -> Unmanaged<Cell>? {
    if ended.load(ordering: .relaxed) == 0 { return nil }
    guard let top = UnsafeRawPointer(bitPattern: ended.exchange(0, ordering: .acquiring)) else { return nil }
    let stack = Unmanaged<Cell>.fromOpaque(top)
    var each: Unmanaged<Cell>? = stack
    while let current = each {
      each = current._withUnsafeGuaranteedRef { cell in
        let next = cell.tree.next
        let previous = cell.tree.previous
        if let previous { previous._withUnsafeGuaranteedRef { $0.tree.next = next } } else { first = next }
        next?._withUnsafeGuaranteedRef { $0.tree.previous = previous }
        count -= 1
        return cell.nextEnded
      }
    }
    return stack
  }

  /// Outside the lock: the end of a cell may run foreign code.
  private func release(_ stack: Unmanaged<Cell>?) {
    var each = stack
    while let current = each {
      each = current._withUnsafeGuaranteedRef { $0.nextEnded }
      Cell.letGo(current)
    }
  }

  /// Refuses new children and stops those that are there. True if none is; else calls back once the last has gone.
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

  /// All that live now, and what lives below them.
  func stopAll(_ bit: UInt32) {
    for cell in children {
      cell.post(bit)
      cell.lock.withLock { cell.children }?.stopAll(ControlWord.parentStopped)
    }
  }

  /// The owner begins a new incarnation.
  func reopen() {
    lock.lock()
    isClosed = false
    whenEmpty = nil
    unlock()
    turnBegins()
  }

  /// A child is about to be restarted: asks for the same of those that its parent's strategy names.
  func restart(with cell: Cell) {
    guard let strategy = owner?.settings?.childStrategy, strategy != .oneForOne else { return }
    for child in children where child !== cell && (strategy == .allForOne || child.id > cell.id) {
      child.post(ControlWord.restart)
    }
  }

  var children: [Cell] { withoutEnded { retainedChildren() } }
  var childCount: Int { withoutEnded { count } }

  private func withoutEnded<R>(_ body: () -> R) -> R {
    lock.lock()
    let stack = takeEnded()
    let result = body()
    unlock()
    release(stack)
    return result
  }

  /// Looks for a child at an address that may be stale, and appends the tables of the others' children.
  func search(for child: UInt, tables: inout [ChildTable]) -> Cell? {
    lock.lock()
    var found: Cell?
    var each = first
    while let current = each, found == nil {
      if UInt(bitPattern: current.toOpaque()) == child { found = current.takeUnretainedValue() }
      each = current._withUnsafeGuaranteedRef { cell in
        if let table = cell.lock.withLock({ cell.children }) { tables.append(table) }
        return cell.tree.next
      }
    }
    unlock()
    return found
  }

  private func retainedChildren() -> [Cell] {
    var all: [Cell] = []
    all.reserveCapacity(count)
    var each = first
    while let current = each {
      let cell = current.takeUnretainedValue()
      all.append(cell)
      each = cell.tree.next
    }
    return all
  }
}

extension Cell {
  /// The table of this actor's children, made when it is first needed. For the actor itself: on its worker.
  @inline(__always) func withChildTable<R>(_ body: (ChildTable) -> R) -> R {
    if !hasChildTable { makeChildTable() }
    guard let result = withChildren(body) else { fatalError("Troupe: a table of children was not made") }
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
