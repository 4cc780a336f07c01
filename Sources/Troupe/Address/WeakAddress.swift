import Synchronization

/// The address of an actor that does not keep it alive, not even an actor that lives only while it is referenced; see
/// `Lifetime.whileReferenced`.
///
/// Use it where an address would keep such an actor alive by accident, as in a cache. It keeps the memory of the actor,
/// as any address does. If it is made from an adapter it refers to that one without keeping it, and is of no use any
/// more once nobody has an address with that adapter. It may be used from any thread.
public struct WeakAddress<Message: ~Copyable>: Sendable {
  private enum Target {
    case cell(Cell)
    case adapter(WeakAdapter<Message>)
  }
  private let target: Target

  /// Makes a weak address of the same actor. If the address is an adapter, it stays one.
  public init(_ address: Address<Message>) {
    target =
      address.target.isCell || address.target.isCountedReference
      ? .cell(address.target.cell) : .adapter(WeakAdapter(address.adapter))
  }

  /// An address to send to; nil if the actor has ended, if it is about to end because nobody had its address any more,
  /// or if the adapter is gone.
  public var address: Address<Message>? {
    switch target {
    case .cell(let cell):
      if cell.isGone { return nil }
      return cell.endsUnreferenced ? cell.shareHandle().map { Address($0) } : Address(cell)
    case .adapter(let box):
      guard let adapter = box.adapter, !adapter.cell.isGone else { return nil }
      return Address(adapter)
    }
  }
}

/// Holds an adapter weakly. A weak reference makes reference counting slower for as long as the object lives; so only
/// adapters are referred to weakly, and never cells.
private final class WeakAdapter<Message: ~Copyable>: @unchecked Sendable {
  // It is written once, before anyone else sees it; the language's runtime clears it atomically.
  private(set) weak var adapter: Adapter<Message>?
  init(_ adapter: Adapter<Message>) { self.adapter = adapter }
}

extension Address where Message: ~Copyable {
  /// A weak address of the same actor.
  public var weak: WeakAddress<Message> { WeakAddress(self) }
}

extension Cell {
  var isGone: Bool { mailbox.queue.pointee.tail.load(ordering: .relaxed) & TailWord.gone != 0 }
}
