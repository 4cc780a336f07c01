import CTroupeShims
import Synchronization
import Testing
import TroupeChannels
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// Cells of actors that have ended and are used again; and the table of the kinds that cells are of.
  @Suite struct Reuse {
    // MARK: Kinds

    /// Keys of one bucket, and one of another.
    private nonisolated(unsafe) static let keys: [UnsafeRawPointer] = {
      let all = (1...4096).map { UnsafeRawPointer(bitPattern: $0 * 16).unsafelyUnwrapped }
      let bucket = CellKindTable.bucket(of: all[0])
      let together = all.filter { CellKindTable.bucket(of: $0) == bucket }
      let other = all.filter { CellKindTable.bucket(of: $0) != bucket }
      return Array(together.prefix(3)) + other.prefix(1)
    }()

    private func check(_ name: String, first: [Int] = [], _ askers: [[Int]]) {
      Check.all("kinds, \(name)", fewer: -1) {
        let table = Kinds()
        for number in first { _ = table.kind(Self.keys[number]) }
        let seen = askers.map { _ in Seen() }
        let threads = zip(askers, seen).map { numbers, seen in
          {
            for number in numbers {
              let kind = table.kind(Self.keys[number])
              // Plain memory, which whoever made the kind has written.
              if kind._withUnsafeGuaranteedRef({ $0.messageType }) != Self.keys[number] { seen.trouble = true }
              seen.kinds.append(kind)
            }
          }
        }
        return Execution(threads) {
          if seen.contains(where: \.trouble) { return "a kind has another's key" }
          // Whoever asks later finds what they have found.
          let later = Self.keys.map { table.kind($0).toOpaque() }
          let isSame = zip(askers, seen).allSatisfy { $0.map { later[$0] } == $1.kinds.map { $0.toOpaque() } }
          return isSame ? nil : "one key has two kinds"
        }
      }
    }

    private final class Kinds {
      private let table = CellKindTable()
      func kind(_ key: UnsafeRawPointer) -> Unmanaged<CellKind> { table.kind(key, .sync { _, _ in }, messageType: key) }
    }
    private final class Seen {
      var kinds: [Unmanaged<CellKind>] = []
      var trouble = false
    }

    @Test func `two that ask for the same kind`() { check("the same", [[0], [0]]) }
    @Test func `two that ask for kinds of one bucket`() { check("one bucket", [[0, 1], [1, 0]]) }
    @Test func `three that ask for kinds of one bucket, one of which is there`() {
      check("one bucket, one is there", first: [2], [[2, 0], [0, 1], [1]])
    }
    @Test func `two that ask for kinds of two buckets`() { check("two buckets", [[0, 3], [3, 0]]) }

    // MARK: Workers that exchange cells

    private final class Store {
      private var store = CellCache()
      var taken: [Unmanaged<Cell>] = []
      func put(_ cell: Unmanaged<Cell>, _ depot: CellDepot) {
        cell._withUnsafeGuaranteedRef { store.put(cell, Int($0.sizeClass), depot) }
      }
      func take(_ depot: CellDepot) { if let cell = store.take(1, depot) { taken.append(cell) } }
      func takeAll(_ depot: CellDepot) { while let cell = store.take(1, depot) { taken.append(cell) } }
    }

    @Test(arguments: 1...2) func `workers that exchange cells, and the trim`(batch: Int) {
      PoolSizes.cellBatch = batch
      defer { PoolSizes.cellBatch = 64 }
      Check.all("cells, exchanged, \(batch) at a time") {
        let place = PoolRun.core.table.place(nil)
        let cells = (0..<5).map { _ in
          Unmanaged.passRetained(
            Cell(byteCount: 8, alignment: 16, sizeClass: 1, options: SpawnOptions(), place: place))
        }
        let (depot, one, two) = (CellDepot(), Store(), Store())
        var freed = 0
        return Execution([
          {
            for cell in cells { one.put(cell, depot) }
            one.take(depot)
          },
          {
            two.take(depot)
            two.take(depot)
            if let cell = two.taken.popLast() { two.put(cell, depot) }
          },
          {
            depot.trim()
            depot.trim()
          },
        ]) {
          one.takeAll(depot)
          two.takeAll(depot)
          let taken = (one.taken + two.taken).map { $0.toOpaque() }
          freed = cells.count - taken.count
          if Set(taken).count != taken.count { return "a cell was taken twice" }
          for cell in one.taken + two.taken { cell.release() }
          // The trim may free what both have left there.
          return freed % batch == 0 && depot.count == 0 ? nil : "\(freed) cells are gone, the depot has \(depot.count)"
        }
      }
    }

    // MARK: The table of the parent

    /// Each puts itself on the stack of those that have ended, and whoever has the lock takes it out.
    @Test(arguments: [(count: 2, fewer: -1), (count: 3, fewer: 0)])
    func `actors that end at a time`(count: Int, fewer: Int) {
      Check.all("children, \(count) end", fewer: fewer) {
        let table = ChildTable(system: PoolRun.core, owner: nil)
        let kind = CellKind(key: Self.keys[0], body: .sync { _, _ in }, messageType: Self.keys[0])
        let children = (0..<count).map { _ -> (held: Unmanaged<Cell>, gone: Gone) in
          let place = table.place(nil)
          let cell = Cell(byteCount: 8, alignment: 16, sizeClass: 0, options: SpawnOptions(), place: place)
          cell.begin(at: place, kind: .passUnretained(kind), isRestartable: false)
          _ = table.insert(cell)
          return (.passRetained(cell), Gone(cell))
        }
        let threads = children.map { child in
          {
            // A plain write to the cell, which whoever frees it must have seen.
            child.held._withUnsafeGuaranteedRef { $0.life.phase = .ended }
            child.held._withUnsafeGuaranteedRef { table.ended($0) }
            Cell.letGo(child.held)
          }
        }
        return Execution(threads) {
          withExtendedLifetime(kind) {}
          return children.contains { $0.gone.isLeft } ? "an actor that has ended is left in the table" : nil
        }
      }
    }

    private final class Gone {
      private weak var cell: Cell?
      init(_ cell: Cell) { self.cell = cell }
      var isLeft: Bool { cell != nil }
    }

    // MARK: An actor in the cell of another

    /// The parent spawns a child on a worker that may have the cell of another child, while that one's last address is
    /// being given up. What is sent to one never comes to the other.
    ///
    /// With two workers: without optimization a cell that ends in its own turn has more holds than it needs.
    @Test func `an actor that ends, one that takes its cell, and one that has its address`() {
      let workers = 2
      var sawReuse: Set<Bool> = []
      ModelPool.tickThread = nil
      Check.all("cells, used again, \(workers) workers", fewer: 1) {
        let pool = PoolScheduler(workers: workers)
        let system = ActorSystem(
          core: SystemCore(
            name: "model", options: ActorSystem.Options(supervision: .stop, log: { _ in }), scheduler: pool,
            counts: pool.workers.map(\.counts)))
        let ledger = Ledger()
        let parent = system.spawn("parent") { Parent(ledger: ledger) }
        parent.send(.spawn(0))
        ModelPool.settle()
        // The only address besides the parent's.
        let hand = Hand(ledger.first.take())
        var threads: [() -> Void] = pool.workers.map { worker in { ModelPool.serve(worker) } }
        threads.append {
          parent.send(.stopFirst)
          parent.send(.spawn(1))
        }
        threads.append { late(hand) }
        return Execution(threads, resting: workers) {
          sawReuse.insert(ledger.isReused)
          let trouble = ledger.trouble(dead: system.counts.allDeadLetters)
          system.requestShutdown()
          ModelPool.settle()
          return trouble ?? ledger.troubleAtEnd ?? (system.counts.topLevelActors == 0 ? nil : "an actor does not end")
        }
      }
      // Under a sanitizer no cell is used again.
      #expect(sawReuse == (troupe_is_sanitized() ? [false] : [false, true]))
    }

    /// Out of line, so that the address is gone when it returns.
    @inline(never) private func late(_ hand: Hand<Address<ChildMessage>?>) {
      let address = hand.take()
      address?.send(.number(0))
      ModelSystem.step()
    }
  }
}

