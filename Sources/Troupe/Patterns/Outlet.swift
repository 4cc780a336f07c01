/// The way out of the actors: what is sent to its address, as an asynchronous sequence.
///
/// ```swift
/// let prices = Outlet<Price>(in: system, "prices", buffer: 16)
/// feed.send(.subscribe(prices.address))
/// for await price in prices { … }
/// ```
/// Up to `buffer` elements wait for the reader, and as many again in the mailbox: then `deliver` waits, and what comes by `send` becomes a
/// dead letter. When the reader lets go of the sequence the outlet's actor stops, which those who watch it hear of; when the actor stops, the sequence
/// ends after what is in it. There is one reader, in one task: like the sequence of a channel, it is not Sendable.
public struct Outlet<Element: Sendable>: AsyncSequence {
  /// It never throws.
  public typealias Failure = Never

  /// Where to send.
  public let address: Address<Element>
  private let elements: Elements<Element>

  /// Starts one.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be its parent.
  ///   - buffer: Between 1 and 2^30; else the program stops.
  public init(in spawner: some Spawner, _ name: String? = nil, buffer: Int = 16) {
    let channel = Channel.bounded(buffer, of: Element.self)
    let out = channel.sender
    elements = channel.receiver.elements()
    // Not restarted: it throws nothing.
    address = spawner.spawn(name, options: SpawnOptions(mailbox: .bounded(buffer)), behavior: OutletActor(out))
  }

  /// Goes on where the last one stopped.
  public func makeAsyncIterator() -> Elements<Element> { elements }
}

@available(*, unavailable) extension Outlet: Sendable {}

/// The actor behind `Outlet`.
struct OutletActor<Element: Sendable>: AsyncBehavior, Sendable {
  typealias Message = Element
  let out: BoundedSender<Element>
  private var readerWatch: Task<Void, Never>?

  init(_ out: BoundedSender<Element>) { self.out = out }

  nonisolated(nonsending) mutating func started(in context: Context<Element>) async {
    let (out, system, address) = (out, context.system, context.address)
    readerWatch = system.task {
      await out.receiverGone()
      system.stop(address)
    }
  }

  nonisolated(nonsending) mutating func receive(_ message: consuming Element, in context: Context<Element>) async {
    let element = message
    if case .sent = await out.send(element) { return }
    context.deadLetter(element)
  }

  // It has a sender of its own, which keeps the sequence from its end.
  nonisolated(nonsending) mutating func stopping(in context: Context<Element>) async { readerWatch?.cancel() }
}
