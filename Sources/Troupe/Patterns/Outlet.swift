/// A way out of the actor system: what is sent to its address comes out as an asynchronous sequence.
///
/// ```swift
/// let prices = Outlet<Price>(in: system, "prices", buffer: 16)
/// feed.send(.subscribe(prices.address))
/// for await price in prices { … }
/// ```
/// Up to `buffer` elements wait for the reader, and as many again in the mailbox. When both are full, `deliver` waits,
/// and an element that comes by `send` becomes a dead letter. When the reader lets go of the sequence the outlet's
/// actor stops, which its watchers are told. When the actor stops, the sequence ends after the elements that are in it.
/// There is one reader, in one task: like the sequence of a channel, an outlet is not Sendable.
public struct Outlet<Element: Sendable>: AsyncSequence {
  /// The sequence never throws.
  public typealias Failure = Never

  /// The address to send elements to.
  public let address: Address<Element>
  private let elements: Elements<Element>

  /// Starts an outlet.
  /// - Parameters:
  ///   - spawner: The system, or the context of the actor that is to be the parent of the outlet's actor.
  ///   - name: The name of the outlet's actor; nil gives it a number.
  ///   - buffer: The number of elements that wait for the reader. The program stops if it is not between 1 and 2^30.
  public init(in spawner: some Spawner, _ name: String? = nil, buffer: Int = 16) {
    let channel = Channel.bounded(buffer, of: Element.self)
    let out = channel.sender
    elements = channel.receiver.elements()
    // It is spawned by value and so cannot be restarted, and need not be, since it throws nothing.
    address = spawner.spawn(name, options: SpawnOptions(mailbox: .bounded(buffer)), behavior: OutletActor(out))
  }

  /// An iterator that goes on where the last one stopped.
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

  // The task has a sender of its own, which would keep the sequence from its end.
  nonisolated(nonsending) mutating func stopping(in context: Context<Element>) async { readerWatch?.cancel() }
}
