/// What a channel does if one call comes after the other.
protocol Specification {
  associatedtype State: Hashable
  var start: State { get }
  /// The states that one step leads to, and the calls that it completes. `pending` are calls, by their place in the
  /// history, that have begun and may take effect now; `underWay` are those that are not complete.
  func steps(from state: State, _ history: [Call], pending: [Int]) -> [(completed: [Int], state: State)]
}

/// Looks for an order of a history's calls that the specification allows, and in which no call comes before
/// one that had ended when it began: Wing and Gong, "Testing and verifying concurrent objects" (1993), with
/// the states that were reached kept, as in Lowe, "Testing for linearizability" (2017).
struct Linearizer<Spec: Specification> {
  private struct Reached: Hashable {
    let completed: UInt64
    let state: Spec.State
  }
  let specification: Spec
  private let history: [Call]
  private var reached: Set<Reached> = []

  init(_ specification: Spec, _ history: [Call]) {
    precondition(history.count <= 64)
    self.specification = specification
    self.history = history
  }

  mutating func isLinearizable() -> Bool { search(completed: 0, specification.start) }

  private mutating func search(completed: UInt64, _ state: Spec.State) -> Bool {
    if completed.nonzeroBitCount == history.count { return true }
    guard reached.insert(Reached(completed: completed, state: state)).inserted else { return false }
    let open = history.indices.filter { completed & 1 << UInt64($0) == 0 }
    // Nothing takes effect after the first end of what has not yet.
    let firstEnd = open.map { history[$0].ended }.min() ?? .max
    let pending = open.filter { history[$0].began < firstEnd }
    for step in specification.steps(from: state, history, pending: pending) {
      let done = step.completed.reduce(completed) { $0 | 1 << UInt64($1) }
      if search(completed: done, step.state) { return true }
    }
    return false
  }
}
