/// Commands of one batch that are under way at the same time, in different shards, and their answers, which are put
/// into the order of the commands.
struct Segment {
  private let isRESP3: Bool
  /// For each command the shard that answers, or -1 for the session itself. It stays empty as long as there is one
  /// source alone.
  private var sources: [Int8] = []
  private var count = 0
  private var firstSource: Int8 = 0
  private var hasSeveralSources = false
  /// The commands for each shard.
  private var commands: [[Int32]]
  /// The answers that the session has given itself.
  private(set) var own: Answer
  private var ownEnds: [Int32] = []
  /// The answers that have come.
  private var answers: [Answers?] = []
  private var missing = 0

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

  /// Calls `send` with the work for each shard.
  mutating func start(_ batch: Batch, _ send: (Work.Task, Int) -> Void) {
    answers = Array(repeating: nil, count: hasSeveralSources ? commands.count : 0)
    for shard in commands.indices where !commands[shard].isEmpty {
      missing += 1
      let list = commands[shard]
      send(
        list.count == 1 && !hasSeveralSources
          ? .command(batch, Int(list[0])) : .commands(batch, list, tellsEnds: hasSeveralSources), shard)
    }
  }

  /// Takes the answers of one shard. Returns all of them in order when they are complete.
  mutating func take(_ part: Answers) -> [UInt8]? {
    if !hasSeveralSources { return part.bytes }
    answers[part.shard] = part
    missing -= 1
    return missing == 0 ? joined() : nil
  }

  private func joined() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(answers.reduce(own.count) { $0 + ($1?.bytes.count ?? 0) })
    var taken = Array(repeating: 0, count: commands.count + 1)
    func append(_ part: [UInt8], _ ends: [Int32], _ source: Int) {
      let number = taken[source]
      bytes.append(contentsOf: part[(number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])])
      taken[source] += 1
    }
    for source in sources {
      if source < 0 {
        append(own.bytes, ownEnds, commands.count)
      } else if let part = answers[Int(source)] {
        append(part.bytes, part.ends, Int(source))
      }
    }
    return bytes
  }
}
