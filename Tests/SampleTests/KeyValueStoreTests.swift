import Testing
import Troupe
import TroupeNet
import TroupeTestKit

@testable import KeyValue

@Suite struct KeyValueTableTests {
  private func bytes(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

  @Test(arguments: 0..<UInt64(20))
  func `a table does what a dictionary does`(seed: UInt64) {
    var random = SplitMix(state: seed)
    let table = ByteTable<Int>()
    var model: [[UInt8]: Int] = [:]
    for step in 0..<3000 {
      let key = bytes(Int.random(in: 0..<300, using: &random))
      // First it grows more than it shrinks, and then the other way round.
      if Int.random(in: 0..<10, using: &random) < (step < 1500 ? 7 : 3) {
        let isNew = key.withUnsafeBytes { table.set($0, step) }
        #expect(isNew == (model.updateValue(step, forKey: key) == nil))
      } else {
        let removed = key.withUnsafeBytes { table.remove($0) }
        #expect(removed == model.removeValue(forKey: key))
      }
      #expect(table.count == model.count)
    }
    for number in 0..<300 {
      let key = bytes(number)
      #expect(key.withUnsafeBytes { table.value(of: $0) } == model[key])
    }
  }

  @Test(arguments: 0..<UInt64(20))
  func `a scan sees each key that stays, however the table changes meanwhile`(seed: UInt64) {
    var random = SplitMix(state: seed)
    let table = ByteTable<Void>()
    let staying = (0..<100).map(bytes)
    for key in staying { table.insert(key, ()) }
    var (cursor, seen, next) = (UInt32(0), Set<[UInt8]>(), 1000)
    var coming: [[UInt8]] = []
    repeat {
      cursor = table.scan(from: cursor, count: 5) { seen.insert(table.key(at: $0)) }
      let grows = Bool.random(using: &random)
      for _ in 0..<Int.random(in: 0..<200, using: &random) {
        if grows {
          coming.append(bytes(next))
          table.insert(bytes(next), ())
          next += 1
        } else if let key = coming.popLast() {
          _ = key.withUnsafeBytes { table.remove($0) }
        }
      }
      // A table that only grew would be scanned for ever.
      if next > 20_000 { break }
    } while cursor != 0
    #expect(seen.isSuperset(of: staying))
  }

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
      return value ^ value >> 31
    }
  }

  @Test(arguments: [
    ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "abb", false), ("?", "", false),
    ("h[ae]llo", "hallo", true), ("h[^e]llo", "hello", false), ("h[a-c]llo", "hbllo", true),
    ("h[c-a]llo", "hbllo", true), ("\\*", "*", true), ("\\*", "a", false), ("[", "[", false), ("a", "", false),
    ("**a**", "bab", true), ("", "", true), ("", "a", false),
    (String(repeating: "a*", count: 30) + "b", String(repeating: "a", count: 60), false),
  ])
  func `patterns`(pattern: String, text: String, matches: Bool) {
    let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
    let result = text.withUnsafeBytes { text in pattern.withUnsafeBytes { Glob.matches(text, $0) } }
    #expect(result == matches)
  }
}

/// The commands, on stores without actors.
@Suite struct KeyValueCommandTests {
  private let keyspace = Keyspace(stores: [Store(), Store(), Store()])
  private let system = ActorSystem("stores", options: ActorSystem.Options(workers: 1, log: { _ in }))

  private func client(_ number: Int, isRESP3: Bool = false) -> Client {
    Client(number: number, session: system.spawn(behavior: Silent()), isRESP3: isRESP3)
  }

  private func batch(_ line: String) throws -> Batch {
    var codec = CommandCodec()
    var input = InputBuffer(Array((line + "\n").utf8))
    let batch = codec.decode(&input)
    return try #require(batch)
  }

  /// The answer to a command that a person types, with spaces in place of the ends of lines.
  private func run(_ line: String, isRESP3: Bool = false) throws -> String {
    let work = Work(task: .command(try batch(line), Batch.first), client: client(1, isRESP3: isRESP3))
    return text(work.perform(in: keyspace).bytes)
  }

