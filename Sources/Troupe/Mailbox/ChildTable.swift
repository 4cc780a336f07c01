/// The living children of one parent, or of a system. They hold it; it holds them until they have ended.
///
/// Sendable because everything that changes is under its lock.
@usableFromInline package final class ChildTable: @unchecked Sendable {
  unowned(unsafe) let system: SystemCore
  /// Nil at the top.
  let owner: Cell?
  private let lock = FutexLock()
  private unowned(unsafe) var first: Cell?
  private var count = 0
  private var nextID: UInt64 = 1
  private var names: [String: Unmanaged<Cell>] = [:]
  /// No new children: the owner is stopping.
  private var isClosed = false
  /// Called when the last child has gone after `close`.
  private var whenEmpty: (() -> Void)?

  init(system: SystemCore, owner: Cell?) {
    self.system = system
    self.owner = owner
  }

  var path: String { owner?.path ?? system.name }

  /// A place for a new child. Its name stays taken until the child has ended, also while it is not yet there.
  func reserve(_ name: String?) -> Place {
    if let name {
      precondition(!name.isEmpty, "Troupe: an actor's name must not be empty")
      precondition(!name.utf8.contains(UInt8(ascii: "/")), "Troupe: an actor's name must not contain a '/': \(name)")
    }
    lock.lock()
    defer { lock.unlock() }
    let id = nextID
    nextID += 1
    let refusal: Termination.Reason? =
      isClosed ? .systemStopped : name.map { names[$0] != nil } == true ? .nameTaken : nil
    return Place(table: self, name: name, id: id, refusal: refusal)
  }

  /// Enters a child, which from now on is held. False if the table was closed or the name was taken meanwhile.
  func insert(_ cell: Cell) -> Termination.Reason? {
    lock.lock()
    defer { lock.unlock() }
    if isClosed { return owner == nil ? .systemStopped : .parentStopped }
    if let name = cell.name {
      if names[name] != nil { return .nameTaken }
      names[name] = Unmanaged.passUnretained(cell)
    }
    _ = Unmanaged.passRetained(cell)
    cell.nextSibling = first
    first?.previousSibling = cell
    first = cell
    count += 1
    return nil
  }

  /// Takes an ended child out. The caller releases it.
  func remove(_ cell: Cell) {
    lock.lock()
    let next = cell.nextSibling
    if let previous = cell.previousSibling { previous.nextSibling = next } else { first = next }
    next?.previousSibling = cell.previousSibling
    if let name = cell.name { names[name] = nil }
    count -= 1
    let action = count == 0 && isClosed ? whenEmpty.take() : nil
    lock.unlock()
    action?()
  }

  /// Refuses new children and stops those that are there. Calls back once the last has gone; true if none is there.
  func close(_ bit: UInt32, whenEmpty action: @escaping () -> Void) -> Bool {
    lock.lock()
    isClosed = true
    if count == 0 {
      lock.unlock()
      return true
    }
    whenEmpty = action
    let all = retainedChildren()
    lock.unlock()
    for cell in all { cell.post(bit) }
    return false
  }

  var children: [Cell] { lock.withLock { retainedChildren() } }
  var childCount: Int { lock.withLock { count } }

  private func retainedChildren() -> [Cell] {
    var all: [Cell] = []
    all.reserveCapacity(count)
    var each = first
    while let cell = each {
      all.append(cell)
      each = cell.nextSibling
    }
    return all
  }
}
