import Troupe

/// Reads files, one after the other, and passes their text on in chunks.
///
/// It asks the walker for each file. Its `deliver` waits while a splitter's mailbox is full, so the disk is read no
/// faster than the words are counted.
struct Reader: AsyncBehavior, ~Copyable {
  enum Message {
    case read(FilePath)
    /// There is nothing more to read.
    case finish
  }

  private let walker: Address<Walker.Message>
  private let splitters: [Address<Splitter.Message>]
  private let tally: Tally
  private let interruption: Interruption
  private var turn: Int
  private var builder = ChunkBuilder()

  /// - Parameter number: The number of this reader. Readers begin with different splitters.
  init(
    number: Int, _ walker: Address<Walker.Message>, _ splitters: [Address<Splitter.Message>], _ tally: Tally,
    _ interruption: Interruption
  ) {
    self.walker = walker
    self.splitters = splitters
    self.tally = tally
    self.interruption = interruption
    turn = number
  }

  mutating func started(in context: Context<Message>) { walker.send(.next(context.address)) }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) async throws {
    switch message {
    case .read(let path):
      try await read(path)
      walker.send(.next(context.address))
    case .finish:
      if let chunk = builder.takeChunk() { try await pass(chunk) }
      for splitter in splitters { try await splitter.deliver(.finish).get() }
    }
  }

  private mutating func read(_ path: FilePath) async throws {
    do {
      let file = try File(path)
      tally.addFile()
      if file.isRegular {
        try await read(file)
      } else {
        var chunks = streamChunks(of: file, path, tally, interruption)
        while let chunk = await chunks.receive() { try await pass(chunk) }
      }
    } catch let error as SystemError {
      tally.complain(about: path, error)
    }
    // An interrupted read may leave half a word behind, which is not counted.
    if !interruption.isRaised { try await endWord() }
  }

  /// Reads a regular file, which blocks this worker for as long as the disk takes. That is all right because it ends,
  /// and because the other workers go on meanwhile. `streamChunks` is for reads that may never end.
  private mutating func read(_ file: File) async throws {
    while !interruption.isRaised {
      let bytes = try builder.fill(from: file)
      if bytes == 0 { return }
      tally.add(bytes: bytes)
      try await passIfFull()
    }
  }

  private mutating func endWord() async throws {
    builder.endWord()
    try await passIfFull()
  }

  private mutating func passIfFull() async throws {
    if builder.isFull, let chunk = builder.takeChunk() { try await pass(chunk) }
  }

  private mutating func pass(_ chunk: consuming Chunk) async throws {
    turn += 1
    // This fails only if the splitter has ended, which it does not before its readers do.
    try await splitters[turn % splitters.count].deliver(.text(chunk)).get()
  }
}
