import Testing
import TroupeChannels
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// An ask from a thread: it ends once, with the answer or with the reason why there is none, and nothing is
  /// left or freed too soon.
  @Suite struct Asking {
    /// What the actor does with the first question.
    fileprivate enum Answer: String, CaseIterable { case send, drop, fail, keep, forward }

    private func check(
      _ answer: Answer, timeout: Duration? = nil, stops: Bool = false, expected: Set<String>, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      let name = "ask, \(answer)\(timeout == nil ? "" : ", timeout")\(stops ? ", stop" : "")"
      var seen: Set<String> = []
      Check.all(name, fewer: fewer, throwing: answer == .fail, location: location) {
        let scheduler = ModelScheduler(workers: 1, posters: stops ? 2 : 1)
        let system = ActorSystem(
          core: SystemCore(
            name: "model", options: ActorSystem.Options(supervision: .stop, log: { _ in }), scheduler: scheduler,
            counts: scheduler.counts))
        let account = Account()
        let address = system.spawn("a") { Answering(answer: answer, account: account) }
        scheduler.runAll()
        let outcome = Outcome()
        var threads: [() -> Void] = [
          {
            outcome.note { () throws(AskError) in try address.ask(timeout: timeout) { .question($0) } }
            scheduler.posterDone()
          },
          { scheduler.run(0) },
        ]
        if stops {
          threads.append {
            system.stop(address)
            scheduler.posterDone()
          }
        }
        return Execution(threads) {
          system.requestShutdown()
          scheduler.runAll()
          seen.insert(outcome.text)
          if !expected.contains(outcome.text) { return "the ask ended with \(outcome.text)" }
          return account.trouble ?? (system.counts.topLevelActors == 0 ? nil : "the actor does not end")
        }
      }
      #expect(seen == expected, "\(name): ended only with \(seen)", sourceLocation: location)
    }

    @Test func `an answer`() { check(.send, expected: ["7"]) }
    @Test func `an answer, or the time is over`() {
      check(.send, timeout: .nanoseconds(5), expected: ["7", "timedOut"])
    }
    @Test func `a reply that is dropped`() { check(.drop, expected: ["dropped"]) }
    @Test func `a reply that is dropped, or the time is over`() {
      check(.drop, timeout: .nanoseconds(5), expected: ["dropped", "timedOut"])
    }
    @Test func `a handler that throws`() { check(.fail, expected: ["failed"]) }
    @Test func `a reply that is kept and answered by a later message`() { check(.forward, expected: ["7"]) }
    @Test func `an answer, or the end of the actor`() { check(.send, stops: true, expected: ["7", "ended"], fewer: 1) }
    @Test func `a reply that is kept, and the end of the actor`() {
      check(.keep, stops: true, expected: ["ended"], fewer: 1)
    }
  }
}

private final class Outcome {
  private(set) var text = "nothing"

  func note(_ body: () throws(AskError) -> Small) {
    do {
      let value = try body()
      text = "\(value.id)"
    } catch {
      text =
        switch error.reason {
        case .ended: "ended"
        case .mailboxFull: "mailboxFull"
        case .dropped: "dropped"
        case .failed: "failed"
        case .timedOut: "timedOut"
        case .cancelled: "cancelled"
        case .cycle: "cycle"
        }
    }
  }
}

private struct Answering: Behavior, ~Copyable {
  enum Message: ~Copyable {
    case question(Reply<Small>)
    case answer
  }
  let answer: ModelTests.Asking.Answer
  let account: Account
  private var kept: Reply<Small>?

  init(answer: ModelTests.Asking.Answer, account: Account) {
    self.answer = answer
    self.account = account
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch consume message {
    case .question(let reply):
      switch answer {
      case .send: reply.send(Small(7, account))
      case .drop: break
      case .fail: throw Failure()
      case .keep: kept = consume reply
      case .forward:
        kept = consume reply
        context.address.send(.answer)
      }
    case .answer: kept.take()?.send(Small(7, account))
    }
  }

  private struct Failure: Error {}
}
