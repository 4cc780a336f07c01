/// What can have actors below it: a system, and an actor through its context.
public protocol Spawner {
  /// Where a new actor goes. Part of the runtime.
  func place(for name: String?) -> SpawnPlace
}

/// Where a new actor goes. Part of the runtime.
public struct SpawnPlace {
  @usableFromInline let place: Place
  @inlinable init(place: Place) { self.place = place }
}

/// How an actor is stopped.
public enum StopMode: Sendable, Hashable {
  /// After the message in hand. What is queued becomes dead letters.
  case now
  /// Takes no new messages, handles what is queued, and stops then.
  case drain

  var bit: UInt32 { self == .now ? ControlWord.stop : ControlWord.drain }
}

extension Spawner {
  /// Starts an actor and returns its address at once.
  ///
  /// The factory runs on a worker before the first message; if it throws, the actor fails. A name is unique among living
  /// siblings; an empty one, or one with a `/`, stops the program. If the name is taken, or the system has been shut down,
  /// the address is of an actor that has already ended for that reason, and the log says so.
  @inlinable @discardableResult
  public func spawn<B: Behavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), _ factory: @escaping @Sendable () throws -> B
  ) -> Address<B.Message> {
    Drain<B>.spawn(at: place(for: name).place, options, factory: factory, behavior: nil)
  }

  /// Starts an actor with a behavior that exists already, and may own what cannot be made again: a file handle, a receiver.
  @inlinable @discardableResult
  public func spawn<B: Behavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), behavior: consuming sending B
  ) -> Address<B.Message> {
    Drain<B>.spawn(at: place(for: name).place, options, factory: nil, behavior: behavior)
  }

  /// Starts an actor whose handler is a closure over a state.
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
    AsyncDrain<B>.spawn(at: place(for: name).place, options, factory: factory, behavior: nil)
  }

  /// Starts an actor with an asynchronous behavior that exists already.
  @inlinable @discardableResult
  public func spawn<B: AsyncBehavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(), behavior: consuming sending B
  ) -> Address<B.Message> {
    AsyncDrain<B>.spawn(at: place(for: name).place, options, factory: nil, behavior: behavior)
  }
}
