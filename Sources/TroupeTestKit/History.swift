extension Simulation {
  /// What happened in a simulation, in order: who sent what to whom, when, and in which order it was handled.
  ///
  /// The same seed and the same program give the same text on every machine, so that two runs can be compared line by
  /// line. A history names the types and the cases of messages, and never their contents.
  public struct History: Sendable, CustomStringConvertible {
    /// One line of the history.
    public struct Entry: Sendable, CustomStringConvertible {
      /// When it happened, on the virtual clock, counted from the start of the simulation.
      public let time: Duration
      /// What happened.
      public let text: String
      /// The time in seconds, and what happened.
      public var description: String { "\(seconds(time))  \(text)" }
    }

    /// The lines in the order in which they happened.
    public let entries: [Entry]
    /// How many more lines there were than were kept.
    public let omitted: Int

    /// The whole history as text, with one line for each entry.
    public var description: String {
      let lines = entries.map(\.description).joined(separator: "\n")
      return omitted == 0 ? lines : lines + "\n… and \(omitted) more"
    }
  }
}

/// Formats a duration as seconds with six digits behind the point.
func seconds(_ time: Duration) -> String {
  let (seconds, attoseconds) = time.components
  let digits = String(attoseconds / 1_000_000_000_000)
  return "\(seconds)." + String(repeating: "0", count: 6 - digits.count) + digits
}