private enum ChildMessage { case number(Int), stop }

/// Relaxed words of the library: the sanitizer must not take them for synchronisation of the program's.
private final class Ledger: @unchecked Sendable {
  var first: Address<ChildMessage>?
  private weak var firstCell: Cell?
  private(set) var isReused = false
  private let handled = [Tally(), Tally()]
  private let wrong = Tally()
  private let living = Tally()

  func spawned(_ number: Int, in cell: Cell) {
    if number == 0 { firstCell = cell } else { isReused = firstCell === cell }
  }
  func handle(_ number: Int, by own: Int) {
    (number == own ? handled[number] : wrong).word.wrappingAdd(1, ordering: .relaxed)
  }
  func begins() { living.word.wrappingAdd(1, ordering: .relaxed) }
  func ends() { living.word.wrappingSubtract(1, ordering: .relaxed) }

  func trouble(dead: Int) -> String? {
    if wrong.word.load(ordering: .relaxed) > 0 { return "a message came to another actor" }
    let counts = handled.map { $0.word.load(ordering: .relaxed) }
    // The first may have ended before its message came; that is the only dead letter.
    if counts[1] != 2 || counts[0] + dead != 1 { return "handled \(counts), dead letters \(dead)" }
    if firstCell?.life.phase == .ended { return "an actor that has ended is left among the children" }
    return nil
  }

  var troubleAtEnd: String? {
    let left = living.word.load(ordering: .relaxed)
    return left == 0 ? nil : "\(left) behaviors are left"
  }
}

private final class Tally: Sendable {
  let word = Synchronization.Atomic<Int>(0)
}

private struct Parent: Behavior {
  enum Message { case spawn(Int), stopFirst }
  let ledger: Ledger
  private var first: Address<ChildMessage>?

  init(ledger: Ledger) { self.ledger = ledger }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .spawn(let number):
      let child = context.spawn(behavior: Child(ledger: ledger, number: number))
      ledger.spawned(number, in: child.target.cell)
      if number == 0 {
        first = child
        ledger.first = child
      } else {
        child.send(.number(number))
        // Beside the queue, too.
        child.target.cell.post(MessageEnvelope<ChildMessage>(.number(number)))
      }
    case .stopFirst:
      first?.send(.stop)
      first = nil
    }
  }
}

private struct Child: Behavior, ~Copyable {
  let ledger: Ledger
  let number: Int

  init(ledger: Ledger, number: Int) {
    self.ledger = ledger
    self.number = number
    ledger.begins()
  }
  deinit { ledger.ends() }

  mutating func receive(_ message: consuming ChildMessage, in context: Context<ChildMessage>) {
    switch message {
    case .number(let number): ledger.handle(number, by: self.number)
    case .stop: context.stop()
    }
  }
}
