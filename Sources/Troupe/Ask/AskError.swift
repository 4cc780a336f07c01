/// Says why an ask got no answer, and where in the source the ask stands.
public struct AskError: Error, Sendable, CustomStringConvertible {
  /// Why there is no answer.
  public enum Reason: Sendable {
    /// The actor had ended before the ask, or it ended before it answered: it had not handled the message yet, or kept
    /// the reply.
    case ended
    /// The actor's bounded mailbox had no room.
    case mailboxFull
    /// The handler let go of the reply without answering.
    case dropped
    /// The handler threw, or failed the reply, with this error.
    case failed(any Error)
    /// No answer came within this time. The actor may still be at work on it.
    case timedOut(Duration)
    /// The asking task was cancelled.
    case cancelled
    /// The asking handler would wait for itself. These are the paths: each of the actors waits for an answer of the
    /// next.
    case cycle([String])
  }

  /// Why there is no answer.
  public let reason: Reason
  /// The path of the actor that was asked.
  public let target: String
  /// The type of the messages of the actor that was asked.
  public let messageType: String
  /// The file in which the ask stands.
  public let fileID: StaticString
  /// The line on which the ask stands.
  public let line: UInt

  /// One line for a log.
  public var description: String {
    let what =
      switch reason {
      case .ended: "the actor has ended"
      case .mailboxFull: "its mailbox is full"
      case .dropped: "the reply was dropped without an answer"
      case .failed(let error): "it failed: \(error)"
      case .timedOut(let timeout): "no answer within \(timeout)"
      case .cancelled: "the asking task was cancelled"
      case .cycle(let paths): "it would wait for itself: \(paths.joined(separator: " -> "))"
      }
    return "ask of \(target) with a \(messageType) at \(fileID):\(line): \(what)"
  }
}

/// The facts about an ask that its errors report, and its timeout.
@usableFromInline struct AskSite {
  @usableFromInline let timeout: Duration?
  @usableFromInline let fileID: StaticString
  @usableFromInline let line: UInt

  /// From this timeout on it does not matter what a worker's turn adds to it.
  static var long: Duration { .seconds(1) }

  @inlinable init(timeout: Duration?, fileID: StaticString, line: UInt) {
    self.timeout = timeout
    self.fileID = fileID
    self.line = line
  }

  @usableFromInline func error<Message: ~Copyable>(
    _ reason: AskError.Reason, _ cell: Cell, _ type: Message.Type
  ) -> AskError {
    let error = AskError(reason: reason, target: cell.path, messageType: typeName(type), fileID: fileID, line: line)
    cell.system.tell(.askFailed(error))
    cell.system.interceptor?.failsAsk(error)
    return error
  }

  /// Tells the test kit that the ask is about to wait. Returns nil in a system that is not simulated.
  func note<Message: ~Copyable>(_ cell: Cell, _ type: Message.Type) -> AskNote? {
    guard cell.isIntercepted, let interceptor = cell.system.interceptor else { return nil }
    let note = AskNote(target: cell.path, messageType: typeName(type), fileID: fileID, line: line)
    interceptor.waits(for: note)
    return note
  }
}

/// A timer that wakes an asker at its deadline.
@usableFromInline final class AskTimer: Timer, @unchecked Sendable {
  private let address: UnsafeMutableRawPointer

  init(deadline: Int64, _ address: UnsafeMutableRawPointer) {
    self.address = address
    super.init(deadline: deadline)
  }

  // The memory is valid here, since the asker cancels the timer before it lets go of it.
  override func fire() { OneShotCore<Int>(address: address).wakeReceiver() }
}
