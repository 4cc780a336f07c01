import CTroupeShims
import TroupeChannels

/// A thread of its own for blocking calls, which must not run in a task. Everything that its body captured has been let
/// go when `value` returns.
package final class TestThread<Result: Sendable>: @unchecked Sendable {
  private enum State {
    case running
    case awaited(CheckedContinuation<Result, Never>)
    case done(Result)
  }
  // Touched under the lock, but for `body`, which the thread takes before anything else.
  private let lock = FutexLock()
  private var state = State.running
  private var body: (() -> Result)?

  package init(_ body: sending @escaping () -> Result) {
    self.body = body
    let start: @convention(c) (UnsafeMutableRawPointer?) -> Void = { opaque in
      (Unmanaged<AnyObject>.fromOpaque(opaque!).takeRetainedValue() as! any Runnable).run()
    }
    let result = troupe_thread_start(start, Unmanaged.passRetained(self as AnyObject).toOpaque())
    precondition(result == 0, "no thread: error \(result)")
  }

  fileprivate func runBody() {
    let result = takeBody()()
    lock.lock()
    let before = state
    state = .done(result)
    lock.unlock()
    if case .awaited(let continuation) = before { continuation.resume(returning: result) }
  }

  private func takeBody() -> () -> Result {
    defer { body = nil }
    return body!
  }

  /// Suspends until the thread is done. One task may ask at a time.
  package var value: Result {
    get async {
      let result = await withCheckedContinuation { continuation in
        lock.lock()
        if case .done(let result) = state {
          lock.unlock()
          return continuation.resume(returning: result)
        }
        state = .awaited(continuation)
        lock.unlock()
      }
      // For the thread sanitizer, which may not see that what the thread did comes before this.
      lock.withLock {}
      return result
    }
  }
}

private protocol Runnable: AnyObject {
  func run()
}

extension TestThread: Runnable {
  fileprivate func run() { runBody() }
}

/// Something that runs on a thread or in a task.
package enum Running<Result: Sendable>: Sendable {
  case thread(TestThread<Result>)
  case task(Task<Result, Never>)

  package var value: Result {
    get async {
      switch self {
      case .thread(let thread): await thread.value
      case .task(let task): await task.value
      }
    }
  }
}

/// Carries a value that can be moved but not copied into a closure that runs once.
package final class Envelope<Value: ~Copyable>: @unchecked Sendable {
  private var value: Value?
  package init(_ value: consuming Value) { self.value = consume value }
  package func take() -> Value { value.take()! }
  package func put(_ value: consuming Value) { self.value = consume value }
}

/// Runs `body` on a thread of its own, and gives it `value` for good: the value goes when the body lets go of it.
package func onThread<Value: ~Copyable & Sendable, Result: Sendable>(
  _ value: consuming Value, _ body: @escaping @Sendable (consuming Value) -> Result
) -> TestThread<Result> {
  let envelope = Envelope(value)
  return TestThread { body(envelope.take()) }
}

/// Runs `body` in a task of its own, and gives it `value` for good.
package func inTask<Value: ~Copyable & Sendable, Result: Sendable>(
  _ value: consuming Value, _ body: @escaping @Sendable (consuming Value) async -> Result
) -> Task<Result, Never> {
  let envelope = Envelope(value)
  return Task { await body(envelope.take()) }
}
