import Foundation
import Troupe

// MARK: big

extension Actors {
  enum Big: Sendable {
    case ping(Int)
    case pong
    case peers([Address<Big>])
    case start
    case stop(Sender<Int>)
  }
  struct BigActor: Behavior, Sendable {
    let me: Int
    let each: Int
    let done: Sender<Int>
    var peers: [Address<Big>] = []
    var random: UInt64
    var left: Int
    var served = 0
    var pongs = 0

    init(me: Int, each: Int, done: Sender<Int>) {
      self.me = me
      self.each = each
      self.done = done
      left = each
      random = (0x9E37_79B9_7F4A_7C15 &* UInt64(me + 1)) | 1
    }

    mutating func receive(_ message: consuming Big, in context: Context<Big>) {
      switch message {
      case .ping(let from):
        served += 1
        peers[from].send(.pong)
        return
      case .stop(let sender):
        _ = sender.send(served)
        return
      case .peers(let peers):
        self.peers = peers
        return
      case .start: break
      case .pong: pongs += 1
      }
      if left == 0 {
        _ = done.send(pongs)
        return
      }
      left -= 1
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      let to = (me + 1 + Int(random % UInt64(peers.count - 1))) % peers.count
      peers[to].send(.ping(me))
    }
  }

  func big(_ each: Int) throws -> Measured {
    let size = 120
    var actors: [Address<Big>] = []
    let pongs = results(size) { done in
      actors = (0..<size).map { system.spawn(awaited: awaited, BigActor(me: $0, each: each, done: done)) }
      for actor in actors { actor.send(.peers(actors)) }
      for actor in actors { actor.send(.start) }
    }
    try check(pongs == Array(repeating: each, count: size), "big pongs")
    let served = results(size) { done in for actor in actors { actor.send(.stop(done)) } }
    let total = served.reduce(0, +)
    try check(total == size * each, "big served \(total)")
    return .operations(total)
  }
}

// MARK: skynet

extension Actors {
  enum Parent: Sendable {
    case node(Address<Int>)
    case root(Sender<Int>)
    func send(_ sum: Int) {
      switch self {
      case .node(let address): address.send(sum)
      case .root(let sender): _ = sender.send(sum)
      }
    }
  }
  struct SkyNode: Behavior, Sendable {
    let parent: Parent
    let number: Int
    let size: Int
    let awaited: Bool
    var sum = 0
    var count = 0

    mutating func started(in context: Context<Int>) {
      if size == 1 {
        parent.send(number)
        context.stop()
        return
      }
      let sub = size / 10
      let me = Parent.node(context.address)
      for i in 0..<10 {
        _ = context.spawnOnce(
          awaited: awaited, SkyNode(parent: me, number: number + i * sub, size: sub, awaited: awaited))
      }
    }

    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      sum += message
      count += 1
      if count == 10 {
        parent.send(sum)
        context.stop()
      }
    }
  }

  func skynet(_ leaves: Int) throws -> Measured {
    let result = results { done in
      _ = system.spawn(
        awaited: awaited, SkyNode(parent: .root(done), number: 0, size: leaves, awaited: awaited))
    }
    try check(result == [triangle(leaves)], "skynet \(result)")
    var (total, level) = (0, leaves)
    while level >= 1 {
      total += level
      level /= 10
    }
    return .operations(total)
  }
}

// MARK: chameneos

extension Actors {
  struct Meet: Sendable {
    let who: Int
    let color: UInt8
  }
  enum Creature: Sendable {
    case start
    case met(UInt8)
    case stop
  }
  static func complement(_ a: UInt8, _ b: UInt8) -> UInt8 { a == b ? a : 3 - a - b }

  enum Mall: Sendable {
    case open([Address<Creature>])
    case meet(Meet)
  }
  struct MallActor: Behavior, Sendable {
    var left: Int
    var creatures: [Address<Creature>] = []
    var waiting: Meet?
    mutating func receive(_ message: consuming Mall, in context: Context<Mall>) {
      switch message {
      case .open(let creatures):
        self.creatures = creatures
        for creature in creatures { creature.send(.start) }
      case .meet(let meet):
        if left == 0 {
          creatures[meet.who].send(.stop)
          if let other = waiting {
            creatures[other.who].send(.stop)
            waiting = nil
          }
        } else if let other = waiting {
          left -= 1
          waiting = nil
          creatures[other.who].send(.met(meet.color))
          creatures[meet.who].send(.met(other.color))
        } else {
          waiting = meet
        }
      }
    }
  }
  struct CreatureActor: Behavior, Sendable {
    let who: Int
    let mall: Address<Mall>
    let done: Sender<Int>
    var color: UInt8
    var met = 0
    mutating func receive(_ message: consuming Creature, in context: Context<Creature>) {
      switch message {
      case .start: break
      case .met(let other):
        met += 1
        color = complement(color, other)
      case .stop:
        _ = done.send(met)
        return
      }
      mall.send(.meet(Meet(who: who, color: color)))
    }
  }

