public import Dispatch

/// Actors on a Dispatch queue: the dispatcher that asks for one, and how a scheduler puts blocks on the queue.
extension Dispatcher {
  /// Runs the actor on the given queue, where each turn is one block.
  ///
  /// A serial queue runs one of its actors at a time, and none beside another block of the queue. So handlers may touch
  /// what the queue guards. On a concurrent queue actors run at the same time, and each of them handles one message at
  /// a time.
  ///
  /// A blocking call of this library stops the program, as on the pool, because a block that waits keeps those behind
  /// it from running. While the queue is suspended its actors are too, even in a shutdown. The system keeps the queue
  /// for as long as one of its actors lives on it.
  ///
  /// On the main queue handlers run on the main thread. To touch the state of the main actor use `MainActorBehavior`.
  ///
  /// ```swift
  /// let database = DispatchQueue(label: "database")
  /// let writer = system.spawn("writer", options: SpawnOptions(dispatcher: .queue(database))) { Writer() }
  /// ```
  public static func queue(_ queue: DispatchQueue) -> Dispatcher { Dispatcher(kind: .queue(queue)) }
}

extension QueueScheduler {
  /// Puts a block on the queue that runs the runnable. The block holds this scheduler.
  func enqueue(_ runnable: Runnable) {
    let bits = runnable.bits
    queue.async { [self] in run(Runnable(bits: bits)) }
  }

  /// The queue on which the main actor runs, provided that the main thread runs the main queue.
  static var mainQueue: DispatchQueue { .main }
}
