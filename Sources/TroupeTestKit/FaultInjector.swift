import Troupe

/// Decides when the faults of a plan happen. It draws from a random generator of its own, so that other choices do
/// not change its decisions.
struct FaultInjector {
  enum Effect: Equatable {
    case fails(any Error)
    case stops, restarts

    static func == (a: Effect, b: Effect) -> Bool {
      switch (a, b) {
      case (.stops, .stops), (.restarts, .restarts): true
      default: false
      }
    }
  }

  private let faults: [Fault]
  private var random: SplitMix

  init(_ faults: [Fault], seed: UInt64) {
    self.faults = faults
    random = SplitMix(seed: seed ^ 0x6661_756C_7473)
  }

  private mutating func happens(_ fault: Fault, to name: String, _ count: Int, isOurs: Bool = false) -> Bool {
    if let wanted = fault.name { if wanted != name { return false } } else if isOurs { return false }
    switch fault.moment {
    case .at(let n): return n == count
    case .chance(let chance): return isLikely(chance)
    }
  }

  private mutating func isLikely(_ chance: Double) -> Bool { Double(random.next() >> 11) * 0x1p-53 < chance }

  mutating func handling(_ actor: Recorder.Actor) -> Effect? {
    for fault in faults {
      let effect: Effect
      switch fault.kind {
      case .failure(let error): effect = .fails(error)
      case .stop: effect = .stops
      case .restart: effect = .restarts
      case .fullMailbox, .lateTimers, .cancelledTask: continue
      }
      if happens(fault, to: actor.path, actor.handled, isOurs: actor.isOurs) { return effect }
    }
    return nil
  }

  mutating func refuses(_ actor: Recorder.Actor) -> Bool {
    for fault in faults {
      guard case .fullMailbox = fault.kind else { continue }
      if happens(fault, to: actor.path, actor.sent, isOurs: actor.isOurs) { return true }
    }
    return false
  }

  /// By how much the timer that is being set is late.
  mutating func lateness() -> Duration {
    for fault in faults {
      guard case .lateTimers(let most) = fault.kind else { continue }
      if happens(fault, to: "", 0) { return .nanoseconds(random.below(max(1, Int(most / .nanoseconds(1))))) }
    }
    return .zero
  }

  var delaysTimers: Bool { faults.contains { if case .lateTimers = $0.kind { true } else { false } } }
  var cancelsTasks: Bool { faults.contains { if case .cancelledTask = $0.kind { true } else { false } } }

  mutating func cancels(_ task: String, after steps: Int) -> Bool {
    for fault in faults {
      guard case .cancelledTask = fault.kind else { continue }
      if happens(fault, to: task, steps) { return true }
    }
    return false
  }
}
