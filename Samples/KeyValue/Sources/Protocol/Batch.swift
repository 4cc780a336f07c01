/// Commands that a client has sent one after the other, as they came from the network: one array of bytes, and one
/// array of numbers that says where in it the arguments are.
///
/// A batch is what travels from the connection to the shards. Two arrays are all that it allocates, however
/// many commands and arguments it holds, and the shards share them.
struct Batch: Sendable {
  let bytes: [UInt8]
  /// For each command: its place in the table of commands (0 if there is no such command), the number of its
  /// arguments, and for each argument where it begins and how long it is. The name of the command is the first
  /// argument.
  let words: [Int32]
  /// What is wrong with the bytes that came after these commands, if anything is.
  let failure: ProtocolError?

  /// Where the words of the first command begin.
  static var first: Int { 0 }

  /// Where the words of the command after this one begin.
  func next(after command: Int) -> Int { command + 2 + 2 * Int(words[command + 1]) }

  /// Whether there is a command at this place, or this is the end.
  func isEnd(_ command: Int) -> Bool { command == words.count }

  /// Calls `body` with the arguments of one command. They are valid only during the call.
  func withArguments<Result>(of command: Int, _ body: (Arguments) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      words.withUnsafeBufferPointer { words in
        body(Arguments(bytes: bytes, words: words, command: command))
      }
    }
  }
}

/// A view of some bytes that somebody else owns.
typealias Bytes = UnsafeRawBufferPointer

/// The arguments of one command, the name of the command included. Valid as long as its batch is being looked at.
struct Arguments {
  fileprivate let bytes: UnsafeRawBufferPointer
  fileprivate let words: UnsafeBufferPointer<Int32>
  fileprivate let command: Int

  /// The place of the command in the table of commands.
  var commandIndex: Int { Int(words[command]) }

  /// The number of arguments, the name of the command included.
  var count: Int { Int(words[command + 1]) }

  /// An argument. An index that is not below `count` stops the program.
  subscript(index: Int) -> Bytes {
    precondition(index >= 0 && index < count, "a command has looked for an argument that it has not got")
    let start = Int(words[command + 2 + 2 * index])
    return Bytes(rebasing: bytes[start..<start + Int(words[command + 3 + 2 * index])])
  }
}
