/// Replies that are kept for later, by key. A dictionary cannot hold them, since they cannot be copied.
///
/// When it is destroyed, the replies that are still in it are dropped, and their asks fail with `dropped`.
public struct PendingReplies<Key: Hashable, Value: ~Copyable>: ~Copyable {
  private struct Kept {
    let core: OneShotCore<Value>
    /// The place in the order of insertion. A dictionary's own order differs from run to run.
    let order: UInt64
  }
  private var kept: [Key: Kept] = [:]
  private var inserted: UInt64 = 0

  /// Makes an empty collection.
  public init() {}

  deinit {
    for each in kept.values.sorted(by: { $0.order < $1.order }) { _ = Reply(each.core) }
  }

  /// How many replies are kept.
  public var count: Int { kept.count }
  /// Whether no reply is kept.
  public var isEmpty: Bool { kept.isEmpty }

  /// Keeps a reply. If another reply was kept under the key before, that one is returned; to ignore it is to drop it.
  @discardableResult
  public mutating func insert(_ reply: consuming Reply<Value>, for key: Key) -> Reply<Value>? {
    inserted += 1
    return kept.updateValue(Kept(core: reply.takeCore(), order: inserted), forKey: key).map { Reply($0.core) }
  }

  /// Takes a reply out, to answer it. Returns nil if there is none under the key.
  public mutating func remove(_ key: Key) -> Reply<Value>? { kept.removeValue(forKey: key).map { Reply($0.core) } }

  /// Whether a reply is kept under the key.
  public func contains(_ key: Key) -> Bool { kept[key] != nil }

  /// Lets go of the replies whose askers no longer wait, and returns how many there were. O(n log n).
  @discardableResult
  public mutating func removeAbandoned() -> Int {
    let abandoned = kept.filter { $0.value.core.isClosed }.sorted { $0.value.order < $1.value.order }
    for (key, each) in abandoned {
      kept[key] = nil
      _ = Reply(each.core)
    }
    return abandoned.count
  }

  /// Answers all the replies in the order in which they were kept, each with what `value` makes for its key, and is
  /// empty afterwards.
  public mutating func sendAll(_ value: (Key) -> sending Value) {
    let all = kept.sorted { $0.value.order < $1.value.order }
    kept = [:]
    for (key, each) in all { Reply(each.core).send(value(key)) }
  }
}

extension Reply where Value: ~Copyable {
  consuming func takeCore() -> OneShotCore<Value> {
    let core = core
    discard self
    return core
  }
}
