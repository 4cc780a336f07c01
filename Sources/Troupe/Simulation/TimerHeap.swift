/// A binary heap of timers, ordered by deadline, and for equal deadlines by the order in which they were added. Each
/// timer knows its place in it.
///
/// Adding and removing take O(log n). It must not be used by several threads at once.
struct TimerHeap {
  private struct Entry {
    let timer: Timer
    /// How many timers had been added when this one was, itself included.
    let number: UInt64

    func isBefore(_ other: Entry) -> Bool {
      (timer.deadline, number) < (other.timer.deadline, other.number)
    }
  }

  private var entries: [Entry] = []
  private var added: UInt64 = 0

  var first: Timer? { entries.first?.timer }
  var count: Int { entries.count }

  mutating func add(_ timer: Timer) {
    precondition(timer.state.isIdle, "Troupe: a timer was set twice. This is a bug in Troupe.")
    timer.state.queue()
    added += 1
    entries.append(Entry(timer: timer, number: added))
    rise(from: entries.count - 1)
  }

  /// Removes a timer; does nothing if it is not in the heap.
  mutating func remove(_ timer: Timer) {
    guard timer.state.isQueued else { return }
    timer.state.finish()
    let place = Int(timer.place)
    let last = entries.removeLast()
    guard place < entries.count else { return }
    put(last, at: place)
    rise(from: place)
    sink(from: Int(last.timer.place))
  }

  private mutating func put(_ entry: Entry, at place: Int) {
    entries[place] = entry
    entry.timer.place = Int32(place)
  }

  /// Moves the entry up to where its parent is not after it.
  private mutating func rise(from start: Int) {
    let entry = entries[start]
    var place = start
    while place > 0, entry.isBefore(entries[(place - 1) / 2]) {
      put(entries[(place - 1) / 2], at: place)
      place = (place - 1) / 2
    }
    put(entry, at: place)
  }

  /// Moves the entry down to where no child is before it.
  private mutating func sink(from start: Int) {
    let entry = entries[start]
    var place = start
    while true {
      var child = 2 * place + 1
      if child >= entries.count { break }
      if child + 1 < entries.count && entries[child + 1].isBefore(entries[child]) { child += 1 }
      guard entries[child].isBefore(entry) else { break }
      put(entries[child], at: place)
      place = child
    }
    put(entry, at: place)
  }
}
