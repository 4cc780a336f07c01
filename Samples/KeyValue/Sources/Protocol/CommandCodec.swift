import TroupeNet

/// Takes commands out of the bytes that a client sends, all that are complete at once, and sends answers, which have
/// been encoded by then.
///
/// A command is an array of strings, `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`, or a line of words as a person types it,
/// `GET k\r\n`. The codec keeps how far it has got with a command that is not complete, so that a long command which
/// comes in many pieces is looked at once.
struct CommandCodec: Codec {
  /// What a client may send at most.
  struct Limits: Sendable {
    /// The number of arguments of a command.
    var arguments = 1 << 20
    /// The length of an argument in bytes.
    var argument = 512 << 20
    /// The length of a whole command in bytes.
    var command = 1 << 30
    /// The length of a line in bytes: of a length, or of a command that is typed.
    var line = 64 << 10
    /// From so many commands or bytes on, a batch is handed over although further commands are there. A batch is in
    /// memory until it is answered, so this bounds the memory of a client as well. (Long answers are not made all at
    /// once: `Work.answerLimit`.)
    var batchCommands = 64
    var batchBytes = 64 << 10
  }

  let limits: Limits
  private var words: [Int32] = []
  /// How many bytes of the input belong to what has been understood so far.
  private var position = 0
  /// How many arguments of the command in hand are still to come, and where its words begin; nil between commands.
  private var missing: Int?
  private var command = 0
  /// Where in the input the command in hand begins.
  private var start = 0
  /// The length of the argument in hand, once its line has come.
  private var length: Int?
  private var commands = 0
  /// The number of words of the last batch.
  private var usualWords = 8
  /// Whether the client has sent what is no command, so that nothing after it can be understood.
  private var isBroken = false

  init(limits: Limits = Limits()) { self.limits = limits }

  /// Takes what is complete. Bytes that follow no protocol are the end of a batch: the client is to be told, after the
  /// answers to the commands before them, which an error thrown here would prevent.
  mutating func decode(_ input: inout InputBuffer) -> Batch? {
    if isBroken {
      input.skip(input.count)
      return nil
    }
    let failure = input.withUnsafeBytes { bytes in understand(bytes) }
    isBroken = failure != nil
    if commands > 0 || isBroken { return takeBatch(&input, failure) }
    if missing == nil {
      // Empty lines and empty commands have no answer, and are not to be kept.
      input.skip(position)
      position = 0
    }
    return nil
  }

  func encode(_ answers: consuming [UInt8], into output: inout OutputBuffer) { output.append(contentsOf: answers) }

  /// Goes on to the end of the input or of the batch. Returns what is wrong with the bytes after the last complete
  /// command.
  private mutating func understand(_ bytes: Bytes) -> ProtocolError? {
    do throws(ProtocolError) {
      while commands == 0 || commands < limits.batchCommands && (missing != nil || position < limits.batchBytes) {
        if missing == nil {
          guard try begin(bytes) else { break }
        }
        guard try arguments(bytes) else { break }
      }
      return nil
    } catch {
      return error
    }
  }

  /// Reads the first line of a command. Returns false if it is not complete.
  private mutating func begin(_ bytes: Bytes) throws(ProtocolError) -> Bool {
    guard position < bytes.count else { return false }
    start = position
    command = words.count
    // A client mostly sends as much as it did before.
    if words.isEmpty { words.reserveCapacity(usualWords) }
    if bytes[position] != UInt8(ascii: "*") { return try inline(bytes) }
    guard let count = try number(bytes, .invalidMultibulkLength) else { return false }
    if count > limits.arguments { throw .invalidMultibulkLength }
    // An empty command is none, and has no answer.
    if count <= 0 { return true }
    words.append(0)
    words.append(Int32(count))
    missing = count
    return true
  }

  /// Reads the arguments of the command in hand. Returns false if they are not complete.
  private mutating func arguments(_ bytes: Bytes) throws(ProtocolError) -> Bool {
    while let left = missing {
      if left == 0 {
        end(bytes)
        break
      }
      if length == nil {
        guard position < bytes.count else { return false }
        guard bytes[position] == UInt8(ascii: "$") else { throw .expectedDollar(bytes[position]) }
        guard let count = try number(bytes, .invalidBulkLength) else { return false }
        if count < 0 || count > limits.argument { throw .invalidBulkLength }
        if position + count - start > limits.command { throw .commandTooLong }
        length = count
      }
      guard let count = length, bytes.count - position >= count + 2 else { return false }
      words.append(Int32(position))
      words.append(Int32(count))
      position += count + 2
      length = nil
      missing = left - 1
    }
    return true
  }

  private mutating func end(_ bytes: Bytes) {
    let name = Bytes(rebasing: bytes[Int(words[command + 2])...].prefix(Int(words[command + 3])))
    words[command] = Int32(CommandTable.shared.index(of: name))
    missing = nil
    commands += 1
  }

  /// Reads a line of words that are separated by spaces.
  private mutating func inline(_ bytes: Bytes) throws(ProtocolError) -> Bool {
    let rest = bytes[position...]
    guard let feed = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      if rest.count > limits.line { throw .lineTooLong }
      return false
    }
    if feed - position > limits.line { throw .lineTooLong }
    let mark = words.count
    words.append(0)
    words.append(0)
    do throws(ProtocolError) {
      try InlineWords.read(bytes, position..<feed) { start, count in
        words.append(Int32(start))
        words.append(Int32(count))
        words[mark + 1] += 1
      }
    } catch {
      words.removeLast(words.count - mark)
      throw error
    }
    position = feed + 1
    if words[mark + 1] == 0 {
      words.removeLast(2)
    } else {
      end(bytes)
    }
    return true
  }

  /// Reads a number after a letter, up to the end of the line. Returns nil if the line is not complete.
  private mutating func number(_ bytes: Bytes, _ failure: ProtocolError) throws(ProtocolError) -> Int? {
    var index = position + 1
    var value = 0
    let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    let first = index
    while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
      // A length has at most ten digits, so this cannot overflow.
      if index - first >= 10 { throw failure }
      value = value * 10 + Int(digit)
      index += 1
    }
    guard index < bytes.count else { return nil }
    guard index > first, bytes[index] == UInt8(ascii: "\r") else { throw failure }
    guard index + 1 < bytes.count else { return nil }
    guard bytes[index + 1] == UInt8(ascii: "\n") else { throw failure }
    position = index + 2
    return isNegative ? -value : value
  }

  /// Takes the complete commands. What has been understood of the next one stays, and moves to the front.
  private mutating func takeBatch(_ input: inout InputBuffer, _ failure: ProtocolError?) -> Batch {
    let isInside = missing != nil
    let taken = isInside ? start : position
    let begun = isInside ? Array(words[command...]) : []
    if isInside { words.removeLast(words.count - command) }
    usualWords = min(words.count, 1024)
    let batch = Batch(bytes: input.takeBytes(taken), words: words, failure: failure)
    words = begun
    // The first two words are the command and the number of its arguments; the others come in pairs.
    for index in stride(from: 2, to: words.count, by: 2) { words[index] -= Int32(taken) }
    position -= taken
    start = 0
    command = 0
    commands = 0
    return batch
  }
}
