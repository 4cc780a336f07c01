import TroupeModel

/// What a scenario knows of the threads that the sources start. Thread 0 of the scenario does what they do, one after
/// the other, and rests until it is asked to.
enum ModelThread {
  typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> Void
  nonisolated(unsafe) private static var begun: [(body: Body, argument: UnsafeMutableRawPointer?)] = []
  nonisolated(unsafe) private(set) static var count = 0

  static func begin(_ body: @escaping Body, _ argument: UnsafeMutableRawPointer?) {
    begun.append((body, argument))
    count += 1
    ModelSystem.start(0)
  }

  /// The life of thread 0.
  static func serve() {
    while ModelSystem.rest() {
      let next = begun.removeFirst()
      next.body(next.argument)
    }
  }

  /// Before an execution.
  static func reset() {
    begun = []
    count = 0
  }
}
