import Troupe

/// A round with a channel of each flavour between some tasks, at random. Its receiver stays, closes or goes.
struct ChannelRound: Sendable {
  let tally: Tally
  let seed: UInt64

  func run() async {
    var random = SplitMix(seed: seed)
    let producers = 1 + random.below(4)
    let each = 500 + random.below(1_000)
    let quota = random.below(3) == 0 ? Int.max : random.below(producers * each)
    switch random.below(3) {
    case 0: await unbounded(producers, each, quota)
    case 1: await bounded(1 + random.below(64), producers, each, quota)
    default: await bounded(0, producers, each / 8, quota / 8)
    }
  }

  private func unbounded(_ producers: Int, _ each: Int, _ quota: Int) async {
    let channel = Channel.unbounded(of: Envelope.self)
    let sender = channel.sender
    let sending = (0..<producers).map { _ in
      Task {
        for _ in 0..<each {
          if case .closed(let envelope) = sender.send(Envelope(tally)) { return refused(envelope) }
        }
      }
    }
    _ = consume sender
    await receive(channel.receiver, quota, sending)
  }

  private func bounded(_ capacity: Int, _ producers: Int, _ each: Int, _ quota: Int) async {
    let channel = Channel.bounded(capacity, of: Envelope.self)
    let sender = channel.sender
    let sending = (0..<producers).map { index in
      Task {
        for i in 0..<each {
          let timeout: Duration? = (i + index) % 16 == 0 ? .microseconds(20) : nil
          switch await sender.send(Envelope(tally), timeout: timeout) {
          case .sent: continue
          case .timedOut(let envelope): refused(envelope)
          case .cancelled(let envelope): refused(envelope)
          case .closed(let envelope): return refused(envelope)
          }
        }
      }
    }
    _ = consume sender
    await receive(channel.receiver, quota, sending)
  }

  private func refused(_ envelope: consuming Envelope) {
    tally.countReturned()
    _ = consume envelope
  }

  /// Receives up to `quota` envelopes, then lets the receiver go.
  private func receive(_ receiver: consuming Receiver<Envelope>, _ quota: Int, _ sending: [Task<Void, Never>]) async {
    await receive(receiver, quota)
    for task in sending { await task.value }
  }

  private func receive(_ receiver: consuming Receiver<Envelope>, _ quota: Int) async {
    var left = quota
    while left > 0, let envelope = await receiver.receive() {
      tally.countUsed()
      _ = consume envelope
      left -= 1
    }
  }
}
