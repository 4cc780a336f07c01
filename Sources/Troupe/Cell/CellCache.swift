internal import CTroupeShims

/// The cells of ended actors that one worker keeps for the next spawns, by the size of their memory. Only the worker's
/// own thread uses it, without a lock.
///
/// If it has too many cells it gives a batch of them to the depot of the pool, and if it has none it takes a batch from
/// there. So one worker may spawn with the cells of actors that end on another. The scheme is that of the magazines of
/// Bonwick and Adams (2001). A cell has one count for being here.
struct CellCache: ~Copyable {
  /// The number of bytes from one class of sizes to the next. It is the same as that of the allocator, which also needs
  /// `header` bytes of its own for each piece of memory, so that nothing is wasted.
  static let step = 16
  private static let header = 8
  static let classes = 48
  /// How many cells go to the depot or come from there at a time.
  static var batch: Int { PoolSizes.cellBatch }

  private let chains: UnsafeMutablePointer<CellChain>

  init() {
    chains = .allocate(capacity: Self.classes)
    chains.initialize(repeating: CellChain(), count: Self.classes)
  }

  deinit {
    for i in 0..<Self.classes { chains[i].releaseAll() }
    chains.deallocate()
  }

  /// The class of a cell with this many bytes of memory, or 0 if cells of this size are not kept.
  static func sizeClass(_ byteCount: Int) -> Int {
    let size = (byteCount + header + step - 1) / step
    return size < classes ? size : 0
  }
  /// The number of bytes of memory that every cell of a class has.
  static func byteCount(_ sizeClass: Int) -> Int { sizeClass * step - header }

  /// Takes the cell that was put here last, if need be after a batch has come from the depot. Returns nil if the depot
  /// has none either.
  mutating func take(_ sizeClass: Int, _ depot: CellDepot) -> Unmanaged<Cell>? {
    if let cell = chains[sizeClass].pop() { return cell }
    chains[sizeClass] = depot.take(sizeClass)
    return chains[sizeClass].pop()
  }

  /// Keeps a cell and takes over its one count. If two batches are here now, one of them goes to the depot.
  mutating func put(_ cell: Unmanaged<Cell>, _ sizeClass: Int, _ depot: CellDepot) {
    chains[sizeClass].push(cell)
    if chains[sizeClass].count == 2 * Self.batch { depot.put(chains[sizeClass].split(Self.batch), sizeClass) }
  }
}

/// A list of cells that no actor has. They are linked through a property of their own, so the list allocates nothing.
/// Each cell has one count for being here.
struct CellChain {
  private var first: Unmanaged<Cell>?
  private(set) var count = 0

  mutating func push(_ cell: Unmanaged<Cell>) {
    cell._withUnsafeGuaranteedRef { $0.links.next = first }
    first = cell
    count += 1
  }

  mutating func pop() -> Unmanaged<Cell>? {
    guard let cell = first else { return nil }
    first = cell._withUnsafeGuaranteedRef {
      let next = $0.links.next
      $0.links.next = nil
      return next
    }
    count -= 1
    return cell
  }

  /// Takes off the `count` cells that have been here for the longest time, in O(n). The others stay, since the
  /// processor's caches still have them.
  mutating func split(_ count: Int) -> CellChain {
    var last = first
    for _ in 1..<(self.count - count) { last = last?._withUnsafeGuaranteedRef { $0.links.next } }
    var rest = CellChain()
    last?._withUnsafeGuaranteedRef {
      rest.first = $0.links.next
      $0.links.next = nil
    }
    rest.count = count
    self.count -= count
    return rest
  }

  mutating func releaseAll() { while let cell = pop() { cell.release() } }
}

/// Batches of cells that no actor has, which the workers of a pool exchange with each other.
///
/// It keeps a bounded number of batches, and once a second frees those that nobody has needed in that second. The
/// allocator keeps the pages of freed memory for itself. So when much has been freed, and then a second has passed in
/// which no more was, it is asked to give them back to the system. Without that, 200 to 320 bytes of each of 500,000
/// ended actors of 385 bytes stayed resident, and with it 1 to 5 (`actor.mem_after`).
///
/// Sendable because what changes is under the lock, except for `orderTrim`, which is set before anything is put here.
final class CellDepot: @unchecked Sendable {
  /// How many batches of each size are kept at the most. Others are freed at once.
  private static let limit = 64
  /// How many bytes of cells must have been freed before the allocator is asked to give pages back. For less it is not
  /// worth while to take the allocator's locks.
  private static let bytesWorthReturning = 8 << 20
  /// How many bytes of cells a worker frees before it tells the depot.
  static let bytesTogether = 1 << 18

  /// The batches of one size.
  private struct Shelf {
    var batches: [CellChain] = []
    /// The smallest number of batches that were here since the last trim. So many were not needed.
    var fewest = 0
  }
  private let lock = FutexLock()
  // The following four are touched under the lock.
  @exclusivity(unchecked) private var shelves = Array(repeating: Shelf(), count: CellCache.classes)
  @exclusivity(unchecked) private var isTrimOrdered = false
  /// How many bytes of cells have been freed since pages were given back last, and how many it had been at the last
  /// trim.
  @exclusivity(unchecked) private var freedBytes = 0
  @exclusivity(unchecked) private var freedBytesAtTrim = 0
  /// Has `trim` called a second from now. The pool sets it once, before anything is put here.
  @exclusivity(unchecked) var orderTrim: (CellDepot) -> Void = { _ in }

  deinit {
    for i in shelves.indices {
      for j in shelves[i].batches.indices { shelves[i].batches[j].releaseAll() }
    }
  }

  /// Takes a batch. Returns an empty chain if there is none.
  func take(_ sizeClass: Int) -> CellChain {
    lock.withLock {
      let batch = shelves[sizeClass].batches.popLast() ?? CellChain()
      shelves[sizeClass].fewest = min(shelves[sizeClass].fewest, shelves[sizeClass].batches.count)
      return batch
    }
  }

  /// Keeps a batch, or frees it if there are too many of its size.
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

  /// Counts bytes of freed cells: those that found no place here, and those of which somebody still had an address when
  /// they ended. Workers call this for many cells together.
  func freed(_ bytes: Int) {
    let orders = lock.withLock {
      freedBytes += bytes
      defer { isTrimOrdered = true }
      return !isTrimOrdered
    }
    if orders { orderTrim(self) }
  }

  /// Frees the batches that were not needed since the last trim. Orders the next trim while there is something left for
  /// it to do. Called on a thread that is no worker.
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
      // If cells were freed since the last trim, actors are probably still ending and being spawned, and the memory
      // might be needed again at once. So the pages are given back by a later trim.
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

  /// The number of cells that are here. Tests ask for it.
  var count: Int { lock.withLock { shelves.reduce(0) { $0 + $1.batches.reduce(0) { $0 + $1.count } } } }
}
