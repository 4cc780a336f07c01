import Foundation
import TestSupport
import Testing
import TroupeChannels

/// Random programs on real threads and tasks. What was sent has been received, came back, or was destroyed with the
/// channel; each element exactly once. To run one again: `TROUPE_TEST_SEED=<seed>`.
@Suite(.spins) struct StressTests {
  static let seeds: [UInt64] = {
    if let text = ProcessInfo.processInfo.environment["TROUPE_TEST_SEED"], let seed = UInt64(text) { return [seed] }
    let first = UInt64.random(in: 0...(.max))
    print("StressTests: seeds from \(first), TROUPE_TEST_SEED=\(first)")
    return (0..<UInt64(Scale.count(6))).map { first &+ $0 }
  }()

  /// Large or small, so that a queue has many blocks or few.
  private struct Small: ~Copyable, Sendable {
    let token: Token
  }
  private struct Large: ~Copyable, Sendable {
    let token: Token
    private let rest = InlineArray<600, UInt64>(repeating: 1)
    init(token: consuming Token) { self.token = token }
  }

  @Test(arguments: Flavour.all, seeds)
  func `C38 elements are conserved under random sends, receives and ends`(flavour: Flavour, seed: UInt64) async {
    if seed % 2 == 0 {
      await run(flavour, seed) { Small(token: $0) }
    } else {
      await run(flavour, seed) { Large(token: $0) }
    }
  }

  private struct Count: Sendable {
    var sent = 0
    var returned = 0
    /// Counts an outcome; an element whose time was up is handed out again.
    mutating func add<Element: ~Copyable>(_ outcome: consuming WaitingSendOutcome<Element>) -> Element? {
      switch consume outcome {
      case .sent: sent += 1
      case .timedOut(let element): return element
      case .cancelled(let element): return element
      case .closed: returned += 1
      }
      return nil
    }
  }

  private func run<Element: ~Copyable & Sendable>(
    _ flavour: Flavour, _ seed: UInt64, _ make: @escaping @Sendable (consuming Token) -> Element
  ) async {
    var random = SplitMix(seed: seed)
    let producers = 1 + Int(random.next() % 6)
    let each = Scale.count(200 + Int(random.next() % 2_000))
    let total = producers * each
    // Sometimes the receiver goes or closes on the way, sometimes it stays to the end.
    let quota = random.next() % 3 == 0 ? Int.max : Int(random.next() % UInt64(total))
    let closes = random.next() % 2 == 0
    let form = Form.waiting[Int(random.next() % 2)]
    let ledger = Ledger(total)

    let channel = flavour.channel(of: Element.self)
    let sending = start(producers, each, channel.sender, ledger, &random, make)
    let received = await receive(channel.receiver(), form, quota: quota, closes: closes, seed: random.next()).value
    var count = Count()
    for producer in sending {
      let one = await producer.value
      count.sent += one.sent
      count.returned += one.returned
    }
    let note = "seed \(seed), \(flavour), \(producers) x \(each), quota \(quota), closes \(closes), \(form)"
    #expect(count.sent + count.returned == ledger.madeCount, "\(note)")
    // What was sent and not received was destroyed with the channel.
    #expect(received <= count.sent, "\(note)")
    if closes || quota == .max || flavour == .rendezvous { #expect(received == count.sent, "\(note)") }
    if quota == .max { #expect(received == total, "\(note)") }
    #expect(ledger.isBalanced, "\(note)")
  }

  private func start<Element: ~Copyable & Sendable>(
    _ producers: Int, _ each: Int, _ sender: consuming AnySender<Element>, _ ledger: Ledger,
    _ random: inout SplitMix, _ make: @escaping @Sendable (consuming Token) -> Element
  ) -> [Running<Count>] {
    (0..<producers).map { [sender] _ in
      let seed = random.next()
      return random.next() % 2 == 0
        ? .thread(
          onThread(sender) { sender in
            var random = SplitMix(seed: seed)
            var count = Count()
            for _ in 0..<each where count.returned == 0 {
              let first = sender.sendBlocking(make(Token(ledger)), timeout: Self.timeout(&random))
              if let again = count.add(first) { _ = count.add(sender.sendBlocking(again)) }
            }
            return count
          })
        : .task(
          inTask(sender) { sender in
            var random = SplitMix(seed: seed)
            var count = Count()
            for i in 0..<each where count.returned == 0 {
              let first = await sender.send(make(Token(ledger)), timeout: Self.timeout(&random))
              if let again = count.add(first) { _ = count.add(await sender.send(again)) }
              if i % 64 == 63 { await Task.yield() }
            }
            return count
          })
    }
  }

  /// Mostly none.
  private static func timeout(_ random: inout SplitMix) -> Duration? {
    random.next() % 8 == 0 ? .microseconds(Int64(random.next() % 50)) : nil
  }

  /// Receives in all ways at random, up to `quota` elements; then closes and drains, or goes.
  private func receive<Element: ~Copyable & Sendable>(
    _ receiver: consuming Receiver<Element>, _ form: Form, quota: Int, closes: Bool, seed: UInt64
  ) -> Running<Int> {
    form == .blocking
      ? .thread(
        onThread(receiver) { receiver in
          var receiver = receiver
          var random = SplitMix(seed: seed)
          var count = 0
          while count < quota {
            switch random.next() % 4 {
            case 0:
              switch receiver.receive(timeout: .microseconds(Int64(random.next() % 50))) {
              case .received: count += 1
              case .closed: return count
              default: continue
              }
            case 1: count += receiver.receiveMany(limit: 1 + Int(random.next() % 5)) { _ in }
            case 2: count += receiver.drain { _ in }
            default:
              guard receiver.receive() != nil else { return count }
              count += 1
            }
          }
          if closes {
            receiver.close()
            while receiver.receive() != nil { count += 1 }
          }
          return count
        })
      : .task(
        inTask(receiver) { receiver in
          var receiver = receiver
          var random = SplitMix(seed: seed)
          var count = 0
          while count < quota {
            switch random.next() % 4 {
            case 0:
              switch await receiver.receive(timeout: .microseconds(Int64(random.next() % 50))) {
              case .received: count += 1
              case .closed: return count
              default: continue
              }
            case 1: count += await receiver.receiveMany(limit: 1 + Int(random.next() % 5)) { _ in }
            case 2: count += receiver.drain { _ in }
            default:
              guard await receiver.receive() != nil else { return count }
              count += 1
            }
          }
          if closes {
            receiver.close()
            while await receiver.receive() != nil { count += 1 }
          }
          return count
        })
  }
}
