/// Where an actor is between its start and its end. Only the worker that runs the cell reads or writes it.
@usableFromInline struct LifeCycle {
  @usableFromInline enum Phase: UInt8 {
    /// The next incarnation has not started yet.
    case starting
    /// It handles messages.
    case running
    /// It has been suspended, and handles no messages until it is resumed.
    case suspended
    /// The incarnation is on its way out, and another one will follow.
    case restarting
    /// It waits until it is time for the next incarnation.
    case backingOff
    /// It is on its way to its end, and waits for its children to end first.
    case stopping
    /// It has ended.
    case ended
  }

  /// Counts the lives of the behavior, from 1 on; each restart begins another one.
  var incarnation: UInt32 = 1
  private var keptBits: UInt16 = 0
  @usableFromInline var phase = Phase.starting
  /// Whether there is a behavior on which `started` has been called.
  @usableFromInline var isStarted = false

  /// The bits of the control lane that have come and stay: who asked for the end, and whether the children have ended.
  var stopBits: UInt32 {
    get { UInt32(keptBits) }
    set { keptBits = UInt16(truncatingIfNeeded: newValue) }
  }

  /// Whether the actor is on its way to its end or has ended, so that nothing else may happen to it.
  var isEnding: Bool { phase.rawValue >= Phase.stopping.rawValue }
}
