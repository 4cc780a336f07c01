/// A list: a ring of strings, so that both ends are O(1).
final class List {
  private var ring: [[UInt8]] = []
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// The element at an index from the front. An index that is not below `count` stops the program.
  subscript(index: Int) -> [UInt8] {
    get { ring[slot(checked(index))] }
    set { ring[slot(checked(index))] = newValue }
  }

  private func slot(_ index: Int) -> Int { (head + index) & (ring.count - 1) }

  private func checked(_ index: Int) -> Int {
    precondition(index >= 0 && index < count, "the list has no element with this index")
    return index
  }

  private func makeRoom() {
    if count < ring.count { return }
    var new: [[UInt8]] = []
    // A power of two, so that a slot is found without a division.
    new.reserveCapacity(max(4, 2 * count))
    for index in 0..<count { new.append(ring[slot(index)]) }
    new.append(contentsOf: repeatElement([], count: max(4, 2 * count) - count))
    ring = new
    head = 0
  }

  func append(_ element: [UInt8]) {
    makeRoom()
    count += 1
    ring[slot(count - 1)] = element
  }

  func prepend(_ element: [UInt8]) {
    makeRoom()
    head = slot(ring.count - 1)
    count += 1
    ring[head] = element
  }

  func popFirst() -> [UInt8]? {
    guard count > 0 else { return nil }
    let element = take(0)
    head = slot(1)
    count -= 1
    return element
  }

  func popLast() -> [UInt8]? {
    guard count > 0 else { return nil }
    count -= 1
    return take(count)
  }

  /// Takes an element out of its slot, so that the ring does not keep it.
  private func take(_ index: Int) -> [UInt8] {
    var element: [UInt8] = []
    swap(&element, &ring[slot(index)])
    return element
  }

  /// Takes or gives at one end.
  func pop(_ end: End) -> [UInt8]? { end == .left ? popFirst() : popLast() }
  func push(_ element: [UInt8], _ end: End) { if end == .left { prepend(element) } else { append(element) } }

  enum End { case left, right }

  /// Puts an element before the one with this index. O(n).
  func insert(_ element: [UInt8], at index: Int) {
    append(element)
    var place = count - 1
    while place > index {
      ring.swapAt(slot(place), slot(place - 1))
      place -= 1
    }
  }

  /// Keeps the elements that `isKept` allows, which is called from the front, or from the back. O(n).
  func filter(fromBack: Bool, _ isKept: ([UInt8]) -> Bool) {
    var kept: [[UInt8]] = []
    for step in 0..<count {
      let element = self[fromBack ? count - 1 - step : step]
      if isKept(element) { kept.append(element) }
    }
    replace(fromBack ? kept.reversed() : kept)
  }

  /// Keeps the elements of a range. O(n).
  func trim(to range: Range<Int>) { replace(range.map { self[$0] }) }

  private func replace(_ elements: [[UInt8]]) {
    ring = []
    (head, count) = (0, 0)
    for element in elements { append(element) }
  }

  /// The bytes that it takes, as an estimate from so many of its elements.
  func footprint(samples: Int) -> Int {
    Footprint.block(Footprint.head + MemoryLayout<(ring: [[UInt8]], head: Int, count: Int)>.size)
      + Footprint.array(ring.capacity, of: MemoryLayout<[UInt8]>.stride)
      + Footprint.sum(count, samples: samples) { self[$0].footprint }
  }

  func copy() -> List {
    let copy = List()
    (copy.ring, copy.head, copy.count) = (ring, head, count)
    return copy
  }
}
