/// What can have actors below it: a system, and an actor through its context.
public protocol Spawner {
  /// Part of the runtime: chooses where a new actor goes.
  func position(for name: String?) -> SpawnPosition
}

/// Part of the runtime: where a new actor goes.
public struct SpawnPosition {
  @usableFromInline let place: TreePosition
  @inlinable init(place: TreePosition) { self.place = place }
}

/// How an actor is stopped.
public enum StopMode: Sendable, Hashable {
  /// The actor stops after the message in hand. Queued messages become dead letters.
  case now
  /// The actor takes no new messages, handles those that are queued, and then stops.
  case drain

  var bit: UInt32 { self == .now ? ControlWord.stop : ControlWord.drain }
}

extension Spawner {
  /// Starts an actor and returns its address at once. Messages may be sent to it from then on.
  ///
  /// The factory runs on a worker before the first message, and again at each restart; if it throws, the actor fails. A
  /// name is unique among living siblings; an empty one, or one with a `/`, stops the program. If the name is taken, or
  /// the system has been shut down, the address is of an actor that has already ended for that reason, and the log says
  /// so.
  @inlinable @discardableResult
  public func spawn<B: Behavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), _ factory: @escaping @Sendable () throws -> B
  ) -> Address<B.Message> {
    Drain<B>.spawn(at: position(for: name).place, options, factory: factory, behavior: nil)
  }

  /// Starts an actor with a behavior that exists already, which may own what cannot be made again: a file handle, a
  /// receiver. It has no factory, so it cannot be restarted, and stops when its supervision asks for that.
  @inlinable @discardableResult
  public func spawn<B: Behavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), behavior: consuming sending B
  ) -> Address<B.Message> {
    Drain<B>.spawn(at: position(for: name).place, options, factory: nil, behavior: behavior)
  }

  /// Starts an actor whose handler is a closure over a state. At a restart the state is what it was here.
  @inlinable @discardableResult
  public func spawn<State: Sendable, Message: ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), state: State,
    _ handler: @escaping @Sendable (inout State, consuming Message, Context<Message>) throws -> Void
  ) -> Address<Message> {
    spawn(name, options: options) { ClosureBehavior(state: state, handler: handler) }
  }

  /// Starts an actor whose handler may await, and returns its address at once. See the form for `Behavior`.
  @inlinable @discardableResult
  public func spawn<B: AsyncBehavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), _ factory: @escaping @Sendable () throws -> B
  ) -> Address<B.Message> {
    AsyncDrain<B>.spawn(at: position(for: name).place, options, factory: factory, behavior: nil)
  }

  /// Starts an actor with an asynchronous behavior that exists already. It cannot be restarted.
  @inlinable @discardableResult
  public func spawn<B: AsyncBehavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), behavior: consuming sending B
  ) -> Address<B.Message> {
    AsyncDrain<B>.spawn(at: position(for: name).place, options, factory: nil, behavior: behavior)
  }
}
