extension Simulation {
  /// What happened in a simulation, in order: who sent what to whom, when, and in which order it was handled.
  ///
  /// The same seed and the same program give the same text, on every machine, so that two runs can be compared line by line. It
  /// names types and cases of messages, not their contents.
  public struct History: Sendable, CustomStringConvertible {
    /// One line of it.
    public struct Entry: Sendable, CustomStringConvertible {
      /// On the virtual clock, from the start of the simulation.
      public let time: Duration
      /// What happened.
      public let text: String
      /// The time in seconds, and what happened.
      public var description: String { "\(seconds(time))  \(text)" }
    }

    /// The lines, in order.
    public let entries: [Entry]
    /// How many more there were than are kept.
    public let omitted: Int

    /// The whole as text, one line an entry.
    public var description: String {
      let lines = entries.map(\.description).joined(separator: "\n")
      return omitted == 0 ? lines : lines + "\n… and \(omitted) more"
    }
  }
}

/// Seconds with six digits behind the point.
func seconds(_ time: Duration) -> String {
  let (seconds, attoseconds) = time.components
  let digits = String(attoseconds / 1_000_000_000_000)
  return "\(seconds)." + String(repeating: "0", count: 6 - digits.count) + digits
}