  private func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
      .dropLast().joined(separator: " ")
  }

  @Test func `strings and counters`() throws {
    #expect(try run("set a 1") == "+OK")
    #expect(try run("get a") == "$1 1")
    #expect(try run("get none") == "$-1")
    #expect(try run("get none", isRESP3: true) == "_")
    #expect(try run("set a 2 nx") == "$-1")
    #expect(try run("set a 2 xx get") == "$1 1")
    #expect(try run("incrby a 40") == ":42")
    #expect(try run("incrbyfloat a 0.5") == "$4 42.5")
    #expect(try run("incr a") == "-ERR value is not an integer or out of range")
    #expect(try run("set a 9223372036854775807") == "+OK")
    #expect(try run("incr a") == "-ERR increment or decrement would overflow")
    #expect(try run("decrby a -9223372036854775808") == "-ERR decrement would overflow")
    #expect(try run("set a Hello") == "+OK")
    #expect(try run("append a !") == ":6")
    #expect(try run("getrange a -3 -1") == "$3 lo!")
    #expect(try run("setrange a 7 x") == ":8")
    #expect(try run("strlen a") == ":8")
    #expect(try run("msetnx x 1 a 2") == ":0")
    #expect(try run("mset x 1 y 2 z 3") == "+OK")
    #expect(try run("mget x y z none") == "*4 $1 1 $1 2 $1 3 $-1")
    #expect(try run("mset x 1 y") == "-ERR wrong number of arguments for 'mset' command")
    #expect(try run("getdel x") == "$1 1" && run("exists x y z z") == ":3")
  }

  @Test func `work ends when its answers are long, and says what it has left undone`() throws {
    let long = String(repeating: "x", count: 30 << 10)
    #expect(try run("set long \(long)") == "+OK")
    let batch = try batch(Array(repeating: "get long", count: 7).joined(separator: "\n"))
    var commands: [Int32] = []
    var place = Batch.first
    while !batch.isEnd(place) {
      commands.append(Int32(place))
      place = batch.next(after: place)
    }
    #expect(commands.count == 7)
    var counts: [Int] = []
    while !commands.isEmpty {
      let work = Work(task: .commands(batch, commands, tellsEnds: true), client: client(1))
      let answers = work.perform(in: keyspace)
      #expect(answers.ends.count + answers.undone == commands.count)
      #expect(answers.bytes.count == Int(answers.ends.last ?? 0) && answers.bytes.count < 100 << 10)
      counts.append(answers.ends.count)
      commands = commands.suffix(answers.undone)
    }
    #expect(counts == [3, 3, 1])
  }

  @Test func `the memory of a key is estimated`() throws {
    func usage(_ words: String) throws -> Int { try #require(Int(try run("memory usage \(words)").dropFirst())) }
    #expect(try run("memory usage none") == "$-1")
    #expect(try run("set s \(String(repeating: "x", count: 10_000))") == "+OK")
    #expect(try 10_000...11_000 ~= usage("s"))
    let empty = try (run("set e 1"), usage("e"))
    #expect(1...200 ~= empty.1)
    for key in ["l", "h", "x"] {
      let command = ["l": "rpush", "h": "hset", "x": "sadd"][key] ?? ""
      for number in 0..<64 {
        let element = "\(number)" + String(repeating: "x", count: 1000)
        _ = try run("\(command) \(key) \(element)" + (key == "h" ? " 1" : ""))
      }
      let all = try usage("\(key) samples 0")
      #expect(64_000...90_000 ~= all)
      // All elements are of nearly the same length, so a few of them tell as much.
      #expect(try abs(usage(key) - all) < 2000)
      #expect(try abs(usage("\(key) samples 1") - all) < 2000)
    }
    #expect(try run("memory usage s samples -1") == "-ERR syntax error")
    #expect(try run("memory usage s samples") == "-ERR syntax error")
    #expect(try run("memory usage s samples x") == "-ERR value is not an integer or out of range")
    #expect(try run("memory usage") == "-ERR wrong number of arguments for 'memory|usage' command")
    #expect(try run("memory doctor").hasPrefix("-ERR unknown subcommand 'doctor'"))
  }

  @Test func `a refused command leaves no part of an answer and no change`() throws {
    #expect(try run("rpush list a") == ":1")
    let refusal = "-WRONGTYPE Operation against a key holding the wrong kind of value"
    for line in ["get list", "incr list", "hset list a 1", "sadd list a", "sunion other list", "append list x"] {
      #expect(try run(line) == refusal)
    }
    #expect(try run("sadd set a") == ":1")
    #expect(try run("lmove list set left right") == refusal)
    #expect(try run("lrange list 0 -1") == "*1 $1 a")
  }

  @Test func `a key that has ended is not there, whether or not a sweep has seen it`() throws {
    func setTime(_ now: Int64) { for store in keyspace.present { store.now = now } }
    setTime(1_000_000)
    #expect(try run("set a 1 px 100") == "+OK")
    #expect(try run("set b 1 ex 100") == "+OK")
    #expect(try run("set c 1") == "+OK")
    #expect(try run("pttl a") == ":100" && run("ttl b") == ":100" && run("ttl c") == ":-1" && run("ttl d") == ":-2")
    setTime(1_000_099)
    #expect(try run("get a") == "$1 1")
    setTime(1_000_100)
    #expect(try run("get a") == "$-1" && run("exists a b c") == ":2")
    #expect(try run("persist b") == ":1" && run("ttl b") == ":-1")
    #expect(try run("expire c 10 xx") == ":0" && run("expire c 10 nx") == ":1" && run("expire c 5 gt") == ":0")
    #expect(keyspace.present.reduce(0) { $0 + $1.mortalCount } == 1)
    setTime(2_000_000)
    #expect(try run("keys *") == "*1 $1 b")
    for store in keyspace.present { _ = store.sweep() }
    #expect(try run("dbsize") == ":1")
    #expect(keyspace.present.reduce(0) { $0 + $1.mortalCount } == 0)
    #expect(keyspace.present.reduce(0) { $0 + $1.expiredCount } == 2)
    #expect(try run("expire b 9223372036854775807") == "-ERR invalid expire time in 'expire' command")
    #expect(try run("expire b -1") == ":1" && run("dbsize") == ":0")
  }

  @Test func `a sweep goes on from where it stopped, and says when it had better not wait`() throws {
    let store = Store()
    for number in 0..<5000 {
      Array("\(number)".utf8).withUnsafeBytes { store.set($0, .string([]), deadline: number % 2 == 0 ? 1000 : 9000) }
    }
    store.now = 1000
    var sweeps = 0
    while store.sweep(500) { sweeps += 1 }
    #expect(sweeps > 1)
    while store.count > 2500 { _ = store.sweep(500) }
    #expect(store.count == 2500 && store.mortalCount == 2500)
  }

  @Test func `lists`() throws {
    #expect(try run("rpush l b c") == ":2" && run("lpush l a") == ":3")
    for _ in 0..<5 { _ = try run("rpoplpush l l") }
    #expect(try run("lrange l 0 -1") == "*3 $1 b $1 c $1 a")
    #expect(try run("linsert l before c x") == ":4" && run("lindex l -3") == "$1 x" && run("lpos l c") == ":2")
    #expect(try run("lset l 9 x") == "-ERR index out of range")
    #expect(try run("lrem l 0 x") == ":1" && run("ltrim l 1 -1") == "+OK" && run("lrange l 0 -1") == "*2 $1 c $1 a")
    #expect(try run("lpop l 5") == "*2 $1 c $1 a" && run("exists l") == ":0" && run("lpop l") == "$-1")
  }

  @Test func `hashes and sets`() throws {
    #expect(try run("hset h a 1 b 2") == ":2" && run("hincrby h a 9") == ":10")
    #expect(try run("hgetall h", isRESP3: true).hasPrefix("%2 "))
    #expect(try run("hmget h a none b") == "*3 $2 10 $-1 $1 2")
    #expect(try run("hdel h a b none") == ":2" && run("type h") == "+none")
    #expect(try run("hincrbyfloat h a +inf") == "-ERR value is NaN or Infinity" && run("exists h") == ":0")
    #expect(try run("sadd s 1 2 3") == ":3" && run("sadd t 3 4") == ":2")
    #expect(try run("sinter s t") == "*1 $1 3" && run("sinter s t", isRESP3: true) == "~1 $1 3")
    #expect(try run("sunionstore u s t") == ":4" && run("sdiffstore u u t") == ":2" && run("scard u") == ":2")
    #expect(try run("sintercard 2 s t limit 5") == ":1" && run("smove s t 1") == ":1")
    #expect(try run("smismember t 1 2") == "*2 :1 :0")
    #expect(try run("srandmember t -5").hasPrefix("*5 ") && run("spop t 9").hasPrefix("*3 "))
    #expect(try run("exists t") == ":0")
  }

  @Test func `a scan goes through all shards`() throws {
    for number in 0..<500 { _ = try run("set key:\(number) x") }
    var (cursor, seen) = ("0", Set<String>())
    repeat {
      // The keys of one shard lie beside the cursor of the next call.
      let parts = try run("scan \(cursor) match key:* count 50").split(separator: " ").map(String.init)
      cursor = parts[2]
      seen.formUnion(parts.filter { $0.hasPrefix("key:") })
    } while cursor != "0"
    #expect(seen.count == 500)
    #expect(try run("scan x") == "-ERR invalid cursor")
  }

  private func transaction(_ lines: [String], client: Client) throws -> String {
    let steps = try lines.map { Transaction.Step(batch: try batch($0), command: Batch.first) }
    return text(Work(task: .transaction(steps), client: client).perform(in: keyspace).bytes)
  }

  @Test(arguments: ["set w 1", "del w", "expire w 100", "append w x", "flushall", "rename w v"])
  func `a transaction is not done if a watched key has changed`(change: String) throws {
    let watcher = client(7)
    func watch() throws { _ = Work(task: .command(try batch("watch w"), 0), client: watcher).perform(in: keyspace) }
    #expect(try run("set w 0") == "+OK")
    try watch()
    #expect(try run("get w") == "$1 0")
    #expect(try transaction(["get w", "incr n"], client: watcher) == "*2 $1 0 :1")
    try watch()
    _ = try run(change)
    #expect(try transaction(["incr n"], client: watcher) == "*-1")
    // What was watched is forgotten by then.
    #expect(try transaction(["ping"], client: watcher) == "*1 +PONG")
  }

  @Test func `what is published goes to those who listen, once for a channel and once for a pattern`() async throws {
    let received = system.spawn(behavior: Inbox())
    let listener = Client(number: 9, session: received.contramap { .message($0) }, isRESP3: true)
    func listen(_ line: String) throws {
      _ = Work(task: .command(try batch(line), 0), client: listener).perform(in: keyspace)
    }
    try listen("subscribe news sports")
    try listen("psubscribe n*")
    #expect(try run("publish news hello") == ":2" && run("publish sports x") == ":1" && run("publish other x") == ":0")
    #expect(try run("pubsub numsub news other") == "*4 $4 news :1 $5 other :0" && run("pubsub numpat") == ":1")
    try listen("unsubscribe")
    #expect(try run("publish news again") == ":1" && run("publish sports x") == ":0")
    SessionCommands.forget(listener, in: keyspace)
    #expect(try run("publish news x") == ":0")
    let bytes = try await received.ask { .all($0) }
    #expect(
      bytes.map(text) == [
        ">3 $7 message $4 news $5 hello", ">4 $8 pmessage $2 n* $4 news $5 hello", ">3 $7 message $6 sports $1 x",
        ">4 $8 pmessage $2 n* $4 news $5 again",
      ])
  }

  /// A session that nobody looks at.
  private struct Silent: Behavior {
    mutating func receive(_ message: consuming Session.Message, in context: Context<Session.Message>) {}
  }

  private struct Inbox: Behavior {
    enum Message: ~Copyable {
      case message(Session.Message)
      case all(Reply<[[UInt8]]>)
    }
    var bytes: [[UInt8]] = []
    mutating func receive(_ message: consuming Message, in context: Context<Message>) {
      switch consume message {
      case .message(.published(let published)): bytes.append(published)
      case .message: break
      case .all(let reply): reply.send(bytes)
      }
    }
  }
}

