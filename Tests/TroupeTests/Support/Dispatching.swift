import CTroupeShims
import Dispatch
import TestSupport
import Troupe

/// The dispatchers, as arguments of tests.
enum Site: String, CaseIterable, Sendable {
  case pool, blocking, pinned, serialQueue, concurrentQueue

  var dispatcher: Dispatcher {
    switch self {
    case .pool: .default
    case .blocking: .blocking
    case .pinned: .pinned
    case .serialQueue: .queue(DispatchQueue(label: "test.serial"))
    case .concurrentQueue: .queue(DispatchQueue(label: "test.concurrent", attributes: .concurrent))
    }
  }
  var options: SpawnOptions { SpawnOptions(dispatcher: dispatcher) }

  /// Those whose handlers may block.
  static let thatMayBlock: [Site] = [.blocking, .pinned]
  static let besideThePool: [Site] = [.blocking, .pinned, .serialQueue, .concurrentQueue]
}

/// Blocks the thread until it is opened; for handlers that may block, and for those of tests that do so all the same.
final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  /// Lets `count` waiters through.
  func open(_ count: Int = 1) { for _ in 0..<count { semaphore.signal() } }
  func wait() { semaphore.wait() }
}

/// The calling thread, to compare.
var currentThread: UInt { troupe_thread_self() }

/// Sleeps in the kernel until told otherwise.
struct Blocker: Behavior {
  let started: Countdown
  let gate: Gate
  let ended: Countdown?
  func receive(_ message: consuming Int, in context: Context<Int>) {
    started.down()
    gate.wait()
    ended?.down()
  }
}

/// Says on which thread it handles, and takes ownership of nothing.
struct WhereAmI: Behavior {
  func receive(_ message: consuming Reply<UInt>, in context: Context<Reply<UInt>>) { message.send(currentThread) }
}
