internal import CTroupeShims
import Dispatch
internal import TroupeChannels

/// A signal of the operating system that asks a process to end.
public struct ProcessSignal: Sendable, Hashable {
  /// Its number, as in `signal(7)`.
  public let number: Int32

  /// Any other than those below.
  public init(number: Int32) { self.number = number }

  /// Ctrl-C at the terminal.
  public static let interrupt = ProcessSignal(number: 2)
  /// What `kill` and service managers send.
  public static let terminate = ProcessSignal(number: 15)
  /// The terminal has gone.
  public static let hangup = ProcessSignal(number: 1)
}

extension ActorSystem {
  /// Runs until one of the signals comes, the system is shut down in some other way, or the task is
  /// cancelled; then shuts it down.
  ///
  /// The last line of a service's `main`:
  /// ```swift
  /// print(await system.run(until: [.interrupt, .terminate]))
  /// ```
  /// While it waits the signals do not end the process, and none is lost. When it has heard of one, which is a
  /// moment after that came, and no other system waits for them, they do again what they did before, so that a
  /// second Ctrl-C ends a shutdown that takes too long. Several systems may wait for the same signal, and all of
  /// them hear of it. Not to be awaited in a handler.
  /// - Parameters:
  ///   - signals: The signals that begin the shutdown.
  ///   - mode: Whether what is queued then is dropped or handled.
  ///   - deadline: How long the shutdown may take, from the signal on; nil waits without limit.
  @discardableResult
  public func run(
    until signals: Set<ProcessSignal> = [.interrupt, .terminate], _ mode: StopMode = .now,
    deadline: Duration? = .seconds(30)
  ) async -> ShutdownReport {
    let waiter = ShutdownWaiter(deadline: .max)
    SignalListeners.shared.add(waiter, signals)
    if core.wakeAtEnd(waiter) { await waiter.parker.waitUnlessCancelled() }
    SignalListeners.shared.remove(waiter, signals)
    return await shutdown(mode, deadline: deadline)
  }
}

/// Who waits for which signals. There is one for the process, which has one handler for each signal.
///
/// The handler is in place before `add` returns, and notes the signal in a pipe, from which Dispatch reads when
/// it is ready to. So no signal is lost from then on. (A signal source of Dispatch listens some time after it
/// was started, and on Linux it puts in a handler for the first source of a signal alone.)
///
/// Sendable because its variables are touched under the lock alone.
private final class SignalListeners: @unchecked Sendable {
  static let shared = SignalListeners()

  private let lock = FutexLock()
  private var waiters: [Int32: [ShutdownWaiter]] = [:]
  private var source: (any DispatchSourceRead)?

  func add(_ waiter: ShutdownWaiter, _ signals: Set<ProcessSignal>) {
    lock.withLock {
      // Without a descriptor for the pipe the signals do what they did before, which mostly ends the process.
      if signals.isEmpty || !open() { return }
      for signal in signals where waiters[signal.number] != nil || troupe_catch_signal(signal.number) {
        waiters[signal.number, default: []].append(waiter)
      }
    }
  }

  func remove(_ waiter: ShutdownWaiter, _ signals: Set<ProcessSignal>) {
    lock.withLock {
      for signal in signals {
        guard var others = waiters[signal.number] else { continue }
        others.removeAll { $0 === waiter }
        waiters[signal.number] = others.isEmpty ? nil : others
        if others.isEmpty { troupe_release_signal(signal.number) }
      }
    }
  }

  private func open() -> Bool {
    if source != nil { return true }
    let descriptor = troupe_open_signals()
    if descriptor < 0 { return false }
    let source = DispatchSource.makeReadSource(
      fileDescriptor: descriptor, queue: .global(qos: .userInitiated))
    source.setEventHandler { [unowned self] in wake() }
    source.resume()
    self.source = source
    return true
  }

  private func wake() {
    // The signals are taken under the lock too, so that they are for those who listen then. The first to listen to a
    // signal does not hear of earlier ones, which `troupe_catch_signal` forgets. Whoever joins others that listen
    // already may hear of one that came just before.
    let woken = lock.withLock { () -> [ShutdownWaiter] in
      let came = troupe_take_signals()
      return waiters.flatMap { number, waiters in came >> UInt64(number - 1) & 1 == 1 ? waiters : [] }
    }
    for waiter in woken { waiter.parker.signal() }
  }
}
