import Troupe

/// The channel workloads between threads, with blocking calls.
struct ThreadChannels {
  let scale: Double
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
    case "chan.oneshot_cap1": return try oneShotCapacity1(scaled(1_000_000))
    case "chan.select2": return try select2(scaled(2_000_000))
    case "chan.select8": return try select8(scaled(2_000_000))
    default: return nil
    }
  }

  private func sum(_ receiver: consuming Receiver<Int>, _ producers: Int, _ each: Int) throws -> Measured {
    var (sum, count) = (0, 0)
    while let value = receiver.receive() {
      sum &+= value
      count += 1
    }
    let n = producers * each
    try check(count == n && sum == triangle(n), "\(count) elements, sum \(sum)")
    return .operations(n)
  }

  private func unbounded(producers: Int, each: Int) throws -> Measured {
    let channel = Channel.unbounded(of: Int.self)
    let threads = start(producers, channel.sender, each)
    let measured = try sum(channel.receiver, producers, each)
    threads.forEach { $0.join() }
    return measured
  }

  /// Starts the producers. The sender is a parameter, so that the caller's copy is gone while the caller receives.
  private func start(_ producers: Int, _ sender: consuming Sender<Int>, _ each: Int) -> [BenchThread<Void>] {
    (0..<producers).map { [sender] p in
      BenchThread { for i in 0..<each { _ = sender.send(p * each + i) } }
    }
  }

  private func bounded(_ capacity: Int, producers: Int, each: Int) throws -> Measured {
    let channel = Channel.bounded(capacity, of: Int.self)
    let threads = start(producers, channel.sender, each)
    let measured = try sum(channel.receiver, producers, each)
    threads.forEach { $0.join() }
    return measured
  }

  private func start(_ producers: Int, _ sender: consuming BoundedSender<Int>, _ each: Int) -> [BenchThread<Void>] {
    (0..<producers).map { [sender] p in
      BenchThread { for i in 0..<each { _ = sender.send(p * each + i) } }
    }
  }

  private func prefill(_ n: Int) throws -> Measured {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    for i in 0..<n { _ = sender.send(i) }
    var sum = 0
    for _ in 0..<n { sum &+= receiver.receive()! }
    try check(sum == triangle(n), "sum \(sum)")
    return .operations(n)
  }

  private func pingpong(_ n: Int) throws -> Measured {
    let there = Channel.unbounded(of: Int.self)
    let back = Channel.unbounded(of: Int.self)
    var toOther: Optional = there.sender
    let toHere = back.sender
    var fromOther = back.receiver
    let other = echo(there.receiver, toHere)
    var value = 0
    for _ in 0..<n {
      _ = toOther!.send(value)
      value = fromOther.receive()!
    }
    toOther = nil
    other.join()
    try check(value == n, "\(value) round trips")
    return .operations(n)
  }

  private func echo(_ receiver: consuming Receiver<Int>, _ sender: Sender<Int>) -> BenchThread<Void> {
    let box = Box(receiver)
    return BenchThread {
      var receiver = box.take()
      while let value = receiver.receive() { _ = sender.send(value + 1) }
    }
  }

  private func select2(_ total: Int) throws -> Measured {
    let channels = SelectedChannels(2)
    let each = total / 2
    let threads = channels.senders.enumerated().map { place, sender in
      BenchThread { for i in 0..<each { _ = sender.send(place * each + i) } }
    }
    var a = channels.receivers[0].take()
    var b = channels.receivers[1].take()
    var sum = 0
    for _ in 0..<each * 2 {
      let value: Int = Channel.select { select in
        select.receive(&a) { $0! }
        select.receive(&b) { $0! }
      }
      sum &+= value
    }
    threads.forEach { $0.join() }
    try check(sum == triangle(each * 2), "sum \(sum)")
    return .operations(each * 2)
  }

  private func select8(_ total: Int) throws -> Measured {
    let channels = SelectedChannels(8)
    let each = total / 8
    let threads = channels.senders.enumerated().map { place, sender in
      BenchThread { for i in 0..<each { _ = sender.send(place * each + i) } }
    }
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
      let value: Int = Channel.select { select in
        select.receive(&a) { $0! }
        select.receive(&b) { $0! }
        select.receive(&c) { $0! }
        select.receive(&d) { $0! }
        select.receive(&e) { $0! }
        select.receive(&f) { $0! }
        select.receive(&g) { $0! }
        select.receive(&h) { $0! }
      }
      sum &+= value
    }
    threads.forEach { $0.join() }
    try check(sum == triangle(each * 8), "sum \(sum)")
    return .operations(each * 8)
  }

  private func oneShot(_ n: Int) throws -> Measured {
    var sum = 0
    for i in 0..<n {
      let channel = Channel.oneShot(of: Int.self)
      let receiver = channel.receiver
      _ = channel.sender.send(i)
      sum &+= receiver.receive()!
    }
    try check(sum == triangle(n), "sum \(sum)")
    return .operations(n)
  }

  private func oneShotCapacity1(_ n: Int) throws -> Measured {
    var sum = 0
    for i in 0..<n {
      let channel = Channel.bounded(1, of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      _ = sender.send(i)
      sum &+= receiver.receive()!
    }
    try check(sum == triangle(n), "sum \(sum)")
    return .operations(n)
  }
}

/// Carries a noncopyable value into a closure that runs once.
final class Box<Value: ~Copyable & Sendable>: @unchecked Sendable {
  private var value: Value?
  init(_ value: consuming Value) { self.value = consume value }
  func take() -> Value { value.take()! }
}

/// Unbounded channels for a selection. Their senders live as long as this does, so that none of them closes before all
/// elements have been received.
final class SelectedChannels: Sendable {
  let senders: [Sender<Int>]
  let receivers: [Box<Receiver<Int>>]
  init(_ count: Int) {
    var (senders, receivers): ([Sender<Int>], [Box<Receiver<Int>>]) = ([], [])
    for _ in 0..<count {
      let channel = Channel.unbounded(of: Int.self)
      senders.append(channel.sender)
      receivers.append(Box(channel.receiver))
    }
    (self.senders, self.receivers) = (senders, receivers)
  }
}
