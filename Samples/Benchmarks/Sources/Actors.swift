import Troupe

/// Runs a synchronous behavior by the asynchronous machinery: the same work, with each message an awaited call.
struct Awaited<B: Behavior>: AsyncBehavior {
  var base: B
  mutating func receive(_ message: consuming B.Message, in context: Context<B.Message>) async throws {
    try base.receive(message, in: context)
  }
  mutating func started(in context: Context<B.Message>) async throws { try base.started(in: context) }
}

extension Spawner {
  /// Spawns the behavior in the form that is measured.
  @inline(__always)
  func spawn<B: Behavior & Sendable>(awaited: Bool, _ behavior: B) -> Address<B.Message> {
    if awaited { return spawn { Awaited(base: behavior) } }
    return spawn { behavior }
  }

  /// Spawns, in the form that is measured, an actor that lives for one message. It is never made again, so it needs
  /// no factory.
  @inline(__always)
  func spawnOnce<B: Behavior & Sendable>(awaited: Bool, _ behavior: B) -> Address<B.Message> {
    if awaited { return spawn(behavior: Awaited(base: behavior)) }
    return spawn(behavior: behavior)
  }
}

/// The actor workloads. The driver of each is an actor, on the workers like the rest; only `actor.ask` asks from this
/// thread.
struct Actors {
  let scale: Double
  let awaited: Bool
  let system: ActorSystem

  func scaled(_ n: Int) -> Int { max(1, Int(Double(n) * scale)) }

  func run(_ workload: String) throws -> Measured? {
    switch workload {
    case "actor.pingpong": return try pingpong(scaled(1_000_000))
    case "actor.counting": return try counting(scaled(5_000_000))
    case "actor.ring": return try ring(scaled(5_000_000))
    case "actor.forkjoin_create": return try create(scaled(500_000))
    case "actor.forkjoin_throughput": return try throughput(scaled(50_000))
    case "actor.big": return try big(scaled(10_000))
    case "actor.fanin": return try fanin(producers: 8, each: scaled(500_000))
    case "actor.skynet": return try skynet(1_000_000)
    case "actor.chameneos": return try chameneos(scaled(500_000))
    case "actor.ask": return try ask(scaled(200_000))
    case "actor.ask_task": return try askTask(scaled(200_000))
    case "actor.native_call": return try nativeCall(scaled(1_000_000))
    case "actor.native_call_task": return try nativeCallTask(scaled(1_000_000))
    case "actor.native_pair": return try nativePair(scaled(1_000_000), shared: false)
    case "actor.native_pair_shared": return try nativePair(scaled(1_000_000), shared: true)
    case "actor.timers_cancel": return try timersCancelled(scaled(1_000_000))
    case "actor.timers_fire": return try timersFired(scaled(1_000_000))
    case "actor.mem": return try memory(scaled(500_000))
    case "actor.mem_after": return try memoryAfterEnd(scaled(500_000))
    case _ where workload.hasPrefix("actor.pairs."): return try pairs(workload)
    case _ where workload.hasPrefix("actor.timer_lateness."): return try timerLateness(workload)
    case "actor.restart_zero": return try restartZero(scaled(200_000))
    case "actor.restart_counted": return try restartCounted(scaled(20_000))
    default: return nil
    }
  }

  /// Runs `body` with a channel for results, and returns the first `count` of them.
  func results(_ count: Int = 1, _ body: (Sender<Int>) -> Void) -> [Int] {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    body(sender)
    var results: [Int] = []
    while results.count < count, let result = receiver.receive() { results.append(result) }
    return results
  }
}

// MARK: pingpong

extension Actors {
  enum Serve: Sendable {
    case start(Address<Int>)
    case ball(Int)
  }
  struct Pinger: Behavior, Sendable {
    let rounds: Int
    let done: Sender<Int>
    var other: Address<Int>?
    mutating func receive(_ message: consuming Serve, in context: Context<Serve>) {
      switch message {
      case .start(let other):
        self.other = other
        other.send(0)
      case .ball(let value):
        if value == rounds { _ = done.send(value) } else { other!.send(value) }
      }
    }
  }
  struct Ponger: Behavior, Sendable {
    let other: Address<Serve>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { other.send(.ball(message + 1)) }
  }

  func pingpong(_ rounds: Int) throws -> Measured {
    let result = results { done in
      let pinger = system.spawn(awaited: awaited, Pinger(rounds: rounds, done: done))
      pinger.send(.start(system.spawn(awaited: awaited, Ponger(other: pinger))))
    }
    try check(result == [rounds], "pingpong \(result)")
    return .operations(rounds)
  }
}

// MARK: counting

