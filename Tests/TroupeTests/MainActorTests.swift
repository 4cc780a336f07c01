import Dispatch
import TestSupport
import Testing
import Troupe

@MainActor final class Model {
  var values: [Int] = []
  var ended = 0
}

@Suite(.spins) struct MainActorTests {
  struct Writer: MainActorBehavior, ~Copyable {
    enum Message: ~Copyable {
      case add(Int)
      case all(Reply<[Int]>)
      case fail
    }
    let model: Model
    init(_ model: Model) {
      dispatchPrecondition(condition: .onQueue(.main))
      self.model = model
    }
    func started(in context: Context<Message>) {
      MainActor.assertIsolated()
      model.values.append(-1)
    }
    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      MainActor.preconditionIsolated()
      switch consume message {
      case .add(let n): model.values.append(n)
      case .all(let reply): reply.send(model.values)
      case .fail: throw Oops(1)
      }
    }
    func stopping(in context: Context<Message>) {
      MainActor.assertIsolated()
      model.ended += 1
    }
  }

  @Test func `a main actor behavior touches main actor state, in the order of messages`() async throws {
    let pool = Pooled(workers: 2)
    let model = Model()
    let writer = pool.system.spawn("writer") { Writer(model) }
    let count = Scale.count(2000)
    await TestThread { for n in 0..<count { writer.send(.add(n)) } }.value
    let values = try await writer.ask(timeout: nil) { .all($0) } as [Int]
    #expect(values == Array(-1..<count))
    #expect(await settled { pool.system.counts.handled >= count })
    pool.system.stop(writer)
    #expect(await writer.termination.kind == "stopped")
    #expect(await model.ended == 1)
    await pool.end()
    #expect(pool.system.counts.handled == count + 1)
  }

  @Test func `a handler that throws fails the actor`() async {
    let pool = Pooled(workers: 1)
    let model = Model()
    let writer = pool.system.spawn { Writer(model) }
    writer.send(.fail)
    #expect(await writer.termination.failure?.error as? Oops == Oops(1))
    #expect(await model.ended == 1)
    await pool.end()
  }

  @Test @MainActor func `main actor code that awaits asks it`() async throws {
    let pool = Pooled(workers: 1)
    let model = Model()
    let writer = pool.system.spawn { Writer(model) }
    for n in 0..<50 {
      writer.send(.add(n))
      let values = try await writer.ask(timeout: nil) { .all($0) } as [Int]
      #expect(values == model.values)
    }
    await pool.end()
  }

  @Test func `another dispatcher for it stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let model = Model()
      ActorSystem("x").spawn(options: SpawnOptions(dispatcher: .pinned)) { Writer(model) }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("cannot have another dispatcher"), "\(text)")
  }
}
