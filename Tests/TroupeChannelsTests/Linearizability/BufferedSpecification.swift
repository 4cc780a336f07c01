/// An unbounded or bounded channel.
struct BufferedSpecification: Specification {
  /// Nil: unbounded.
  let capacity: Int?
  let senders: Int

  struct State: Hashable {
    var queue: [Int] = []
    var isClosed = false
    var isGone = false
    var senders: Int
    /// Calls that have room and have not put their element into it: what was promised before the close is kept.
    var promised: Set<Int> = []
  }

  var start: State { State(senders: senders) }

  func steps(from state: State, _ history: [Call], pending: [Int]) -> [(completed: [Int], state: State)] {
    var steps: [(completed: [Int], state: State)] = []
    let waits = pending.contains { history[$0].maySendLater }
    for index in pending {
      if let next = after(history[index], index, state, isSomeoneWaiting: waits) { steps.append(([index], next)) }
      if capacity != nil, history[index].maySendLater, !state.isClosed, !state.promised.contains(index), hasRoom(state)
      {
        var next = state
        next.promised.insert(index)
        steps.append(([], next))
      }
    }
    return steps
  }

  private func hasRoom(_ state: State) -> Bool {
    capacity.map { state.queue.count + state.promised.count < $0 } ?? true
  }

  /// The state after a call that was answered so, or nil if it cannot have been.
  private func after(_ call: Call, _ index: Int, _ state: State, isSomeoneWaiting: Bool) -> State? {
    var next = state
    switch (call.action, call.response) {
    case (.send(let value), .sent), (.sendNow(let value), .sent), (.trySend(let value), .sent):
      if state.isGone { return nil }
      guard next.promised.remove(index) != nil || !state.isClosed && hasRoom(state) else { return nil }
      next.queue.append(value)
    case (.send, .closed), (.sendNow, .closed), (.trySend, .closed):
      // One that was promised room is refused only if the receiver is gone.
      let wasPromised = next.promised.remove(index) != nil
      guard wasPromised ? state.isGone : state.isClosed else { return nil }
    case (.trySend, .full), (.sendNow, .timedOut):
      guard capacity != nil, !state.promised.contains(index) else { return nil }
      guard !state.isClosed, !hasRoom(state) || isSomeoneWaiting else { return nil }
    case (.receive, .received(let value)), (.receiveNow, .received(let value)), (.tryReceive, .received(let value)):
      guard state.queue.first == value else { return nil }
      next.queue.removeFirst()
    case (.tryReceive, .empty), (.receiveNow, .timedOut):
      guard state.queue.isEmpty, !isFinished(state) else { return nil }
    case (.receive, .closed), (.receiveNow, .closed), (.tryReceive, .closed):
      guard state.queue.isEmpty, isFinished(state) else { return nil }
    case (.senderIsClosed, .yes): if !state.isClosed { return nil }
    case (.senderIsClosed, .no): if state.isClosed { return nil }
    case (.close, .done): next.isClosed = true
    case (.dropReceiver, .done):
      next.isClosed = true
      next.isGone = true
      next.queue = []
    case (.dropSender, .done):
      next.senders -= 1
      if next.senders == 0 { next.isClosed = true }
    default: return nil
    }
    return next
  }

  private func isFinished(_ state: State) -> Bool { state.isClosed && state.promised.isEmpty }
}
