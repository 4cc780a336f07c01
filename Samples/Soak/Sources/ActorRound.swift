import Troupe

/// A round with actors that have children, and that fail, restart, stash, set timers, are asked and are stopped, all
/// at random. They end with the round.
struct ActorRound: Sendable {
  let system: ActorSystem
  let tally: Tally
  let seed: UInt64

  enum Message: ~Copyable, Sendable {
    case work(Envelope)
    /// Does the same work, and answers.
    case question(Envelope, Reply<Int>)
    /// Makes the actor stash what comes next, until `go` comes.
    case hold(Envelope)
    case go(Envelope)
    case fail(Envelope)
    case tick
  }

  struct Refusal: Error {}

  /// Hands what it gets to its children in turn.
  struct Parent: Behavior {
    let tally: Tally
    var children: [Address<Message>] = []
    var turn = 0

    mutating func started(in context: Context<Message>) {
      let tally = tally
      children = (0..<3).map { index in context.spawn("child\(index)") { Child(tally: tally) } }
    }

    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      turn += 1
      switch consume message {
      case .work(let envelope):
        tally.countUsed()
        _ = consume envelope
        let kind = turn % 13
        let next = Envelope(tally)
        let child = children[turn % 3]
        switch kind {
        case 0: child.send(.fail(next))
        case 3: child.send(.hold(next))
        case 7: child.send(.go(next))
        default: child.send(.work(next))
        }
      case .question(let envelope, let reply):
        tally.countUsed()
        _ = consume envelope
        reply.send(turn)
      case .hold(let envelope): used(envelope)
      case .go(let envelope): used(envelope)
      case .fail(let envelope):
        tally.countSpoilt()
        _ = consume envelope
        throw Refusal()
      case .tick: break
      }
    }
    private func used(_ envelope: consuming Envelope) {
      tally.countUsed()
      _ = consume envelope
    }
  }

  struct Child: Behavior {
    let tally: Tally
    var isHolding = false

    mutating func started(in context: Context<Message>) {
      context.timers.fixedRate("beat", every: .milliseconds(7)) { .tick }
      context.timers.once("never", after: .seconds(3_600), .tick)
    }

    mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
      switch consume message {
      case .work(let envelope):
        if isHolding {
          // The envelope is counted when it comes again, or when it becomes a dead letter.
          if case .full(let message) = context.stash(.work(envelope)) { context.deadLetter(message) }
          return
        }
        used(envelope)
      case .question(let envelope, let reply):
        used(envelope)
        reply.send(0)
      case .hold(let envelope):
        isHolding = true
        used(envelope)
      case .go(let envelope):
        isHolding = false
        context.unstashAll()
        used(envelope)
      case .fail(let envelope):
        tally.countSpoilt()
        _ = consume envelope
        throw Refusal()
      case .tick:
        // This is not a message that is sent once: it would be a dead letter at the end, and is no envelope of ours.
        if context.timers.isActive("soon") {
          context.timers.cancel("soon")
        } else {
          context.timers.fixedDelay("soon", every: .milliseconds(1)) { .tick }
        }
      }
    }
    private func used(_ envelope: consuming Envelope) {
      tally.countUsed()
      _ = consume envelope
    }
  }

  func run() async {
    var random = SplitMix(seed: seed)
    let parents = (0..<4).map { index in system.spawn("parent\(index)-\(seed)") { [tally] in Parent(tally: tally) } }
    let senders = (0..<4).map { _ in
      let seed = random.next()
      return Task { await send(to: parents, SplitMix(seed: seed)) }
    }
    for sender in senders { await sender.value }
    for (index, parent) in parents.enumerated() { system.stop(parent, index % 2 == 0 ? .now : .drain) }
    for parent in parents { _ = await parent.termination }
  }

  private func send(to parents: [Address<Message>], _ seeded: SplitMix) async {
    var random = seeded
    for _ in 0..<1_000 {
      let parent = parents[random.below(4)]
      switch random.below(64) {
      case 0: parent.send(.fail(Envelope(tally)))
      case 1...8:
        let envelope = Envelope(tally)
        _ = try? await parent.ask(with: envelope) { .question($0, $1) } as Int
      case 9: system.restart(parent)
      case 10: await Task.yield()
      default: parent.send(.work(Envelope(tally)))
      }
    }
  }
}
