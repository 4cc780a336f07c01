import Foundation
import Troupe

/// Finds the files. It walks on only when a reader asks for one more, so nothing piles up however many files there
/// are. It holds one open folder for each level.
struct Walker: Behavior, ~Copyable {
  enum Message {
    /// A reader has nothing to do.
    case next(Address<Reader.Message>)
  }

  private var named: ArraySlice<FilePath>
  private var folders: [Folder] = []
  private let tally: Tally
  private let interruption: Interruption

  init(_ paths: [FilePath], _ tally: Tally, _ interruption: Interruption) {
    named = paths[...]
    self.tally = tally
    self.interruption = interruption
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .next(let reader):
      if let path = nextFile() { reader.send(.read(path)) } else { reader.send(.finish) }
    }
  }

  private mutating func nextFile() -> FilePath? {
    while !interruption.isRaised {
      do {
        if let folder = folders.last {
          switch try folder.next() {
          case .file(let path): return path
          case .folder(let path): try folders.append(Folder(path))
          case .other: continue
          case nil: folders.removeLast()
          }
        } else if let path = named.popFirst() {
          // A path that was named is read whatever it is: a link, a pipe, a terminal.
          guard Folder.isFolder(path) else { return path }
          try folders.append(Folder(path))
        } else {
          return nil
        }
      } catch {
        tally.complain(about: error.path, error.reason)
      }
    }
    return nil
  }
}

/// An open folder. It is closed when the last reference to it goes.
final class Folder {
  enum Entry {
    case file(FilePath)
    case folder(FilePath)
    /// A symbolic link, which could lead round in a circle or to what is counted anyway; or a pipe, a socket or a
    /// device.
    case other
  }

  struct Failure: Error {
    let path: FilePath
    let reason: SystemError
  }

  private let path: FilePath
  #if canImport(Darwin)
    private let stream: UnsafeMutablePointer<DIR>
  #else
    private let stream: OpaquePointer
  #endif

  init(_ path: FilePath) throws(Failure) {
    guard let stream = opendir(path.cString) else { throw Failure(path: path, reason: .last) }
    self.path = path
    self.stream = stream
  }

  deinit { closedir(stream) }

  /// Whether the path leads to a folder, if need be through links.
  static func isFolder(_ path: FilePath) -> Bool {
    var status = stat()
    return !path.isDash && stat(path.cString, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The next entry, in the order of the file system; nil at the end.
  func next() throws(Failure) -> Entry? {
    errno = 0
    guard let entry = readdir(stream) else {
      if errno == 0 { return nil }
      throw Failure(path: path, reason: .last)
    }
    return withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { name in
        if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return .other }
        let path = path.appending(name)
        // Not every file system tells the type together with the name.
        switch entry.pointee.d_type == DT_UNKNOWN ? Self.type(of: path) : entry.pointee.d_type {
        case UInt8(DT_REG): return .file(path)
        case UInt8(DT_DIR): return .folder(path)
        default: return .other
        }
      }
    }
  }

  private static func type(of path: FilePath) -> UInt8 {
    var status = stat()
    guard lstat(path.cString, &status) == 0 else { return UInt8(DT_UNKNOWN) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return UInt8(DT_REG)
    case S_IFDIR: return UInt8(DT_DIR)
    default: return UInt8(DT_UNKNOWN)
    }
  }
}
