/// A rendezvous channel: a send and a receive take effect in one step.
struct HandOverSpecification: Specification {
  let senders: Int

  struct State: Hashable {
    var isClosed = false
    var senders: Int
  }

  var start: State { State(senders: senders) }

  func steps(from state: State, _ history: [Call], pending: [Int]) -> [(completed: [Int], state: State)] {
    var steps: [(completed: [Int], state: State)] = []
    for index in pending {
      if let next = after(history[index], state) { steps.append(([index], next)) }
      guard case .received(let value) = history[index].response, !state.isClosed else { continue }
      for other in pending where history[other].response == .sent {
        if isPair(history[other].action, history[index].action, value) { steps.append(([other, index], state)) }
      }
    }
    return steps
  }

  /// One of the two has to wait for the other.
  private func isPair(_ send: Action, _ receive: Action, _ value: Int) -> Bool {
    switch send {
    case .send(value), .sendNow(value): true
    case .trySend(value): receive == .receive || receive == .receiveNow
    default: false
    }
  }

  private func after(_ call: Call, _ state: State) -> State? {
    var next = state
    switch (call.action, call.response) {
    case (.send, .closed), (.sendNow, .closed), (.trySend, .closed): if !state.isClosed { return nil }
    case (.receive, .closed), (.receiveNow, .closed), (.tryReceive, .closed): if !state.isClosed { return nil }
    // That another has begun to wait does not mean that it waits.
    case (.trySend, .full), (.sendNow, .timedOut): if state.isClosed { return nil }
    case (.tryReceive, .empty), (.receiveNow, .timedOut): if state.isClosed { return nil }
    case (.senderIsClosed, .yes): if !state.isClosed { return nil }
    case (.senderIsClosed, .no): if state.isClosed { return nil }
    case (.close, .done), (.dropReceiver, .done): next.isClosed = true
    case (.dropSender, .done):
      next.senders -= 1
      if next.senders == 0 { next.isClosed = true }
    default: return nil
    }
    return next
  }
}
