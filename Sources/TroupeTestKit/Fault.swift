/// Something that goes wrong in a simulation because the test asks for it.
///
/// ```swift
/// var options = Simulation.Options()
/// options.faults = [.failure(of: "sim/feed", at: 3), .restart(chance: 0.01)]
/// ```
/// A place in a plan is a number of messages; a chance is drawn from the seed, so that the same seed gives the same faults. Actors
/// that belong to the kit, such as probes, are spared unless they are named.
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
  /// Nil: any.
  let name: String?
  let moment: Moment

  /// In place of handling its n-th message, counted from 1, the actor with this path throws. The failure counts as expected if the error
  /// is an `InjectedFault`, as it is by default.
  public static func failure(of path: String, at n: Int, with error: any Error = InjectedFault()) -> Fault {
    Fault(kind: .failure(error), name: path, moment: .at(n))
  }
  /// With this probability a message makes its actor throw.
  public static func failure(of path: String? = nil, chance: Double, with error: any Error = InjectedFault()) -> Fault {
    Fault(kind: .failure(error), name: path, moment: .chance(chance))
  }
  /// While it handles its n-th message, counted from 1, the actor is told to stop.
  public static func stop(of path: String, at n: Int) -> Fault { Fault(kind: .stop, name: path, moment: .at(n)) }
  /// With this probability an actor is told to stop while it handles a message.
  public static func stop(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .stop, name: path, moment: .chance(chance))
  }
  /// While it handles its n-th message, counted from 1, the actor is told to restart.
  public static func restart(of path: String, at n: Int) -> Fault { Fault(kind: .restart, name: path, moment: .at(n)) }
  /// With this probability an actor is told to restart while it handles a message.
  public static func restart(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .restart, name: path, moment: .chance(chance))
  }
  /// The n-th message sent to the actor, counted from 1, finds its mailbox full. For bounded mailboxes: others never are.
  public static func fullMailbox(of path: String, at n: Int) -> Fault {
    Fault(kind: .fullMailbox, name: path, moment: .at(n))
  }
  /// With this probability a message finds a bounded mailbox full.
  public static func fullMailbox(of path: String? = nil, chance: Double) -> Fault {
    Fault(kind: .fullMailbox, name: path, moment: .chance(chance))
  }
  /// With this probability a timer fires later than it was set for, by up to `delay`.
  public static func lateTimers(by delay: Duration, chance: Double = 1) -> Fault {
    Fault(kind: .lateTimers(delay), name: nil, moment: .chance(chance))
  }
  /// The task of that name is cancelled after n steps of the simulation in which it lives.
  public static func cancelledTask(_ name: String, at n: Int) -> Fault {
    Fault(kind: .cancelledTask, name: name, moment: .at(n))
  }
  /// With this probability, at each step, a task that was started by name is cancelled.
  public static func cancelledTask(_ name: String? = nil, chance: Double) -> Fault {
    Fault(kind: .cancelledTask, name: name, moment: .chance(chance))
  }
}

/// What a handler throws because of a `Fault`. Failures with it are expected.
public struct InjectedFault: Error, Hashable, CustomStringConvertible {
  /// Makes one.
  public init() {}
  /// One line for a log.
  public var description: String { "an injected fault" }
}
