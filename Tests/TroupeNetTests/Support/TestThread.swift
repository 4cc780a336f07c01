import CTroupeShims
import Troupe

/// A thread of its own for blocking calls, which must not run in a task.
final class TestThread<Result: Sendable>: @unchecked Sendable {
  private enum State {
    case running
    case awaited(CheckedContinuation<Result, Never>)
    case done(Result)
  }
  // Touched under the lock, but for `body`, which the thread takes before anything else.
  private let lock = FutexLock()
  private var state = State.running
  private var body: (() -> Result)?

  init(_ body: sending @escaping () -> Result) {
    self.body = body
    let start: @convention(c) (UnsafeMutableRawPointer?) -> Void = { opaque in
      (Unmanaged<AnyObject>.fromOpaque(opaque!).takeRetainedValue() as! any Startable).start()
    }
    let result = troupe_thread_start(start, Unmanaged.passRetained(self as AnyObject).toOpaque())
    precondition(result == 0, "no thread: error \(result)")
  }

  private func takeBody() -> () -> Result {
    defer { body = nil }
    return body!
  }

  /// Suspends until the thread is done. One task may ask at a time.
  var value: Result {
    get async {
      await withCheckedContinuation { continuation in
        lock.lock()
        if case .done(let result) = state {
          lock.unlock()
          return continuation.resume(returning: result)
        }
        state = .awaited(continuation)
        lock.unlock()
      }
    }
  }
}

private protocol Startable: AnyObject {
  func start()
}

extension TestThread: Startable {
  fileprivate func start() {
    let result = takeBody()()
    lock.lock()
    let before = state
    state = .done(result)
    lock.unlock()
    if case .awaited(let continuation) = before { continuation.resume(returning: result) }
  }
}

/// Carries a value that can be moved but not copied into a closure that runs once.
final class Envelope<Value: ~Copyable>: @unchecked Sendable {
  private var value: Value?
  init(_ value: consuming Value) { self.value = consume value }
  func take() -> Value { value.take()! }
}
