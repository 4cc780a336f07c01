import Foundation
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// A blocking socket without any of the code under test. Its calls block their thread, so they run in a `TestThread`.
final class RawSocket: @unchecked Sendable {
  let descriptor: Int32
  /// The port of a socket that listens.
  private(set) var port: UInt16 = 0

  private static let stream = Int32(SOCK_STREAM.rawValue)

  private init(taking descriptor: Int32) { self.descriptor = descriptor }

  /// Connects to a server on the loopback interface. A small `buffer` makes a peer that reads slowly hold it soon.
  init(port: Int, buffer: Int32 = 0) {
    descriptor = socket(AF_INET, Self.stream, 0)
    precondition(descriptor >= 0, "no socket: error \(errno)")
    setBuffer(SO_RCVBUF, buffer)
    setBuffer(SO_SNDBUF, buffer)
    let result = Self.with(UInt16(port)) { Glibc.connect(descriptor, $0, $1) }
    precondition(result == 0, "no connection: error \(errno)")
  }

  init(path: String, buffer: Int32 = 0) {
    descriptor = socket(AF_UNIX, Self.stream, 0)
    setBuffer(SO_SNDBUF, buffer)
    let result = Self.with(path) { Glibc.connect(descriptor, $0, $1) }
    precondition(result == 0, "no connection: error \(errno)")
  }

  /// A socket that listens on the loopback interface and accepts nobody by itself.
  init(backlog: Int32) {
    descriptor = socket(AF_INET, Self.stream, 0)
    var result = Self.with(0) { bind(descriptor, $0, $1) }
    precondition(result == 0 && listen(descriptor, backlog) == 0, "no socket that listens: error \(errno)")
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { Glibc.close(descriptor) }

  private static func with(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  private static func with(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  private func setBuffer(_ name: Int32, _ size: Int32) {
    if size == 0 { return }
    var size = size
    setsockopt(descriptor, SOL_SOCKET, name, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  func accept() -> RawSocket { RawSocket(taking: Glibc.accept(descriptor, nil, nil)) }

  /// Sends all bytes, and blocks until the system has taken them. Returns how many it took before an error.
  @discardableResult func send(_ bytes: [UInt8], flags: Int32 = 0) -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL) | flags)
      }
      if count <= 0 { break }
      sent += count
    }
    return sent
  }
  @discardableResult func send(_ text: String) -> Int { send(Array(text.utf8)) }

  /// Sends as much as the system takes without blocking.
  func sendWhatFits(_ bytes: [UInt8]) -> Int { send(bytes, flags: Int32(MSG_DONTWAIT)) }

  /// Receives up to so many bytes, and blocks until it has them, the peer has ended, or there is an error.
  func receive(_ most: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count < most {
      let count = recv(descriptor, &room, min(room.count, most - bytes.count), 0)
      if count <= 0 {
        isAtEnd = count == 0
        error = count < 0 ? errno : 0
        break
      }
      bytes += room[..<count]
    }
    return bytes
  }
  /// How the last `receive` that came to an end did so.
  private(set) var isAtEnd = false
  private(set) var error: Int32 = 0

  func receiveAll() -> [UInt8] { receive(.max) }
  func text(_ count: Int) -> String { String(decoding: receive(count), as: UTF8.self) }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }
  /// Closes the sending and the receiving side, for whoever must see an end although somebody keeps the object.
  func endAll() { shutdown(descriptor, Int32(SHUT_RDWR)) }
  /// The next close is an abort.
  func abortsWhenClosed() {
    var value = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
  }
}

/// Runs blocking calls on a thread of their own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await TestThread { body() }.value
}

/// The number of descriptors that the process has open.
func openDescriptors() -> Int {
  ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0)
}

extension RawSocket {
  /// A socket that is not connected yet.
  static func unconnected() -> RawSocket { RawSocket(taking: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) }

  func connect(to port: Int) {
    let result = Self.with(UInt16(port)) { Glibc.connect(descriptor, $0, $1) }
    precondition(result == 0, "no connection: error \(errno)")
  }

  /// Binds a Unix-domain socket and closes it, which leaves its file behind.
  static func leaveStaleFile(_ path: String) {
    let socket = RawSocket(taking: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    let result = with(path) { bind(socket.descriptor, $0, $1) }
    precondition(result == 0, "no socket file: error \(errno)")
  }
}