extension Actors {
  enum Count: Sendable {
    case add(Int)
    case total(Sender<Int>)
  }
  struct Counter: Behavior, Sendable {
    var total = 0
    mutating func receive(_ message: consuming Count, in context: Context<Count>) {
      switch message {
      case .add(let n): total &+= n
      case .total(let sender): _ = sender.send(total)
      }
    }
  }
  struct CountProducer: Behavior, Sendable {
    let counter: Address<Count>
    let done: Sender<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for _ in 0..<message { counter.send(.add(1)) }
      counter.send(.total(done))
    }
  }

  func counting(_ n: Int) throws -> Measured {
    let result = results { done in
      let counter = system.spawn(awaited: awaited, Counter())
      system.spawn(awaited: awaited, CountProducer(counter: counter, done: done)).send(n)
    }
    try check(result == [n], "counting \(result)")
    return .operations(n)
  }
}

// MARK: ring

extension Actors {
  enum Token: Sendable {
    case link(Address<Token>)
    case token(Int)
  }
  struct RingNode: Behavior, Sendable {
    let id: Int
    let done: Sender<Int>
    var next: Address<Token>?
    mutating func receive(_ message: consuming Token, in context: Context<Token>) {
      switch message {
      case .link(let next): self.next = next
      case .token(0): _ = done.send(id)
      case .token(let left): next!.send(.token(left - 1))
      }
    }
  }

  func ring(_ hops: Int) throws -> Measured {
    let size = 500
    let result = results { done in
      let nodes = (0..<size).map { system.spawn(awaited: awaited, RingNode(id: $0, done: done)) }
      for i in 0..<size { nodes[i].send(.link(nodes[(i + 1) % size])) }
      nodes[0].send(.token(hops))
    }
    try check(result == [hops % size], "ring \(result)")
    return .operations(hops)
  }
}

// MARK: forkjoin_create

extension Actors {
  struct Once: Behavior, Sendable {
    let done: Address<Int>
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      done.send(message)
      context.stop()
    }
  }
  struct Creator: Behavior, Sendable {
    let n: Int
    let awaited: Bool
    let done: Sender<Int>
    var sum = 0
    var count = 0
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      if message < 0 {
        for i in 0..<n { context.spawnOnce(awaited: awaited, Once(done: context.address)).send(i) }
        return
      }
      sum += message
      count += 1
      if count == n { _ = done.send(sum) }
    }
  }

  func create(_ n: Int) throws -> Measured {
    let result = results { done in
      system.spawn(awaited: awaited, Creator(n: n, awaited: awaited, done: done)).send(-1)
    }
    try check(result == [triangle(n)], "forkjoin_create \(result)")
    return .operations(n)
  }
}

// MARK: forkjoin_throughput and fan-in

extension Actors {
  struct Summer: Behavior, Sendable {
    let expected: Int
    let done: Sender<Int>
    var sum = 0
    var count = 0
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      sum &+= message
      count += 1
      if count == expected { _ = done.send(sum) }
    }
  }
  struct RoundRobin: Behavior, Sendable {
    let targets: [Address<Int>]
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for i in 0..<message {
        for target in targets { target.send(i) }
      }
    }
  }
  struct FanProducer: Behavior, Sendable {
    let target: Address<Int>
    let first: Int
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for i in first..<first + message { target.send(i) }
    }
  }

  func throughput(_ each: Int) throws -> Measured {
    let actors = 60
    let result = results(actors) { done in
      let targets = (0..<actors).map { _ in
        system.spawn(awaited: awaited, Summer(expected: each, done: done))
      }
      system.spawn(awaited: awaited, RoundRobin(targets: targets)).send(each)
    }
    try check(result == Array(repeating: triangle(each), count: actors), "forkjoin_throughput")
    return .operations(actors * each)
  }

  func fanin(producers: Int, each: Int) throws -> Measured {
    let n = producers * each
    let result = results { done in
      let target = system.spawn(awaited: awaited, Summer(expected: n, done: done))
      for p in 0..<producers {
        system.spawn(awaited: awaited, FanProducer(target: target, first: p * each)).send(each)
      }
    }
    try check(result == [triangle(n)], "fanin \(result)")
    return .operations(n)
  }
}

// MARK: ask

extension Actors {
  enum ServiceRequest: ~Copyable {
    case add(Int)
    case total(Reply<Int>)
  }
  struct Answerer: Behavior, Sendable {
    var total = 0
    mutating func receive(_ message: consuming ServiceRequest, in context: Context<ServiceRequest>) {
      switch consume message {
      case .add(let n): total += n
      case .total(let reply): reply.send(total)
      }
    }
  }

  func ask(_ n: Int) throws -> Measured {
    let answerer = system.spawn(awaited: awaited, Answerer())
    answerer.send(.add(7))
    var sum = 0
    for _ in 0..<n { sum += try answerer.ask { .total($0) } }
    try check(sum == 7 * n, "ask \(sum)")
    return .operations(n)
  }

  func askTask(_ n: Int) throws -> Measured {
    let answerer = system.spawn(awaited: awaited, Answerer())
    answerer.send(.add(7))
    let result = results { done in
      system.task {
        var sum = 0
        for _ in 0..<n { sum += (try? await answerer.ask { .total($0) }) ?? 0 }
        _ = done.send(sum)
      }
    }
    try check(result == [7 * n], "ask_task \(result)")
    return .operations(n)
  }
}
