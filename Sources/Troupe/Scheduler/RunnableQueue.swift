/// First in, first out.
struct RunnableQueue {
  private var elements: [Runnable] = []
  private var first = 0

  mutating func append(_ runnable: Runnable) { elements.append(runnable) }

  mutating func popFirst() -> Runnable? {
    guard first < elements.count else { return nil }
    let result = elements[first]
    first += 1
    // Moves what is left at most once for as many that have gone.
    if first * 2 > elements.count {
      elements.removeFirst(first)
      first = 0
    }
    return result
  }
}
