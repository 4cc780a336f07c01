import Synchronization
import TroupeModel

@testable import Troupe

/// What the actor saw. Relaxed words of the library: the sanitizer must not take them for synchronisation of
/// the program's.
final class Witness: Sendable {
  private let isInside = Synchronization.Atomic<Bool>(false)
  private let overlaps = Synchronization.Atomic<Int>(0)
  private let order = Synchronization.Atomic<UInt64>(0)
  let count = Synchronization.Atomic<Int>(0)
  let refused = Synchronization.Atomic<Int>(0)

  func handle(_ number: Int) {
    if isInside.exchange(true, ordering: .relaxed) { overlaps.wrappingAdd(1, ordering: .relaxed) }
    // A step at which others may come in.
    ModelSystem.step()
    let place = count.wrappingAdd(1, ordering: .relaxed).oldValue
    order.bitwiseOr(UInt64(number + 1) << UInt64(4 * place), ordering: .relaxed)
    isInside.store(false, ordering: .relaxed)
  }

  private var numbers: [Int] {
    let order = order.load(ordering: .relaxed)
    return (0..<count.load(ordering: .relaxed)).map { Int(order >> UInt64(4 * $0) & 15) - 1 }
  }

  func trouble(sends: [Int], dead: Int, mayLose: Bool) -> String? {
    let numbers = numbers
    let total = sends.reduce(0, +) - refused.load(ordering: .relaxed)
    if overlaps.load(ordering: .relaxed) > 0 { return "two workers ran it at a time" }
    if numbers.count + dead != total { return "of \(total), handled \(numbers), dead letters \(dead)" }
    if !mayLose && dead > 0 { return "\(dead) dead letters" }
    for sender in sends.indices {
      let own = numbers.filter { $0 / 4 == sender }
      if own != own.sorted() || Set(own).count != own.count { return "handled \(numbers)" }
    }
    return nil
  }
}

struct Counting: Behavior {
  let witness: Witness
  mutating func receive(_ message: consuming Int, in context: Context<Int>) { witness.handle(message) }
}
