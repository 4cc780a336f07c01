/// Something that goes wrong in a simulation because the test asks for it.
///
/// ```swift
/// var options = Simulation.Options()
/// options.faults = [.failure(of: "sim/feed", at: 3), .restart(chance: 0.01)]
/// ```
/// When a fault happens is said either by a number of messages or by a chance. A chance is drawn from the seed, so
/// that the same seed gives the same faults. Actors that belong to the kit, such as probes, are spared unless they
/// are named.
public struct Fault: Sendable {
  enum Kind: Sendable {
    case failure(any Error)
    case stop, restart, fullMailbox
    case lateTimers(Duration)
    case cancelledTask
  }
  enum Moment: Sendable {
    case at(Int)
    case chance(Double)
  }
  let kind: Kind
  /// The path of the actor, or the name of the task; nil if any will do.
  let name: String?
  let moment: Moment

  /// Makes the actor with this path throw in place of handling its n-th message, counted from 1. The failure counts
  /// as expected if the error is an `InjectedFault`, as it is by default.
  public static func failure(of path: String, at n: Int, with error: any Error = InjectedFault()) -> Fault {
    Fault(kind: .failure(error), name: path, moment: .at(n))
  }
  /// Makes an actor throw in place of handling a message, with this probability for each message.
  /// - Parameters:
  ///   - path: The path of the actor; nil means any actor.
  ///   - chance: The probability, from 0 to 1.
  ///   - error: The error that is thrown; an `InjectedFault` counts as expected.
  public static func failure(of path: String? = nil, chance: Double, with error: any Error = InjectedFault()) -> Fault {
    Fault(kind: .failure(error), name: path, moment: .chance(chance))
  }
  /// Tells the actor with this path to stop while it handles its n-th message, counted from 1.
  public static func stop(of path: String, at n: Int) -> Fault { Fault(kind: .stop, name: path, moment: .at(n)) }
  /// Tells an actor to stop while it handles a message, with this probability for each message.
  public static func stop(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .stop, name: path, moment: .chance(chance))
  }
  /// Tells the actor with this path to restart while it handles its n-th message, counted from 1.
  public static func restart(of path: String, at n: Int) -> Fault { Fault(kind: .restart, name: path, moment: .at(n)) }
  /// Tells an actor to restart while it handles a message, with this probability for each message.
  public static func restart(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .restart, name: path, moment: .chance(chance))
  }
  /// Lets the n-th message that is sent to the actor, counted from 1, find the mailbox full. Use it for bounded
  /// mailboxes, since others are never full.
  public static func fullMailbox(of path: String, at n: Int) -> Fault {
    Fault(kind: .fullMailbox, name: path, moment: .at(n))
  }
  /// Lets a message find its bounded mailbox full, with this probability for each message.
  public static func fullMailbox(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .fullMailbox, name: path, moment: .chance(chance))
  }
  /// Lets a timer fire later than it was set for, by up to `delay`, with this probability for each timer.
  public static func lateTimers(by delay: Duration, chance: Double = 1) -> Fault {
    Fault(kind: .lateTimers(delay), name: nil, moment: .chance(chance))
  }
  /// Cancels the task of that name after n steps of the simulation in which the task lives.
  public static func cancelledTask(_ name: String, at n: Int) -> Fault {
    Fault(kind: .cancelledTask, name: name, moment: .at(n))
  }
  /// Cancels the task of that name, or any task that `start` or `run` began if the name is nil, with this probability
  /// at each step.
  public static func cancelledTask(_ name: String? = nil, chance: Double) -> Fault {
    Fault(kind: .cancelledTask, name: name, moment: .chance(chance))
  }
}

/// The error that a handler throws because of a `Fault`. Failures with this error are expected.
public struct InjectedFault: Error, Hashable, CustomStringConvertible {
  /// Makes an injected fault.
  public init() {}
  /// A description of one line, for a log.
  public var description: String { "an injected fault" }
}
