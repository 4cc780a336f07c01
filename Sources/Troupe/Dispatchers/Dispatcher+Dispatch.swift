public import Dispatch

extension Dispatcher {
  /// Turns are blocks on the given queue, one block a turn.
  ///
  /// A serial queue runs one of its actors at a time, also in turn with other blocks: what the queue guards,
  /// their handlers may touch. On a concurrent queue actors run at the same time, each one message at a time.
  /// A blocking call of this library stops the program, as on the pool: a block that waits keeps those behind
  /// it from running. A queue that is suspended suspends its actors, also in a shutdown. The system keeps the
  /// queue while one of its actors lives on it.
  ///
  /// With the main queue, handlers run on the main thread; to touch the state of the main actor use
  /// `MainActorBehavior`.
  public static func queue(_ queue: DispatchQueue) -> Dispatcher { Dispatcher(kind: .queue(queue)) }
}

extension QueueScheduler {
  func enqueue(_ runnable: Runnable) {
    let bits = runnable.bits
    queue.async { [self] in run(Runnable(bits: bits)) }
  }

  /// Of the main actor, as long as the main thread runs the main queue.
  static var mainQueue: DispatchQueue { .main }
}
