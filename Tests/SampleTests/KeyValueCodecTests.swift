import Testing
import TroupeNet

@testable import KeyValue

@Suite struct KeyValueCodecTests {
  /// The commands that a codec finds, each as its arguments, and what is wrong after them.
  private struct Found: Equatable {
    var commands: [[String]] = []
    var failure: ProtocolError?

    mutating func add(_ batch: Batch) {
      var command = Batch.first
      while !batch.isEnd(command) {
        commands.append(
          batch.withArguments(of: command) { arguments in
            (0..<arguments.count).map { String(decoding: arguments[$0], as: UTF8.self) }
          })
        command = batch.next(after: command)
      }
      failure = failure ?? batch.failure
    }
  }

  private func commands(
    in text: String, limits: CommandCodec.Limits = CommandCodec.Limits()
  ) -> (found: Found, batches: Int, left: Int) {
    var codec = CommandCodec(limits: limits)
    var input = InputBuffer(Array(text.utf8))
    var (found, batches) = (Found(), 0)
    while let batch = codec.decode(&input) {
      found.add(batch)
      batches += 1
    }
    return (found, batches, input.count)
  }

  /// Gives the codec the text in two pieces. A buffer takes bytes only when it is made, so the second one begins with
  /// what the codec has left of the first.
  private func commands(in text: String, splitAt index: Int) -> Found {
    let bytes = Array(text.utf8)
    var codec = CommandCodec()
    var found = Found()
    var first = InputBuffer(bytes[..<index])
    while let batch = codec.decode(&first) { found.add(batch) }
    var second = InputBuffer(first.takeBytes(first.count) + bytes[index...])
    while let batch = codec.decode(&second) { found.add(batch) }
    return found
  }

  private static let dialogue =
    "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*0\r\nping\r\n*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$0\r\n\r\n"
    + "set \"a b\" 'c d'\n\r\n*1\r\n$4\r\nPING\r\n"
  private static let expected = [["GET", "k"], ["ping"], ["SET", "a\r\nb", ""], ["set", "a b", "c d"], ["PING"]]

  @Test func `commands that come together are one batch`() {
    let (found, batches, left) = commands(in: Self.dialogue)
    #expect(found == Found(commands: Self.expected))
    #expect(batches == 1 && left == 0)
  }

  @Test(arguments: 0...Self.dialogue.utf8.count)
  func `a split at any byte gives the same commands`(index: Int) {
    #expect(commands(in: Self.dialogue, splitAt: index) == Found(commands: Self.expected))
  }

  @Test func `a batch ends at its limit, and the next one goes on`() {
    var limits = CommandCodec.Limits()
    limits.batchCommands = 2
    let byCount = commands(in: Self.dialogue, limits: limits)
    #expect(byCount.found.commands == Self.expected && byCount.batches == 3)
    limits = CommandCodec.Limits()
    limits.batchBytes = 1
    let bySize = commands(in: Self.dialogue, limits: limits)
    #expect(bySize.found.commands == Self.expected && bySize.batches == 5)
  }

  @Test(arguments: [
    ("*1000000000\r\n", ProtocolError.invalidMultibulkLength),
    ("*99999999999999999999\r\n", .invalidMultibulkLength),
    ("*x\r\n", .invalidMultibulkLength),
    ("*\r\n", .invalidMultibulkLength),
    ("*1\rx", .invalidMultibulkLength),
    ("*1\r\n$1000000000\r\n", .invalidBulkLength),
    ("*1\r\n$-1\r\n", .invalidBulkLength),
    ("*1\r\n$99999999999999999999\r\n", .invalidBulkLength),
    ("*1\r\n:1\r\n", .expectedDollar(UInt8(ascii: ":"))),
    ("set \"a\n", .unbalancedQuotes),
    ("set 'a'b\n", .unbalancedQuotes),
    (String(repeating: "a", count: 70_000), .lineTooLong),
  ])
  func `what is no command ends the batch, after the commands before it`(text: String, error: ProtocolError) {
    let (found, batches, left) = commands(in: "PING\r\n" + text + "PING\r\n")
    #expect(found == Found(commands: [["PING"]], failure: error))
    #expect(batches == 1)
    #expect(left == 0, "what comes after it is thrown away")
  }

  @Test func `empty lines and empty commands are not kept`() {
    let empty = String(repeating: "\r\n*0\r\n\n", count: 20_000)
    let alone = commands(in: empty)
    #expect(alone.found == Found() && alone.left == 0)
    #expect(commands(in: empty + "PING\r\n").found == Found(commands: [["PING"]]))
  }

  @Test func `a great number of arguments that do not come costs nothing`() {
    let (found, batches, left) = commands(in: "*1000000\r\n$1\r\na\r\n")
    #expect(found == Found() && batches == 0 && left == 17)
  }

  @Test func `a command is not longer than its limit`() {
    var limits = CommandCodec.Limits()
    limits.command = 100
    let text = "*3\r\n" + String(repeating: "$50\r\n" + String(repeating: "x", count: 50) + "\r\n", count: 3)
    #expect(commands(in: text, limits: limits).found.failure == .commandTooLong)
  }

  @Test func `names of commands are found in any case`() {
    func name(_ text: String) -> String {
      let index = Array(text.utf8).withUnsafeBytes { CommandTable.shared.index(of: $0) }
      return CommandTable.shared.commands[index].name
    }
    for command in CommandTable.shared.commands.dropFirst() {
      #expect(name(command.name) == command.name)
      #expect(name(command.name.uppercased()) == command.name)
    }
    #expect(name("") == "" && name("nonsense") == "" && name("averyveryverylongname") == "")
  }

  @Test(arguments: [
    (0, ":0\r\n"), (1, ":1\r\n"), (-1, ":-1\r\n"), (10, ":10\r\n"), (Int.max, ":9223372036854775807\r\n"),
    (Int.min, ":-9223372036854775808\r\n"),
  ])
  func `integers are encoded`(value: Int, text: String) {
    var answer = Answer(isRESP3: false)
    answer.integer(value)
    #expect(String(decoding: answer.bytes, as: UTF8.self) == text)
  }

  @Test(arguments: [
    ("0", 0), ("-1", -1), ("9223372036854775807", Int.max), ("-9223372036854775808", .min), ("12", 12),
    ("9223372036854775808", nil), ("-9223372036854775809", nil), ("", nil), ("-", nil), ("+1", nil), ("01", nil),
    ("-0", nil), (" 1", nil), ("1 ", nil), ("1x", nil),
  ])
  func `integers are read`(text: String, value: Int?) {
    #expect(Array(text.utf8).withUnsafeBytes { Number.integer($0) } == value)
  }
}
