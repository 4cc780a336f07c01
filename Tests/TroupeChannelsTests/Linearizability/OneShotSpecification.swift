/// A channel for one value.
struct OneShotSpecification: Specification {
  struct State: Hashable {
    var value: Int?
    /// The sender has sent, or will not.
    var isSpent = false
    var isClosed = false
    var wasReceived = false
    /// The receiver has given up, and is about to go: a value that still comes is destroyed.
    var isLeaving = false
  }

  var start: State { State() }

  func steps(from state: State, _ history: [Call], pending: [Int]) -> [(completed: [Int], state: State)] {
    pending.compactMap { index in after(history[index], state).map { ([index], $0) } }
  }

  private func after(_ call: Call, _ state: State) -> State? {
    var next = state
    switch (call.action, call.response) {
    case (.send(let value), .sent):
      if state.isClosed { return nil }
      next.value = value
      next.isSpent = true
    case (.send, .closed):
      if !state.isClosed && !state.isLeaving { return nil }
      next.isSpent = true
    case (.dropSender, .done): next.isSpent = true
    case (.senderIsClosed, .yes): if !state.isClosed && !state.isLeaving { return nil }
    case (.senderIsClosed, .no): if state.isClosed { return nil }
    case (.receive, .received(let value)), (.receiveNow, .received(let value)), (.tryReceive, .received(let value)):
      guard state.value == value else { return nil }
      next.value = nil
      next.wasReceived = true
      // A receiver that has its value listens no more.
      next.isClosed = true
    case (.receive, .closed), (.receiveNow, .closed), (.tryReceive, .closed):
      guard state.value == nil, state.isSpent || state.isClosed || state.wasReceived else { return nil }
      if state.isSpent { next.isClosed = true }
    case (.tryReceive, .empty), (.receiveNow, .timedOut):
      guard state.value == nil, !state.isSpent, !state.isClosed else { return nil }
      if call.action == .receiveNow { next.isLeaving = true }
    case (.close, .done), (.dropReceiver, .done): next.isClosed = true
    default: return nil
    }
    return next
  }
}