  func chameneos(_ meetings: Int) throws -> Measured {
    let size = 100
    let met = results(size) { done in
      let mall = system.spawn(awaited: awaited, MallActor(left: meetings))
      let creatures = (0..<size).map {
        system.spawn(awaited: awaited, CreatureActor(who: $0, mall: mall, done: done, color: UInt8($0 % 3)))
      }
      mall.send(.open(creatures))
    }
    try check(met.reduce(0, +) == 2 * meetings, "chameneos")
    return .operations(meetings)
  }
}

// MARK: mem

extension Actors {
  struct Idler: Behavior, Sendable {
    let done: Address<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { done.send(message) }
  }
  struct Keeper: Behavior, Sendable {
    let n: Int
    let awaited: Bool
    let done: Sender<Int>
    var keep: [Address<Int>] = []
    var before = 0
    var sum = 0
    var answered = 0

    mutating func receive(_ message: consuming Int, in context: Context<Int>) throws {
      if message < 0 {
        keep = Array(repeating: context.address, count: n)  // touched before the first reading
        keep.removeAll(keepingCapacity: true)
        before = try residentBytes()
      } else {
        sum += message
        answered += 1
      }
      guard answered == keep.count else { return }
      if keep.count == n {
        try check(sum == triangle(n), "mem \(sum)")
        _ = done.send((try residentBytes() - before) / n)
        return
      }
      // The actors are spawned in batches, so that no queue grows.
      for i in keep.count..<min(n, keep.count + 64) {
        keep.append(context.spawn(awaited: awaited, Idler(done: context.address)))
        keep[i].send(i)
      }
    }
  }

  func memory(_ n: Int) throws -> Measured {
    let result = results { done in
      system.spawn(awaited: awaited, Keeper(n: n, awaited: awaited, done: done)).send(-1)
    }
    return .bytes(count: n, perItem: result[0])
  }

  /// How much memory stays resident, for each actor, after all of them have ended. The memory of ended actors goes
  /// back to the system some seconds later, so this looks for ten seconds, or until a fiftieth is left.
  func memoryAfterEnd(_ n: Int) throws -> Measured {
    let before = try residentBytes()
    let keeper = Slot<Address<Int>>()
    let peak = results { done in
      let address = system.spawn(awaited: awaited, Keeper(n: n, awaited: awaited, done: done))
      keeper.value = address
      address.send(-1)
    }
    try check(peak[0] > 0, "mem_after")
    if let address = keeper.value.take() { system.stop(address) }
    var least = Int.max
    var looks = 0
    while looks < 100 && least > peak[0] * n / 50 {
      Thread.sleep(forTimeInterval: 0.1)
      least = min(least, try residentBytes() - before)
      looks += 1
    }
    return .bytes(count: n, perItem: max(0, least) / n)
  }

  private final class Slot<Value>: @unchecked Sendable {
    var value: Value?
  }
}

// MARK: growth

extension Actors {
  struct Sink: Behavior, Sendable {
    let expected: Int
    let done: Sender<Int>
    var count = 0
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      count += 1
      if count == expected { _ = done.send(count) }
    }
  }

  /// Runs `growth.actors.N`, `growth.producers.N` or `growth.queued.N`.
  func growth(_ workload: String) throws -> Measured? {
    let parts = workload.split(separator: ".")
    guard parts.count == 3, parts[0] == "growth", let n = Int(parts[2]), n > 0 else { return nil }
    let total = scaled(4_000_000)
    switch parts[1] {
    case "actors":
      let each = max(1, total / n)
      let result = results(n) { done in
        let targets = (0..<n).map { _ in system.spawn(awaited: awaited, Sink(expected: each, done: done)) }
        system.spawn(awaited: awaited, RoundRobin(targets: targets)).send(each)
      }
      try check(result.count == n, "growth.actors")
      return .operations(n * each)
    case "producers": return try fanin(producers: n, each: max(1, total / n))
    case "queued":
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      let rounds = max(1, total / n)
      var sum = 0
      for _ in 0..<rounds {
        for i in 0..<n { _ = sender.send(i) }
        for _ in 0..<n { sum &+= receiver.receive()! }
      }
      try check(sum == rounds * triangle(n), "growth.queued")
      return .operations(rounds * n)
    default: return nil
    }
  }
}
