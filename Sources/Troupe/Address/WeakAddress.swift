import Synchronization

/// The address of an actor that does not keep it alive, also if it lives only while it is referenced: `Lifetime.whileReferenced`.
///
/// It keeps the memory of the actor, or of the adapter, as any address does. From any thread.
public struct WeakAddress<Message: ~Copyable>: Sendable {
  private enum Target {
    case cell(Cell)
    case adapter(WeakAdapter<Message>)
  }
  private let target: Target

  /// Of the same actor, by the same adapter if there is one.
  public init(_ address: Address<Message>) {
    target =
      address.target.isCell || address.target.isHandle
      ? .cell(address.target.cell) : .adapter(WeakAdapter(address.adapter))
  }

  /// An address to send to; nil if the actor has ended, or is about to because nobody had its address any more.
  public var address: Address<Message>? {
    switch target {
    case .cell(let cell):
      if cell.isGone { return nil }
      return cell.isCounted ? cell.shareHandle().map { Address($0) } : Address(cell)
    case .adapter(let box):
      guard let adapter = box.adapter, !adapter.cell.isGone else { return nil }
      return Address(adapter)
    }
  }
}

/// A weak reference makes counting dearer for as long as the object lives, so cells have none.
private final class WeakAdapter<Message: ~Copyable>: @unchecked Sendable {
  // Written once, before anyone else sees it; the language's runtime clears it atomically.
  private(set) weak var adapter: Adapter<Message>?
  init(_ adapter: Adapter<Message>) { self.adapter = adapter }
}

extension Address where Message: ~Copyable {
  /// The same without keeping the actor alive.
  public var weak: WeakAddress<Message> { WeakAddress(self) }
}

extension Cell {
  var isGone: Bool { queue.pointee.tail.load(ordering: .relaxed) & TailWord.gone != 0 }
}
