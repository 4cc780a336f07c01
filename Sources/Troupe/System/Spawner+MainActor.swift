extension Spawner {
  /// Starts an actor on the main actor, and returns its address at once. See the form for `Behavior`.
  ///
  /// It may be called from any thread; the factory runs on the main actor. The options must leave the dispatcher as it
  /// is: another one stops the program.
  @inlinable @discardableResult
  public func spawn<B: MainActorBehavior & ~Copyable>(
    _ name: String? = nil, options: SpawnOptions = SpawnOptions(),
    _ factory: @escaping @MainActor @Sendable () throws -> B
  ) -> Address<B.Message> {
    Drain<OnMainActor<B>>.spawn(
      at: position(for: name).place, options.onMainActor(), factory: { try OnMainActor(factory) }, behavior: nil)
  }
}

extension SpawnOptions {
  @usableFromInline func onMainActor() -> SpawnOptions {
    guard case .pool = dispatcher.kind else {
      fatalError(
        "Troupe: a MainActorBehavior runs on the main actor and cannot have another dispatcher; leave that option out")
    }
    var options = self
    options.dispatcher = Dispatcher(kind: .queue(QueueScheduler.mainQueue))
    return options
  }
}
