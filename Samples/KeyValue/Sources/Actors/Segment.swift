/// Commands of one batch that are under way at the same time, in different shards, and their answers, which are put
/// into the order of the commands.
///
/// A shard whose answers become long stops early (`Work.answerLimit`). The segment then gives the answers that are next
/// in the order, and is started again for the others when the client has taken these. So each shard has answers of at
/// most that limit, and one more, in memory.
struct Segment {
  private let isRESP3: Bool
  /// For each command the shard that answers, or -1 for the session itself. It stays empty as long as there is one
  /// source alone.
  private var sources: [Int8] = []
  private var count = 0
  private var firstSource: Int8 = 0
  private var hasSeveralSources = false
  /// The commands for each shard that it has not answered.
  private var commands: [[Int32]]
  /// The answers that the session has given itself.
  private(set) var own: Answer
  private var ownEnds: [Int32] = []
  /// The answers that have come and were not all given yet.
  private var answers: [Answers?] = []
  private var missing = 0
  /// How many answers have been given, and of each source how many of those that are here; the last is the session.
  private var given = 0
  private var taken: [Int] = []

  init(shards: Int, isRESP3: Bool) {
    self.isRESP3 = isRESP3
    commands = Array(repeating: [], count: shards)
    own = Answer(isRESP3: isRESP3)
  }

  var isEmpty: Bool { count == 0 }

  private mutating func add(source: Int8) {
    if count == 0 {
      firstSource = source
    } else if !hasSeveralSources && source != firstSource {
      hasSeveralSources = true
      sources.reserveCapacity(max(32, 2 * count))
      sources.append(contentsOf: repeatElement(firstSource, count: count))
    }
    if hasSeveralSources { sources.append(source) }
    count += 1
  }

  /// Adds a command for a shard.
  mutating func add(_ command: Int, to shard: Int) {
    add(source: Int8(shard))
    // Room for a pipeline of the usual length, at once.
    if commands[shard].isEmpty { commands[shard].reserveCapacity(16) }
    commands[shard].append(Int32(command))
  }

  /// Adds the answer of the session to a command.
  mutating func answer(_ body: (inout Answer) -> Void) {
    add(source: -1)
    body(&own)
    ownEnds.append(Int32(own.count))
  }

  /// Whether the session has given all answers itself.
  var isDone: Bool { firstSource < 0 && !hasSeveralSources }

  /// Whether commands or answers are left after those that `take` has returned, so that it is to be started again.
  var hasMore: Bool { commands.contains { !$0.isEmpty } || given < sources.count }

  /// Calls `send` with the work for each shard, or with what is left of it for those whose answers have been given.
  mutating func start(_ batch: Batch, _ send: (Work.Task, Int) -> Void) {
    if hasSeveralSources && answers.isEmpty {
      answers = Array(repeating: nil, count: commands.count)
      taken = Array(repeating: 0, count: commands.count + 1)
    }
    for shard in commands.indices where !commands[shard].isEmpty && (!hasSeveralSources || answers[shard] == nil) {
      missing += 1
      let list = commands[shard]
      send(
        list.count == 1 && !hasSeveralSources
          ? .command(batch, Int(list[0])) : .commands(batch, list, tellsEnds: hasSeveralSources), shard)
    }
  }

  /// Takes the answers of one shard. When those of all shards that were asked are there, it returns them in order, as
  /// far as no other one is missing in between.
  mutating func take(_ part: Answers) -> [UInt8]? {
    if !hasSeveralSources {
      commands[Int(firstSource)].keepLast(part.undone)
      return part.bytes
    }
    answers[part.shard] = part
    commands[part.shard].keepLast(part.undone)
    missing -= 1
    return missing == 0 ? joined() : nil
  }

  private mutating func joined() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(answers.reduce(own.count) { $0 + ($1?.bytes.count ?? 0) })
    func append(_ part: [UInt8], _ ends: [Int32], _ number: Int) {
      bytes.append(contentsOf: part[(number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])])
    }
    while given < sources.count {
      let source = sources[given]
      let index = source < 0 ? commands.count : Int(source)
      if source < 0 {
        append(own.bytes, ownEnds, taken[index])
      } else if let part = answers[index], taken[index] < part.ends.count {
        append(part.bytes, part.ends, taken[index])
      } else {
        break
      }
      taken[index] += 1
      given += 1
    }
    for shard in answers.indices where answers[shard].map({ taken[shard] == $0.ends.count }) ?? false {
      answers[shard] = nil
      taken[shard] = 0
    }
    return bytes
  }
}

extension [Int32] {
  /// Forgets all but so many elements at the end.
  fileprivate mutating func keepLast(_ count: Int) {
    if count == 0 { self = [] } else { removeFirst(self.count - count) }
  }
}
