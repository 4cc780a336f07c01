/// Sends a message at its deadline.
package final class MessageTimer<Message: Sendable>: Timer, @unchecked Sendable {
  private let message: Message
  private let target: Address<Message>

  init(deadline: Int64, _ message: Message, to target: Address<Message>) {
    self.message = message
    self.target = target
    super.init(deadline: deadline)
  }

  override func fire() { target.send(message) }
}

extension Context where Message: ~Copyable {
  package func send<M>(_ message: M, to target: Address<M>, after nanoseconds: Int64) -> MessageTimer<M> {
    let scheduler = cell.system.scheduler
    let timer = MessageTimer(deadline: scheduler.coarseNow + nanoseconds + 4_000_000, message, to: target)
    scheduler.add(timer)
    return timer
  }
  package func cancel<M>(_ timer: MessageTimer<M>) { cell.system.scheduler.cancel(timer) }
}
