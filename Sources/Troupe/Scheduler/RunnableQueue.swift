/// A queue of runnables without a limit, from which the oldest is taken first. `ThreadScheduler` keeps one under its
/// lock for what waits for a thread. Both operations take O(1) on average.
struct RunnableQueue {
  private var elements: [Runnable] = []
  private var first = 0

  mutating func append(_ runnable: Runnable) { elements.append(runnable) }

  mutating func popFirst() -> Runnable? {
    guard first < elements.count else { return nil }
    let result = elements[first]
    first += 1
    // What is left moves only when at least as many have been taken, so a runnable is moved once on average.
    if first * 2 > elements.count {
      elements.removeFirst(first)
      first = 0
    }
    return result
  }
}
