/// Some shards, by their numbers.
struct ShardSet: OptionSet, Sendable {
  let rawValue: UInt64

  /// The greatest number of shards.
  static let limit = 64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ shard: Int) { rawValue = 1 << UInt64(shard) }

  /// The first so many shards, which is all of them.
  static func all(_ count: Int) -> ShardSet { ShardSet(rawValue: count == limit ? .max : 1 << UInt64(count) - 1) }

  /// The shard, if it is exactly one.
  var only: Int? { rawValue.nonzeroBitCount == 1 ? rawValue.trailingZeroBitCount : nil }

  var numbers: [Int] { (0..<Self.limit).filter { contains(ShardSet($0)) } }
}

extension Command {
  /// The shards that a command with these arguments needs, if there are so many shards.
  func shards(_ arguments: Arguments, among count: Int) -> ShardSet {
    switch keys {
    case .none: []
    case .every: .all(count)
    case .arguments(let first, let last, let step):
      Self.shards(arguments, first, last < 0 ? arguments.count + last : last, step, among: count)
    case .counted(let index):
      // A wrong number of keys needs none, because the command will refuse it.
      Self.shards(
        arguments, index + 1, index + max(0, min(Number.integer(arguments[index]) ?? 0, arguments.count)), 1,
        among: count)
    case .cursor: ShardSet(ScanCommands.shard(of: ScanCommands.cursor(arguments[1]) ?? 0, among: count))
    }
  }

  private static func shards(
    _ arguments: Arguments, _ first: Int, _ last: Int, _ step: Int, among count: Int
  ) -> ShardSet {
    if count == 1 { return first < arguments.count ? ShardSet(0) : [] }
    var shards: ShardSet = []
    for index in stride(from: first, through: min(last, arguments.count - 1), by: step) {
      shards.formUnion(ShardSet(Keyspace.shard(of: arguments[index], among: count)))
    }
    return shards
  }
}
