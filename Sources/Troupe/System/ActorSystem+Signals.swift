internal import CTroupeShims
import Dispatch

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
  /// While it waits the signals do not end the process. From the first one on they do what they did before,
  /// so that a second Ctrl-C ends a shutdown that takes too long. Not to be awaited in a handler.
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
    let before = signals.map { ($0.number, troupe_ignore_signal($0.number)) }
    let sources = signals.map { signal in
      let source = DispatchSource.makeSignalSource(signal: signal.number, queue: .global(qos: .userInitiated))
      source.setEventHandler { waiter.parker.signal() }
      source.resume()
      return source
    }
    if core.wakeAtEnd(waiter) { await waiter.parker.waitUnlessCancelled() }
    for source in sources { source.cancel() }
    for (number, disposition) in before { troupe_restore_signal(number, disposition) }
    return await shutdown(mode, deadline: deadline)
  }
}
