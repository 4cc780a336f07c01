import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// A worker's own queue, and those who steal from it.
  @Suite struct Stealing {
    /// What the runnables refer to. Whoever pushes one writes it before, and whoever takes one writes it after: the
    /// sanitizer sees whether the queue has published it.
    private final class Goods {
      // More than a queue holds, and more than any scenario makes.
      private let count = Int(LocalQueue.capacity) + 8
      let places: UnsafeMutablePointer<UInt>
      init() {
        places = .allocate(capacity: count)
        places.initialize(repeating: 0, count: count)
      }
      deinit { places.deallocate() }
    }

    private final class Line {
      let queue = LocalQueue()
      var taken: [UInt] = []
      let goods: Goods
      init(_ goods: Goods) { self.goods = goods }

      func push(_ number: UInt) {
        goods.places[Int(number)] = number
        _ = queue.push(Runnable(bits: number * 8))
      }
      func take(_ runnable: Runnable) {
        goods.places[Int(runnable.bits / 8)] += 1
        taken.append(runnable.bits)
      }
      func pop() { if let runnable = queue.pop() { take(runnable) } }
      func popAll() { while let runnable = queue.pop() { take(runnable) } }
    }

    private func verify(_ lines: [Line], _ count: UInt) -> String? {
      for line in lines { line.popAll() }
      let all = lines.flatMap(\.taken)
      return all.sorted() == (1...count).map { $0 * 8 }
        ? nil : "taken: \(lines.map { $0.taken.map { $0 / 8 } })"
    }

    @Test func `the owner and two thieves`() {
      Check.all("local queue, 2 thieves") {
        let goods = Goods()
        let (owner, one, two) = (Line(goods), Line(goods), Line(goods))
        return Execution([
          {
            for number in 1...3 as ClosedRange<UInt> { owner.push(number) }
            owner.pop()
            owner.push(4)
            owner.pop()
          },
          { steal(one, from: owner) },
          { steal(two, from: owner) },
        ]) { verify([owner, one, two], 4) }
      }
    }

    @Test func `the owner hands out half, a thief steals`() {
      Check.all("local queue, half", fewer: -1) {
        let goods = Goods()
        let (owner, thief) = (Line(goods), Line(goods))
        return Execution([
          {
            for number in 1...4 as ClosedRange<UInt> { owner.push(number) }
            owner.queue.takeHalf().forEach(owner.take)
            owner.pop()
          },
          { steal(thief, from: owner) },
        ]) { verify([owner, thief], 4) }
      }
    }

    @Test func `two that steal from each other`() {
      Check.all("local queue, mutual", fewer: -1) {
        let goods = Goods()
        let (one, two) = (Line(goods), Line(goods))
        return Execution([
          {
            for number in 1...2 as ClosedRange<UInt> { one.push(number) }
            steal(one, from: two)
            one.pop()
          },
          {
            for number in 3...4 as ClosedRange<UInt> { two.push(number) }
            steal(two, from: one)
            two.pop()
          },
        ]) { verify([one, two], 4) }
      }
    }

    @Test func `a thief and a queue that has gone round`() {
      Check.all("local queue, full circle", fewer: -1) {
        let goods = Goods()
        let (owner, thief) = (Line(goods), Line(goods))
        // One short of full, so that the pushes write over what a slow thief reads.
        let capacity = LocalQueue.capacity
        for number in 1..<capacity { owner.push(number) }
        return Execution([
          {
            owner.pop()
            owner.push(capacity)
            owner.push(capacity + 1)
          },
          { owner.queue.pop().map(thief.take) },
        ]) { verify([owner, thief], capacity + 1) }
      }
    }

    private func steal(_ thief: Line, from victim: Line) {
      if let runnable = thief.queue.steal(from: victim.queue, atLeast: 1) { thief.take(runnable) }
      thief.pop()
    }
  }
}
