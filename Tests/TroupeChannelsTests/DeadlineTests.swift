import TestSupport
import Testing
import TroupeChannels

/// The forms with a deadline, beside those with a timeout in `TimedTests`.
@Suite(.spins) struct DeadlineTests {
  private static let past = ContinuousClock.now - .seconds(1)
  private static var soon: ContinuousClock.Instant { .now + .milliseconds(3) }
  private static var far: ContinuousClock.Instant { .now + .seconds(3_600) }

  @Test func `a task receives, sends and reserves until a deadline`() async throws {
    let channel = Channel.bounded(1, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    let deadline = Self.soon
    let nothing = await receiver.receive(until: deadline)
    #expect(nothing == .timedOut)
    #expect(ContinuousClock.now >= deadline)

    #expect(await sender.send(1, until: Self.past) == .sent)
    #expect(await sender.send(2, until: Self.soon) == .timedOut(2))
    await #expect(throws: ReserveError.timedOut) { _ = try await sender.reserve(until: Self.soon).send(0) }
    await #expect(throws: ReserveError.timedOut) { try await sender.reserve(1, until: Self.past).release() }

    let first = await receiver.receive(until: Self.past)
    #expect(first == .received(1))
    #expect(try await sender.reserve(until: Self.far).send(3) == .sent)
    let third = await receiver.receive(until: Self.far)
    #expect(third == .received(3))
    receiver.close()
    await #expect(throws: ReserveError.closed) { _ = try await sender.reserve(until: Self.far).send(0) }
    #expect(await sender.send(4, until: Self.far) == .closed(4))
  }

  @Test func `a thread receives, sends and reserves until a deadline`() async throws {
    let channel = Channel.bounded(1, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    let nothing = await Form.moved(&receiver) { receiver in
      let deadline = Self.soon
      let outcome = receiver.receive(until: deadline)
      return ContinuousClock.now >= deadline ? outcome : .closed
    }
    #expect(nothing == .timedOut)
    let sent = await TestThread { () -> [Bool] in
      var all = [sender.send(1, until: Self.past) == .sent, sender.send(2, until: Self.soon) == .timedOut(2)]
      do throws(ReserveError) { _ = try sender.reserve(until: Self.soon).send(0) } catch {
        all.append(error == .timedOut)
      }
      do throws(ReserveError) { try sender.reserve(1, until: Self.past).release() } catch {
        all.append(error == .timedOut)
      }
      return all
    }.value
    #expect(sent == [true, true, true, true])
    let first = await Form.moved(&receiver) { $0.receive(until: Self.past) }
    #expect(first == .received(1))
  }

  @Test func `a one-shot is received until a deadline, in both forms`() async {
    let late = Channel.oneShot(of: Int.self)
    let early = Channel.oneShot(of: Int.self)
    let sender = late.sender
    let outcome = await late.receiver.receive(until: Self.soon)
    #expect(outcome == .timedOut)
    #expect(!sender.send(1).isSent)
    _ = early.sender.send(2)
    let there = Handover(early.receiver)
    let value = await TestThread { there.take().receive(until: Self.past) }.value
    #expect(value == .received(2))
  }
}
