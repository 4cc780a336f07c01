import Foundation

/// An error number of the system.
struct SystemError: Error, CustomStringConvertible {
  let code: Int32
  /// The error that the last call left behind.
  static var last: SystemError { SystemError(code: errno) }
  var description: String { String(cString: strerror(code)) }
}

/// An open file. It is closed when the last reference to it goes.
final class File: Sendable {
  let descriptor: Int32
  /// Whether this is a regular file, of which a read returns soon. A read of anything else (pipe, terminal, device)
  /// may take for ever.
  let isRegular: Bool

  /// Opens a file for reading. It never waits, not even for the other end of a pipe.
  init(_ path: FilePath) throws(SystemError) {
    let descriptor = path.isDash ? dup(0) : open(path.cString, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw .last }
    var status = stat()
    if fstat(descriptor, &status) != 0 {
      let error = SystemError.last
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    isRegular = status.st_mode & S_IFMT == S_IFREG
  }

  deinit { close(descriptor) }

  func read(into memory: UnsafeMutableRawPointer, atMost count: Int) throws(SystemError) -> Int {
    while true {
      let bytes = Foundation.read(descriptor, memory, count)
      if bytes >= 0 { return bytes }
      if errno != EINTR { throw .last }
    }
  }
}
