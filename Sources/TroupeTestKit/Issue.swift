extension Simulation {
  /// Something that happened in a simulated run and that the test did not ask for.
  public struct Issue: Sendable, CustomStringConvertible {
    /// Which rule was broken.
    public enum Kind: String, Sendable, CaseIterable {
      /// An actor failed, and no `expectFailure` or `Fault` accounts for it.
      case unexpectedFailure
      /// An ask still waited at the end, timed out, or had its reply dropped.
      case unansweredAsk
      /// A task of the simulation has not ended.
      case unfinishedTask
      /// An actor does not end when the system is shut down.
      case leakedActor
      /// A timer is set although every actor has been stopped.
      case leakedTimer
      /// An actor has messages left that it does not handle.
      case undrainedMailbox
      /// A message reached no handler. This is an issue only if `Simulation.Options.checksDeadLetters` says so.
      case unexpectedDeadLetter
      /// Something came from a thread that is not part of the simulation.
      case escape
      /// Nothing can run any more, and what was waited for has not come.
      case stuck
      /// The run took too many steps, or too much virtual time.
      case endless
      /// `Simulation.expect` found a condition false.
      case expectation
    }
    /// Which rule was broken.
    public let kind: Kind
    /// What happened, with the names of those who took part.
    public let text: String
    /// The kind and the text, in one line.
    public var description: String { "\(kind): \(text)" }
  }
}
