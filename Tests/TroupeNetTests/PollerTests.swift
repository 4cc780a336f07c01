import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Troupe
@testable import TroupeNet

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The poller in the scheduler", .serialized, .timeLimit(.minutes(5)))
struct PollerTests {
  /// The processor time of the process.
  private static func processorTime() -> Duration {
    var usage = rusage()
    getrusage(__rusage_who_t(0), &usage)
    let micros =
      (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return .microseconds(micros)
  }

  @Test("A system without sockets has no poller, and one with a server has")
  func none() async throws {
    let net = Net()
    let actor = net.system.spawn { Peerless() }
    #expect(try await actor.ask(timeout: .seconds(100)) { $0 } == 1)
    let pool = try #require(net.system.scheduler as? PoolScheduler)
    #expect(pool.existingPoller == nil)
    _ = try net.system.lines { _, _, _ in }
    #expect(pool.existingPoller != nil)
    await net.end()
  }

  private struct Peerless: Behavior {
    func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) { message.send(1) }
  }

  /// Replies after a time by the clock of the system.
  private struct Alarm: Behavior {
    enum Message: Sendable {
      case wait(Duration, Later<Duration>)
      case over
    }
    private var waiting: (start: ContinuousClock.Instant, answer: Later<Duration>)?
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .wait(let delay, let answer):
        waiting = (.now, answer)
        context.timers.once("over", after: delay, .over)
      case .over:
        if let waiting { waiting.answer.set(ContinuousClock.now - waiting.start) }
        waiting = nil
      }
    }
  }

  @Test("A service with idle connections uses no processor, and its timers are on time", arguments: [1, 4])
  func quiet(workers: Int) async throws {
    let net = Net(workers: workers)
    let server = try net.system.lines { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let clients = (0..<200).map { _ in RawSocket(port: server.port) }
    await until { server.connectionCount == 200 }
    let alarm = net.system.spawn { Alarm() }
    let before = Self.processorTime()
    let answer = Later<Duration>()
    alarm.send(.wait(.seconds(2), answer))
    let took = await answer.value
    let used = Self.processorTime() - before
    #expect(took >= .seconds(2) && took < .seconds(4))
    // A worker that did not wait would use both seconds.
    #expect(used < .milliseconds(500))
    withExtendedLifetime(clients) {}
    await net.end()
  }

  @Test("Messages from outside reach actors while a worker waits in the poller", arguments: [1, 2, 4])
  func messagesFromOutside(workers: Int) async throws {
    let net = Net(workers: workers)
    let server = try net.system.lines { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let client = RawSocket(port: server.port)
    let actor = net.system.spawn { Peerless() }
    for index in 0..<Scale.count(3_000) {
      #expect(try await actor.ask(timeout: .seconds(100)) { $0 } == 1)
      if index % 10 == 0 {
        #expect(
          await onThread { () -> String in
            client.send("x\n"); return client.text(2)
          } == "x\n")
      }
    }
    await net.end()
  }

  @Test("Sockets are heard of although every worker but one is held, and although the last was just removed")
  func firstAndLast() async throws {
    let net = Net(workers: 2)
    for _ in 0..<Scale.count(300) {
      let server = try net.system.lines { event, connection, _ in
        if case .received(let line) = event { connection.write(line) }
      }
      let port = server.port
      let text = await onThread { () -> String in
        let client = RawSocket(port: port)
        client.send("x\n")
        return client.text(2)
      }
      #expect(text == "x\n")
      // Afterwards no descriptor is left, and nobody waits.
      await server.stop()
    }
    await net.end()
  }

  @Test("A wake-up that another worker has taken with a look is passed on to the one that waits")
  func passedOn() throws {
    let poller = try #require(Poller {})
    let client = Told()
    let ends = UnsafeMutablePointer<Int32>.allocate(capacity: 2)
    defer { ends.deallocate() }
    #expect(pipe(ends) == 0)
    let token = poller.add(ends[0], client)
    #expect(token >= 0)
    #expect(poller.claimWait())
    poller.wake()
    // The look comes between the wake-up and the wait.
    poller.look()
    poller.wait { poller.releaseWait() }
    #expect(client.events == 0)
    // Nobody waits: the wake-up is used up.
    poller.wake()
    poller.look()
    #expect(!poller.look())
    poller.remove(ends[0], token)
    close(ends[0])
    close(ends[1])
  }

  private final class Told: PollerClient {
    private let word = Atomic<UInt32>(0)
    var events: UInt32 { word.load(ordering: .relaxed) }
    func becameReady(_ events: UInt32) { word.bitwiseOr(events, ordering: .relaxed) }
  }
}
