import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// A worker's own queue, and those who steal from it.
  @Suite struct Stealing {
    private final class Line {
      let queue = LocalQueue()
      var taken: [UInt] = []
      func pop() { if let runnable = queue.pop() { taken.append(runnable.bits) } }
      func popAll() { while let runnable = queue.pop() { taken.append(runnable.bits) } }
    }

    private func bits(_ number: UInt) -> Runnable { Runnable(bits: number * 8) }

    private func verify(_ lines: [Line], _ count: UInt) -> String? {
      for line in lines { line.popAll() }
      let all = lines.flatMap(\.taken)
      return all.sorted() == (1...count).map { $0 * 8 }
        ? nil : "taken: \(lines.map { $0.taken.map { $0 / 8 } })"
    }

    @Test func `the owner and two thieves`() {
      Check.all("local queue, 2 thieves") {
        let (owner, one, two) = (Line(), Line(), Line())
        return Execution([
          {
            for number in 1...3 as ClosedRange<UInt> { _ = owner.queue.push(bits(number)) }
            owner.pop()
            _ = owner.queue.push(bits(4))
            owner.pop()
          },
          { steal(one, from: owner) },
          { steal(two, from: owner) },
        ]) { verify([owner, one, two], 4) }
      }
    }

    @Test func `the owner hands out half, a thief steals`() {
      Check.all("local queue, half", fewer: -1) {
        let (owner, thief) = (Line(), Line())
        return Execution([
          {
            for number in 1...4 as ClosedRange<UInt> { _ = owner.queue.push(bits(number)) }
            owner.taken += owner.queue.takeHalf().map(\.bits)
            owner.pop()
          },
          { steal(thief, from: owner) },
        ]) { verify([owner, thief], 4) }
      }
    }

    @Test func `two that steal from each other`() {
      Check.all("local queue, mutual", fewer: -1) {
        let (one, two) = (Line(), Line())
        return Execution([
          {
            for number in 1...2 as ClosedRange<UInt> { _ = one.queue.push(bits(number)) }
            steal(one, from: two)
            one.pop()
          },
          {
            for number in 3...4 as ClosedRange<UInt> { _ = two.queue.push(bits(number)) }
            steal(two, from: one)
            two.pop()
          },
        ]) { verify([one, two], 4) }
      }
    }

    @Test func `a thief and a queue that has gone round`() {
      Check.all("local queue, full circle", fewer: -1) {
        let (owner, thief) = (Line(), Line())
        // One short of full, so that the pushes write over what a slow thief reads.
        let capacity = LocalQueue.capacity
        for number in 1..<capacity { _ = owner.queue.push(bits(number)) }
        return Execution([
          {
            owner.pop()
            _ = owner.queue.push(bits(capacity))
            _ = owner.queue.push(bits(capacity + 1))
          },
          { thief.taken += owner.queue.pop().map { [$0.bits] } ?? [] },
        ]) { verify([owner, thief], capacity + 1) }
      }
    }

    private func steal(_ thief: Line, from victim: Line) {
      if let runnable = thief.queue.steal(from: victim.queue, atLeast: 1) { thief.taken.append(runnable.bits) }
      thief.pop()
    }
  }
}
