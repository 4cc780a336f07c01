internal import CTroupeShims

/// Cells that no actor has, by the size of their memory: a worker's own, which it takes from and puts into
/// without a lock.
///
/// What it has too much of goes to the depot of the pool in batches, and what it lacks comes from there in
/// batches, so that one worker may spawn what ends on another. The scheme is that of the magazines of Bonwick
/// and Adams (2001).
///
/// A cell counts as referenced once while it is here. For the worker's own thread.
struct CellCache: ~Copyable {
  /// Bytes from one class of sizes to the next: that of the allocator, which also needs 8 bytes of its own,
  /// so nothing is wasted.
  static let step = 16
  private static let header = 8
  static let classes = 48
  static var batch: Int { PoolShape.cellBatch }

  private let chains: UnsafeMutablePointer<CellChain>

  init() {
    chains = .allocate(capacity: Self.classes)
    chains.initialize(repeating: CellChain(), count: Self.classes)
  }

  deinit {
    for i in 0..<Self.classes { chains[i].releaseAll() }
    chains.deallocate()
  }

  /// 0 if cells of this size are not kept.
  static func sizeClass(_ byteCount: Int) -> Int {
    let size = (byteCount + header + step - 1) / step
    return size < classes ? size : 0
  }
  /// The bytes that every cell of a class has.
  static func byteCount(_ sizeClass: Int) -> Int { sizeClass * step - header }

  mutating func take(_ sizeClass: Int, _ depot: CellDepot) -> Unmanaged<Cell>? {
    if let cell = chains[sizeClass].pop() { return cell }
    chains[sizeClass] = depot.take(sizeClass)
    return chains[sizeClass].pop()
  }

  mutating func put(_ cell: Unmanaged<Cell>, _ sizeClass: Int, _ depot: CellDepot) {
    chains[sizeClass].push(cell)
    if chains[sizeClass].count == 2 * Self.batch { depot.put(chains[sizeClass].split(Self.batch), sizeClass) }
  }
}

/// Cells that no actor has, linked through themselves. Each is counted once for being here.
struct CellChain {
  private var first: Unmanaged<Cell>?
  private(set) var count = 0

  mutating func push(_ cell: Unmanaged<Cell>) {
    cell._withUnsafeGuaranteedRef { $0.tree.next = first }
    first = cell
    count += 1
  }

  mutating func pop() -> Unmanaged<Cell>? {
    guard let cell = first else { return nil }
    first = cell._withUnsafeGuaranteedRef {
      let next = $0.tree.next
      $0.tree.next = nil
      return next
    }
    count -= 1
    return cell
  }

  /// Takes the last `count` off, those that came first. The last to come, which the caches still have, stay.
  mutating func split(_ count: Int) -> CellChain {
    var last = first
    for _ in 1..<(self.count - count) { last = last?._withUnsafeGuaranteedRef { $0.tree.next } }
    var rest = CellChain()
    last?._withUnsafeGuaranteedRef {
      rest.first = $0.tree.next
      $0.tree.next = nil
    }
    rest.count = count
    self.count -= count
    return rest
  }

  mutating func releaseAll() { while let cell = pop() { cell.release() } }
}

/// What the workers of a pool exchange with each other: batches of cells that no actor has, under a lock.
///
/// It keeps a bounded number, and once a second lets go of what nobody has needed in that time. The allocator
/// keeps pages of memory that was freed in between other memory; after a peak, when a second has passed in
/// which no more was freed, it is asked to give them back to the system.
final class CellDepot: @unchecked Sendable {
  /// Batches of each size that are kept at the most; others are freed at once.
  private static let limit = 64
  /// Bytes of freed cells from which on the allocator is asked to give pages back: less is not worth its locks.
  private static let bytesWorthReturning = 8 << 20
  /// A worker says that it has freed cells when it is so many bytes.
  static let bytesTogether = 1 << 18

  private struct Shelf {
    var batches: [CellChain] = []
    /// The fewest batches since the last trim: so many were not needed.
    var fewest = 0
  }
  private let lock = FutexLock()
  // Under the lock.
  @exclusivity(unchecked) private var shelves = Array(repeating: Shelf(), count: CellCache.classes)
  @exclusivity(unchecked) private var isTrimOrdered = false
  /// Bytes of cells that were freed since pages were given back last: until now, and until the last trim.
  @exclusivity(unchecked) private var freedBytes = 0
  @exclusivity(unchecked) private var freedBytesAtTrim = 0
  /// Calls `trim` a second later. Set once, before anything is put here.
  @exclusivity(unchecked) var orderTrim: (CellDepot) -> Void = { _ in }

  deinit {
    for i in shelves.indices {
      for j in shelves[i].batches.indices { shelves[i].batches[j].releaseAll() }
    }
  }

  /// A batch, or an empty chain if there is none.
  func take(_ sizeClass: Int) -> CellChain {
    lock.withLock {
      let batch = shelves[sizeClass].batches.popLast() ?? CellChain()
      shelves[sizeClass].fewest = min(shelves[sizeClass].fewest, shelves[sizeClass].batches.count)
      return batch
    }
  }

  func put(_ batch: consuming CellChain, _ sizeClass: Int) {
    let (isFull, orders) = lock.withLock { () -> (Bool, Bool) in
      if shelves[sizeClass].batches.count == Self.limit { return (true, false) }
      shelves[sizeClass].batches.append(batch)
      defer { isTrimOrdered = true }
      return (false, !isTrimOrdered)
    }
    if isFull { batch.releaseAll() }
    if orders { orderTrim(self) }
  }

  /// Workers have freed so many bytes: cells that found no place here, or that somebody had an address of
  /// when they ended.
  func freed(_ bytes: Int) {
    let orders = lock.withLock {
      freedBytes += bytes
      defer { isTrimOrdered = true }
      return !isTrimOrdered
    }
    if orders { orderTrim(self) }
  }

  /// Frees what was not needed since the last time. Comes again while there is something left to do.
  func trim() {
    var unneeded: [CellChain] = []
    let (comesAgain, returnsPages) = lock.withLock { () -> (Bool, Bool) in
      var isEmpty = true
      for i in shelves.indices {
        for batch in shelves[i].batches.prefix(shelves[i].fewest) {
          freedBytes += batch.count * CellCache.byteCount(i)
          unneeded.append(batch)
        }
        shelves[i].batches.removeFirst(shelves[i].fewest)
        shelves[i].fewest = shelves[i].batches.count
        if shelves[i].fewest > 0 { isEmpty = false }
      }
      // While cells are freed others end as well, so what is given back now might be asked for at once.
      let returnsPages = freedBytes >= Self.bytesWorthReturning && freedBytes == freedBytesAtTrim
      if returnsPages { freedBytes = 0 }
      freedBytesAtTrim = freedBytes
      isTrimOrdered = !isEmpty || freedBytes >= Self.bytesWorthReturning
      return (isTrimOrdered, returnsPages)
    }
    for i in unneeded.indices { unneeded[i].releaseAll() }
    if returnsPages { troupe_return_free_memory() }
    if comesAgain { orderTrim(self) }
  }

  /// Cells that are here, for tests.
  var count: Int { lock.withLock { shelves.reduce(0) { $0 + $1.batches.reduce(0) { $0 + $1.count } } } }
}
