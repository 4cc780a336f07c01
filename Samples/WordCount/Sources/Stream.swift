import Foundation
import Troupe

/// Reads a pipe, a terminal or a device on a thread of its own: such a read may wait for ever, and a worker that
/// waits runs no actors. The chunks come through a bounded channel, which blocks the thread at one end and suspends
/// the reader at the other.
func streamChunks(
  of file: File, _ path: FilePath, _ tally: Tally, _ interruption: Interruption
) -> Receiver<Chunk> {
  let channel = Channel.bounded(1, of: Chunk.self)
  // The channel closes when the closure is gone, which is when the thread has run it.
  Thread.detachNewThread { [sender = channel.sender] in
    do {
      var builder = ChunkBuilder()
      while interruption.waitUntilReadable(file) {
        let bytes = try builder.fill(from: file)
        tally.add(bytes: bytes)
        if bytes == 0 { break }
        if builder.isFull, let chunk = builder.takeChunk() { try sender.send(chunk).get() }
      }
      if !interruption.isRaised { builder.endWord() }
      if let chunk = builder.takeChunk() { try sender.send(chunk).get() }
    } catch let error as SystemError {
      tally.complain(about: path, error)
    } catch {
      // The reader is gone, and nobody wants the rest.
    }
  }
  return channel.receiver
}
