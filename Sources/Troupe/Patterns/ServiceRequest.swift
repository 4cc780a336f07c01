/// A request and the right to answer it. It is the message of a service that does nothing but answer.
///
/// ```swift
/// let price = try await shops.address.ask { ServiceRequest("tea", $0) }
/// ```
/// To ask a service that understands other messages too, use an adapter:
/// `shop.contramap { .price($0.request, $0.reply) }`.
@frozen public struct ServiceRequest<Request: Sendable, Answer: Sendable>: ~Copyable, Sendable {
  /// The request.
  public let request: Request
  /// The right to answer it.
  public let reply: Reply<Answer>

  /// Puts a request and a reply together.
  @inlinable public init(_ request: Request, _ reply: consuming Reply<Answer>) {
    self.request = request
    self.reply = reply
  }

  /// Answers the question; see `Reply.send`.
  @inlinable public consuming func answer(_ answer: consuming sending Answer) { reply.send(answer) }
}

/// An actor that asks all members and passes the first answer on. It lives until the last member has answered or its
/// time has passed, so that no answer becomes a dead letter.
struct FirstAnswer<Request: Sendable, Answer: Sendable>: ~Copyable, Behavior, Sendable {
  typealias Message = Result<Answer, AskError>

  private let request: Request
  private var reply: Reply<Answer>?
  private let members: [Address<ServiceRequest<Request, Answer>>]
  private let timeout: Duration
  private var outstanding: Int

  init(
    _ question: consuming ServiceRequest<Request, Answer>, of members: [Address<ServiceRequest<Request, Answer>>],
    within timeout: Duration
  ) {
    request = question.request
    reply = .some(question.reply)
    self.members = members
    self.timeout = timeout
    outstanding = members.count
  }

  mutating func started(in context: Context<Message>) {
    let request = request
    for member in members {
      context.ask(member, timeout: timeout) { reply in
        ServiceRequest(request, reply)
      } as: {
        $0
      }
    }
    if members.isEmpty { context.stop() }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    outstanding -= 1
    switch message {
    case .success(let answer): reply.take()?.send(answer)
    case .failure(let error): if outstanding == 0 { reply.take()?.fail(error) }
    }
    if outstanding == 0 { context.stop() }
  }
}