/// The order of answers that come from several shards.
@Suite struct KeyValueSegmentTests {
  @Test func `answers are put into the order of their commands, whoever answers first`() throws {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
      var segment = Segment(shards: 3, isRESP3: false)
      for (number, shard) in [0, 1, 1, 2, 0, 1].enumerated() {
        segment.add(number, to: shard)
        if number == 2 { segment.answer { $0.simple("PONG") } }
      }
      #expect(!segment.isDone)
      var works: [Int: [Int32]] = [:]
      segment.start(Batch(bytes: [], words: [], failure: nil)) { task, shard in
        if case .commands(_, let commands, true) = task { works[shard] = commands }
      }
      #expect(works == [0: [0, 4], 1: [1, 2, 5], 2: [3]])
      var all: [UInt8]?
      for shard in order {
        #expect(all == nil)
        var (bytes, ends): ([UInt8], [Int32]) = ([], [])
        for command in works[shard] ?? [] {
          bytes += Array("\(command);".utf8)
          ends.append(Int32(bytes.count))
        }
        all = segment.take(Answers(bytes: bytes, ends: ends, shard: shard))
      }
      #expect(all == Array("0;1;2;+PONG\r\n3;4;5;".utf8))
    }
  }

  /// Shards that do at most so many commands at a time, whatever the answers.
  @Test(arguments: 1...4)
  func `what shards leave undone is asked for again, and the order stays`(atOnce: Int) throws {
    let shards = [0, 1, 1, 2, 0, 1, 1, 1, 2, 0]
    var segment = Segment(shards: 3, isRESP3: false)
    for (number, shard) in shards.enumerated() {
      segment.add(number, to: shard)
      if number % 4 == 2 { segment.answer { $0.simple("PONG") } }
    }
    var all: [UInt8] = []
    var held = 0
    while segment.hasMore {
      var works: [(shard: Int, commands: [Int32])] = []
      segment.start(Batch(bytes: [], words: [], failure: nil)) { task, shard in
        if case .commands(_, let commands, true) = task { works.append((shard, commands)) }
      }
      try #require(!works.isEmpty, "nobody is asked, and something is missing")
      for (shard, commands) in works.reversed() {
        var (bytes, ends): ([UInt8], [Int32]) = ([], [])
        for command in commands.prefix(atOnce) {
          bytes += Array("\(command);".utf8)
          ends.append(Int32(bytes.count))
        }
        held += ends.count
        let undone = commands.count - ends.count
        if let given = segment.take(Answers(bytes: bytes, ends: ends, undone: undone, shard: shard)) {
          all += given
          held -= given.count { $0 == UInt8(ascii: ";") }
        }
      }
      #expect(held <= 3 * atOnce)
    }
    #expect(String(decoding: all, as: UTF8.self) == "0;1;2;+PONG\r\n3;4;5;6;+PONG\r\n7;8;9;")
  }

  @Test func `of one source what is left undone is asked for again, too`() {
    var segment = Segment(shards: 2, isRESP3: false)
    for command in 0..<3 { segment.add(command, to: 1) }
    var asked: [[Int32]] = []
    func start() {
      segment.start(Batch(bytes: [], words: [], failure: nil)) { task, _ in
        switch task {
        case .command(_, let command): asked.append([Int32(command)])
        case .commands(_, let commands, _): asked.append(commands)
        default: break
        }
      }
    }
    start()
    #expect(segment.take(Answers(bytes: [1, 2], ends: [], undone: 1, shard: 1)) == [1, 2])
    #expect(segment.hasMore)
    start()
    #expect(segment.take(Answers(bytes: [3], ends: [], shard: 1)) == [3])
    #expect(!segment.hasMore)
    #expect(asked == [[0, 1, 2], [2]])
  }

  @Test func `answers of one source pass as they are`() {
    var segment = Segment(shards: 2, isRESP3: false)
    segment.answer { $0.ok() }
    #expect(segment.isDone && segment.own.bytes == Array("+OK\r\n".utf8))
    segment = Segment(shards: 2, isRESP3: false)
    segment.add(0, to: 1)
    segment.add(9, to: 1)
    #expect(!segment.isDone)
    #expect(segment.take(Answers(bytes: [1, 2], ends: [], shard: 1)) == [1, 2])
  }
}
