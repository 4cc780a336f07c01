/// Replies kept for later, by key: a dictionary cannot hold them, since they cannot be copied.
///
/// What is still in it when it goes fails its ask as dropped.
public struct PendingReplies<Key: Hashable, Value: ~Copyable>: ~Copyable {
  private var cores: [Key: OneShotCore<Value>] = [:]

  /// Makes an empty one.
  public init() {}

  deinit {
    for core in cores.values { _ = Reply(core) }
  }

  /// How many are kept.
  public var count: Int { cores.count }
  /// None is kept.
  public var isEmpty: Bool { cores.isEmpty }

  /// Keeps a reply. One that was kept under the key before is returned.
  @discardableResult
  public mutating func insert(_ reply: consuming Reply<Value>, for key: Key) -> Reply<Value>? {
    cores.updateValue(reply.takeCore(), forKey: key).map { Reply($0) }
  }

  /// Takes a reply out, to answer it.
  public mutating func remove(_ key: Key) -> Reply<Value>? { cores.removeValue(forKey: key).map { Reply($0) } }

  /// Whether a reply is kept under the key.
  public func contains(_ key: Key) -> Bool { cores[key] != nil }

  /// Lets go of the replies whose asker waits no more. Returns how many.
  @discardableResult
  public mutating func removeAbandoned() -> Int {
    let abandoned = cores.filter { $0.value.isClosed }
    for (key, core) in abandoned {
      cores[key] = nil
      _ = Reply(core)
    }
    return abandoned.count
  }

  /// Answers all of them, each with what `value` makes for its key.
  public mutating func sendAll(_ value: (Key) -> sending Value) {
    let all = cores
    cores = [:]
    for (key, core) in all { Reply(core).send(value(key)) }
  }
}

extension Reply where Value: ~Copyable {
  consuming func takeCore() -> OneShotCore<Value> {
    let core = core
    discard self
    return core
  }
}
