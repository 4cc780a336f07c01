import Troupe

/// The channel workloads between tasks on a system's workers.
struct TaskChannels {
  let scale: Double
  let system: ActorSystem
  func scaled(_ n: Int) -> Int { max(1, Int(Double(n) * scale)) }

  func run(_ workload: String) throws -> Measured? {
    switch workload {
    case "chan.spsc": return try unbounded(producers: 1, each: scaled(5_000_000))
    case "chan.mpsc4": return try unbounded(producers: 4, each: scaled(1_250_000))
    case "chan.prefill": return try prefill(scaled(2_000_000))
    case "chan.bounded1024.spsc": return try bounded(1024, producers: 1, each: scaled(5_000_000))
    case "chan.bounded1024.mpsc4": return try bounded(1024, producers: 4, each: scaled(1_250_000))
    case "chan.rendezvous": return try bounded(0, producers: 1, each: scaled(200_000))
    case "chan.pingpong": return try pingpong(scaled(200_000))
    case "chan.oneshot": return try oneShot(scaled(1_000_000))
    case "chan.select2": return try select2(scaled(2_000_000))
    case "chan.select8": return try select8(scaled(2_000_000))
    default: return nil
    }
  }

  /// Runs a task on the workers and blocks this thread until it has ended.
  private func wait<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let channel = Channel.oneShot(of: Result.self)
    let box = Box(channel.sender)
    system.task { _ = box.take().send(await body()) }
    return channel.receiver.receive()!
  }

  private func sum(_ receiver: consuming Receiver<Int>, _ producers: Int, _ each: Int) throws -> Measured {
    let box = Box(receiver)
    let (sum, count) = wait { () -> (Int, Int) in
      var receiver = box.take()
      var (sum, count) = (0, 0)
      while let value = await receiver.receive() {
        sum &+= value
        count += 1
      }
      return (sum, count)
    }
    let n = producers * each
    try check(count == n && sum == triangle(n), "\(count) elements, sum \(sum)")
    return .operations(n)
  }

  private func unbounded(producers: Int, each: Int) throws -> Measured {
    let channel = Channel.unbounded(of: Int.self)
    start(producers, channel.sender, each)
    return try sum(channel.receiver, producers, each)
  }

  private func start(_ producers: Int, _ sender: consuming Sender<Int>, _ each: Int) {
    for p in 0..<producers {
      let own = sender
      system.task { for i in 0..<each { _ = own.send(p * each + i) } }
    }
  }

  private func bounded(_ capacity: Int, producers: Int, each: Int) throws -> Measured {
    let channel = Channel.bounded(capacity, of: Int.self)
    start(producers, channel.sender, each)
    return try sum(channel.receiver, producers, each)
  }

  private func start(_ producers: Int, _ sender: consuming BoundedSender<Int>, _ each: Int) {
    for p in 0..<producers {
      let own = sender
      system.task { for i in 0..<each { _ = await own.send(p * each + i) } }
    }
  }

  private func prefill(_ n: Int) throws -> Measured {
    let sum = wait { () -> Int in
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      for i in 0..<n { _ = sender.send(i) }
      var sum = 0
      for _ in 0..<n { sum &+= await receiver.receive()! }
      return sum
    }
    try check(sum == triangle(n), "sum \(sum)")
    return .operations(n)
  }

  private func pingpong(_ n: Int) throws -> Measured {
    let there = Channel.unbounded(of: Int.self)
    let back = Channel.unbounded(of: Int.self)
    let toOther = there.sender
    let toHere = back.sender
    let other = Box(there.receiver)
    let here = Box(back.receiver)
    system.task {
      var receiver = other.take()
      while let value = await receiver.receive() { _ = toHere.send(value + 1) }
    }
    let value = wait { () -> Int in
      var receiver = here.take()
      var value = 0
      for _ in 0..<n {
        _ = toOther.send(value)
        value = await receiver.receive()!
      }
      return value
    }
    try check(value == n, "\(value) round trips")
    return .operations(n)
  }

  private func select2(_ total: Int) throws -> Measured {
    let channels = SelectedChannels(2)
    let each = total / 2
    for (place, sender) in channels.senders.enumerated() {
      system.task { for i in 0..<each { _ = sender.send(place * each + i) } }
    }
    let sum = wait { () -> Int in
      var a = channels.receivers[0].take()
      var b = channels.receivers[1].take()
      var sum = 0
      for _ in 0..<each * 2 {
        let value: Int? = await Channel.select { select in
          select.receive(&a) { $0! }
          select.receive(&b) { $0! }
        }
        sum &+= value!
      }
      return sum
    }
    try check(sum == triangle(each * 2), "sum \(sum)")
    return .operations(each * 2)
  }

  private func select8(_ total: Int) throws -> Measured {
    let channels = SelectedChannels(8)
    let each = total / 8
    for (place, sender) in channels.senders.enumerated() {
      system.task { for i in 0..<each { _ = sender.send(place * each + i) } }
    }
    let sum = wait { () -> Int in
      var a = channels.receivers[0].take()
      var b = channels.receivers[1].take()
      var c = channels.receivers[2].take()
      var d = channels.receivers[3].take()
      var e = channels.receivers[4].take()
      var f = channels.receivers[5].take()
      var g = channels.receivers[6].take()
      var h = channels.receivers[7].take()
      var sum = 0
      for _ in 0..<each * 8 {
        let value: Int? = await Channel.select { select in
          select.receive(&a) { $0! }
          select.receive(&b) { $0! }
          select.receive(&c) { $0! }
          select.receive(&d) { $0! }
          select.receive(&e) { $0! }
          select.receive(&f) { $0! }
          select.receive(&g) { $0! }
          select.receive(&h) { $0! }
        }
        sum &+= value!
      }
      return sum
    }
    try check(sum == triangle(each * 8), "sum \(sum)")
    return .operations(each * 8)
  }

  private func oneShot(_ n: Int) throws -> Measured {
    let sum = wait { () -> Int in
      var sum = 0
      for i in 0..<n {
        let channel = Channel.oneShot(of: Int.self)
        let receiver = channel.receiver
        _ = channel.sender.send(i)
        sum &+= await receiver.receive()!
      }
      return sum
    }
    try check(sum == triangle(n), "sum \(sum)")
    return .operations(n)
  }
}
