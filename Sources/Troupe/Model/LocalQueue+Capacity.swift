extension LocalQueue {
  /// A power of two, which scenarios make small, so that a queue is full soon. It must not change while there are queues.
  nonisolated(unsafe) static var capacity: UInt = 256
}
