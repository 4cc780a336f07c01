import Synchronization

/// Counts, for up to 16 numbered elements, how often each was made and destroyed.
final class Account: Sendable {
  // Four bits an element. Relaxed: the sanitizer must not take this for synchronisation of the program's.
  private let made = Synchronization.Atomic<UInt64>(0)
  private let destroyed = Synchronization.Atomic<UInt64>(0)

  fileprivate func make(_ id: Int) { made.wrappingAdd(1 << UInt64(4 * id), ordering: .relaxed) }
  fileprivate func destroy(_ id: Int) { destroyed.wrappingAdd(1 << UInt64(4 * id), ordering: .relaxed) }

  /// Nil if each element was made at most once, and destroyed as often.
  var trouble: String? {
    let (made, destroyed) = (made.load(ordering: .relaxed), destroyed.load(ordering: .relaxed))
    return made == destroyed && made & 0xEEEE_EEEE_EEEE_EEEE == 0
      ? nil : "made \(String(made, radix: 16)), destroyed \(String(destroyed, radix: 16))"
  }
}

/// An element with a number: four a producer, 0 to 3, 4 to 7 and so on. It cannot be copied.
protocol Numbered: ~Copyable, Sendable {
  init(_ id: Int, _ account: Account)
  var id: Int { get }
}

/// 16 bytes: four inline slots, and blocks of 64.
struct Small: ~Copyable, Numbered {
  let id: Int
  private let account: Account
  init(_ id: Int, _ account: Account) {
    self.id = id
    self.account = account
    account.make(id)
  }
  deinit { account.destroy(id) }
}

/// More than 4 KiB: one inline slot, and blocks of two, so that every edge is an element away.
struct Large: ~Copyable, Numbered {
  let id: Int
  private let account: Account
  private let rest: InlineArray<512, UInt64>
  private static let filling = InlineArray<512, UInt64>(repeating: 0)

  init(_ id: Int, _ account: Account) {
    self.id = id
    self.account = account
    rest = Self.filling
    account.make(id)
  }
  deinit { account.destroy(id) }
}
