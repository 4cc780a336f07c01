/// Calls a closure, which is given the timer.
package final class ActionTimer: Timer, @unchecked Sendable {
  private let action: @Sendable (ActionTimer) -> Void

  package init(deadline: Int64, _ action: @escaping @Sendable (ActionTimer) -> Void) {
    self.action = action
    super.init(deadline: deadline)
  }

  override func fire() { action(self) }
}
