import Foundation
import Synchronization

/// Tells the program about Ctrl-C: by a flag for those that look now and then, and by a file descriptor for those
/// that wait.
///
/// The first Ctrl-C makes the readers stop, and what was read is still counted. A second one ends the program at
/// once.
final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)
  private let readEnd: Int32
  private let writeEnd: Int32

  init() {
    var ends: [Int32] = [0, 0]
    if pipe(&ends) != 0 { fatalError("WordCount: no pipe: \(SystemError.last)") }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  /// Listens for the signal from now on.
  func watch() -> any DispatchSourceSignal {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { [self] in
      raise()
      signal(SIGINT, SIG_DFL)
    }
    source.resume()
    return source
  }

  private func raise() {
    // The end is closed only once, because descriptors are used again. Relaxed: nothing is published with it.
    if !flag.exchange(true, ordering: .relaxed) { close(writeEnd) }
  }

  var isRaised: Bool { flag.load(ordering: .relaxed) }

  /// Blocks the thread until something can be read from the file, which may be its end. Returns false if the
  /// interruption came first.
  func waitUntilReadable(_ file: File) -> Bool {
    // A pipe whose other end is closed is readable and stays so, which wakes everybody who waits.
    var both = [
      pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&both, 2, -1) < 0 && errno == EINTR {}
    return both[1].revents == 0
  }
}
