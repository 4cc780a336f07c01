/// A timer that calls a closure, and passes itself to it.
package final class ActionTimer: Timer, @unchecked Sendable {
  private let action: @Sendable (ActionTimer) -> Void

  package init(deadline: Int64, _ action: @escaping @Sendable (ActionTimer) -> Void) {
    self.action = action
    super.init(deadline: deadline)
  }

  override func fire() { action(self) }
}
