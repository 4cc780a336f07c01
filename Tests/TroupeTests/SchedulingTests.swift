import Dispatch
import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct SchedulingTests {
  /// Sends itself a message for each that it gets.
  struct Endless: Behavior {
    mutating func receive(_ message: consuming Int, in context: Context<Int>) { context.address.send(message &+ 1) }
  }
  struct AsyncEndless: AsyncBehavior {
    mutating func receive(_ message: consuming Int, in context: Context<Int>) async {
      context.address.send(message &+ 1)
    }
  }

  /// Runs `body` on a thread of its own while 64 blocks sleep on the global queue, the concurrency library's
  /// own threads among those. True if it returns true, and they all sleep still.
  private func whileTheGlobalQueueSleeps(_ body: @escaping @Sendable () -> Bool) async -> Bool {
    let release = DispatchSemaphore(value: 0)
    let (asleep, done) = (Event(), Countdown(64))
    let isRight = await TestThread { () -> Bool in
      for i in 0..<64 {
        DispatchQueue.global(qos: i % 2 == 0 ? .userInitiated : .default).async {
          asleep.set()
          release.wait()
          done.down()
        }
      }
      asleep.spin()
      let isRight = body()
      let isBlocked = !done.isOver
      for _ in 0..<64 { release.signal() }
      return isRight && isBlocked
    }.value
    await done.wait()
    return isRight
  }

  @Test func `with many blocks asleep on the global queue, actors still run`() async {
    let pool = Pooled()
    let system = pool.system
    // Each answer comes from an actor that began when the global queue was full.
    let isRight = await whileTheGlobalQueueSleeps {
      (0..<100).allSatisfy { n in
        let oracle = system.spawn { Oracle() }
        let answer = try? oracle.ask(timeout: nil) { .double(n, $0) } as Int
        return answer == 2 * n
      }
    }
    #expect(isRight)
    await pool.end()
  }

  /// Answers what it has received from a channel, asked of another, and heard of the end of a third.
  struct Waits: AsyncBehavior, ~Copyable {
    let oracle: Address<Oracle.Message>
    var receiver: Receiver<Int>
    mutating func receive(_ reply: consuming Reply<Int>, in context: Context<Reply<Int>>) async {
      let received = await receiver.receive() ?? 0
      let doubled = try? await oracle.ask(timeout: nil) { .double(received, $0) } as Int
      let child = context.spawn(state: 0) { (_: inout Int, _: consuming Int, context: Context<Int>) in context.stop() }
      child.send(1)
      _ = await child.termination
      reply.send(doubled ?? -1)
    }
  }

  @Test func `with the global queue asleep, waits for channels, answers and terminations end`() async {
    let pool = Pooled()
    let system = pool.system
    let isRight = await whileTheGlobalQueueSleeps {
      let oracle = system.spawn { Oracle() }
      return (0..<100).allSatisfy { n in
        let values = Channel.unbounded(of: Int.self)
        let results = Channel.unbounded(of: Int?.self)
        let (value, result) = (values.sender, results.sender)
        var answer = results.receiver
        let waits = system.spawn(behavior: Waits(oracle: oracle, receiver: values.receiver))
        system.task { _ = result.send(try? await waits.ask(timeout: nil) { $0 }) }
        // By then the asker and the handler wait, or will.
        _ = try? oracle.ask(timeout: nil) { .double(n, $0) } as Int
        _ = value.send(n)
        return answer.receive() == 2 * n
      }
    }
    #expect(isRight)
    await pool.end()
  }

  @Test func `a message to an idle actor is handled although its sender's handler does not return`() async {
    for _ in 0..<Scale.count(20) {
      let pool = Pooled(workers: 2)
      let (idle, handled, returned) = (Event(), Event(), Event())
      let other = pool.system.spawn("other", state: 0) { (_: inout Int, message: consuming Int, _: Context<Int>) in
        if message == 0 { idle.set() } else { handled.set() }
      }
      other.send(0)
      await idle.wait()
      let sender = pool.system.spawn("sender", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
        other.send(1)
        handled.spin()
        returned.set()
      }
      sender.send(1)
      await returned.wait()
      await pool.end()
    }
  }

  @Test func `many messages to idle actors are handled although their sender's handler does not return`() async {
    let pool = Pooled(workers: 2)
    let count = 1000
    let done = Countdown(count)
    let others = (0..<count).map { _ in
      pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in done.down() }
    }
    let sender = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in
      for other in others { other.send(1) }
      while !done.isOver {}
    }
    sender.send(1)
    await done.wait()
    await pool.end()
  }

  @Test func `children run although the handler that spawned them does not return`() async {
    let pool = Pooled(workers: 2)
    let done = Event()
    let parent = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, context: Context<Int>) in
      let child = context.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in done.set() }
      child.send(1)
      done.spin()
    }
    parent.send(1)
    await done.wait()
    await pool.end()
  }

  @Test(arguments: [1, 2]) func `M14 endless actors do not keep another from running`(workers: Int) async {
    let pool = Pooled(workers: workers)
    for i in 0..<3 {
      pool.system.spawn { Endless() }.send(i)
      pool.system.spawn { AsyncEndless() }.send(i)
    }
    let oracle = pool.system.spawn { Oracle() }
    for n in 0..<50 {
      let answer = try? await oracle.ask(timeout: nil) { .double(n, $0) } as Int
      #expect(answer == 2 * n)
    }
    // Nor from stopping.
    await pool.end()
  }

  @Test func `M14 an actor flooded by threads does not keep another from running`() async {
    let pool = Pooled(workers: 1)
    let flooded = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    let isOver = Event()
    let threads = (0..<2).map { _ in TestThread { while !isOver.isSet { flooded.send(1) } } }
    let oracle = pool.system.spawn { Oracle() }
    for n in 0..<50 {
      let answer = try? await oracle.ask(timeout: nil) { .double(n, $0) } as Int
      #expect(answer == 2 * n)
    }
    isOver.set()
    for thread in threads { await thread.value }
    await pool.end()
  }

  @Test(arguments: [false, true]) func `a pair that plays ping-pong on one worker starves nobody`(isAsync: Bool) async {
    let pool = Pooled(workers: 1)
    func pair() -> [Address<Ball>] {
      isAsync
        ? (0..<2).map { _ in pool.system.spawn { AsyncPaddle() } } : (0..<2).map { _ in pool.system.spawn { Paddle() } }
    }
    for _ in 0..<2 {
      let pair = pair()
      pair[0].send(Ball(next: pair[1], after: pair[0]))
    }
    let handled = Counter()
    let third = pool.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in handled.add() }
    for n in 1...200 {
      third.send(n)
      await until { handled.value == n }
    }
    await pool.end()
  }

  struct Ball: Sendable {
    let next: Address<Ball>
    let after: Address<Ball>
  }
  struct Paddle: Behavior {
    func receive(_ message: consuming Ball, in context: Context<Ball>) {
      message.next.send(Ball(next: message.after, after: message.next))
    }
  }
  struct AsyncPaddle: AsyncBehavior {
    func receive(_ message: consuming Ball, in context: Context<Ball>) async {
      message.next.send(Ball(next: message.after, after: message.next))
    }
  }

  @Test func `tasks and actors share the workers fairly`() async {
    let pool = Pooled(workers: 1)
    pool.system.spawn { Endless() }.send(1)
    let isOver = Event()
    let busy = Task(executorPreference: pool.system.executor) { while !isOver.isSet { await Task.yield() } }
    let oracle = pool.system.spawn { Oracle() }
    let asking = pool.system.task { () -> Int in
      var sum = 0
      for n in 0..<50 { sum += (try? await oracle.ask(timeout: nil) { .double(n, $0) } as Int) ?? 0 }
      return sum
    }
    #expect(await asking.value == 2450)
    isOver.set()
    await busy.value
    await pool.end()
  }

  @Test(arguments: [1, 2]) func `a task that asks goes on beside endless asynchronous actors`(workers: Int) async {
    struct AsyncEcho: AsyncBehavior {
      func receive(_ message: consuming Reply<Int>, in context: Context<Reply<Int>>) async { message.send(1) }
    }
    let pool = Pooled(workers: workers)
    for i in 0..<3 { pool.system.spawn { AsyncEndless() }.send(i) }
    let echo = pool.system.spawn { AsyncEcho() }
    let asking = pool.system.task { () -> Int in
      var sum = 0
      for _ in 0..<50 { sum += (try? await echo.ask(timeout: nil) { $0 } as Int) ?? 0 }
      return sum
    }
    #expect(await asking.value == 50)
    await pool.end()
  }
}
