import TestSupport
import Testing
import Troupe

@Suite(.spins) struct DispatcherRestartTests {
  /// Notes the thread of each incarnation's start, and fails when told to.
  struct Failing: Behavior {
    enum Message: ~Copyable { case fail, thread(Reply<UInt>) }
    let starts: Trail<UInt>
    init(_ starts: Trail<UInt>) {
      self.starts = starts
      starts.append(currentThread)
    }
    func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .fail: throw Oops(1)
      case .thread(let reply): reply.send(currentThread)
      }
    }
  }

  @Test(arguments: Site.allCases) func `an actor that is restarted stays on its dispatcher`(site: Site) async throws {
    let pool = Pooled(workers: 1)
    let starts = Trail<UInt>()
    let options = SpawnOptions(dispatcher: site.dispatcher, supervision: .restart(backoff: .none))
    let actor = pool.system.spawn(options: options) { Failing(starts) }
    for _ in 0..<3 { actor.send(.fail) }
    let thread = try await actor.ask(timeout: nil) { .thread($0) } as UInt
    #expect(starts.count == 4)
    if site == .pinned {
      #expect(starts.all == Array(repeating: thread, count: 4))
      #expect(pool.system.dispatcherThreads == 1)
    }
    await pool.end()
    await until { pool.system.dispatcherThreads == 0 }
    #expect(pool.system.counts.restarts == 3)
    #expect(pool.system.counts.failures == 3)
    #expect(pool.system.counts.handled == 1)
  }

  @MainActor struct Fragile: MainActorBehavior {
    let starts: Counter
    init(_ starts: Counter) {
      starts.add()
      self.starts = starts
    }
    func receive(_ message: consuming Reply<Int>?, in context: Context<Reply<Int>?>) throws {
      MainActor.preconditionIsolated()
      guard let reply = message else { throw Oops(2) }
      reply.send(starts.value)
    }
  }

  @Test func `so is one on the main actor`() async throws {
    let pool = Pooled(workers: 1)
    let starts = Counter()
    let options = SpawnOptions(supervision: .restart(backoff: .none))
    let actor = pool.system.spawn(options: options) { Fragile(starts) }
    actor.send(nil)
    actor.send(nil)
    let count = try await actor.ask(timeout: nil) { $0 } as Int
    #expect(count == 3)
    await pool.end()
  }
}
