internal import CTroupeShims
import Synchronization

/// A message that reached no handler. This only describes the message, which itself is gone.
public struct DeadLetter: Sendable, CustomStringConvertible {
  /// Why a message was not handled.
  public enum Reason: Int, Sendable, CaseIterable {
    /// The actor had ended, or was ending, when the message came.
    case ended
    /// The message was still queued when the actor ended.
    case queuedAtEnd
    /// The bounded mailbox had no room.
    case mailboxFull
    /// An adapter was about to pass the message on when the actor ended.
    case endedWhileAdapting
    /// Nobody waits for the message's answer any more: see `Behavior.isStale`.
    case abandoned
    /// The full mailbox dropped the message by its overflow rule.
    case overflow
    /// A later message with the same key took its place in the full mailbox.
    case replaced
    /// An actor was to pass the message on, and found nobody who would take it.
    case undeliverable
  }

  /// The path of the actor that the message was sent to.
  public let recipient: String
  /// The type of the message.
  public let messageType: String
  /// Why it was not handled.
  public let reason: Reason

  /// One line for a log.
  public var description: String { "dead letter for \(recipient): a \(messageType) was not handled (\(reason))" }
}

/// Counts dead letters, writes some of them to the log, and tells the listener and the observer of them.
final class DeadLetterOffice: Sendable {
  private let letters = DeadLetterCounts()
  private let logged = Atomic<Int>(0)
  private let windowStart = Atomic<Int64>(0)
  private let listener: (@Sendable (DeadLetter) throws -> Void)?
  private let observer: (@Sendable (SystemEvent) -> Void)?
  private let log: @Sendable (String) -> Void

  init(_ options: ActorSystem.Options, log: @escaping @Sendable (String) -> Void) {
    listener = options.deadLetterListener
    observer = options.observer
    self.log = log
  }

  func count(_ reason: DeadLetter.Reason) -> Int { letters.count(reason) }

  /// At most ten lines are logged in a second: a flood of dead letters must not become a flood of log lines.
  private static let linesAWindow = 10
  private static let window: Int64 = 1_000_000_000

  func receive(_ reason: DeadLetter.Reason, for cell: Cell, _ messageType: @autoclosure () -> String, now: Int64) {
    letters.add(reason, 1)
    let start = windowStart.load(ordering: .relaxed)
    if start == 0 || now - start >= Self.window {
      if windowStart.compareExchange(expected: start, desired: now, ordering: .relaxed).exchanged {
        let suppressed = logged.exchange(0, ordering: .relaxed) - Self.linesAWindow
        if suppressed > 0 { log("\(suppressed) more dead letters were not logged") }
      }
    }
    let isLogged = logged.wrappingAdd(1, ordering: .relaxed).newValue <= Self.linesAWindow
    guard isLogged || listener != nil || observer != nil else { return }
    let letter = DeadLetter(recipient: cell.path, messageType: messageType(), reason: reason)
    if isLogged { log(letter.description) }
    // The listener is not called again for what it sends itself: a letter to an actor that has ended would come back
    // without end.
    guard listener != nil || observer != nil, troupe_enter_listener() else { return }
    defer { troupe_leave_listener() }
    observer?(.deadLetter(letter))
    guard let listener else { return }
    // What the listener throws must reach neither the sender nor the queue.
    do { try listener(letter) } catch { if isLogged { log("the listener for dead letters threw an error: \(error)") } }
  }
}
