import Foundation
import Synchronization
import Testing
import Troupe
import TroupeHTTP
import TroupeNet

/// A client that speaks raw bytes. Its calls block, so it is used on a thread of its own: see `onThread`.
///
/// Sendable because a test uses it on one thread after the other.
final class RawClient: @unchecked Sendable {
  private let socket: Int32
  private var unread: [UInt8] = []

  struct Failure: Error, CustomStringConvertible { let description: String }

  init(port: Int) throws {
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafeBytes(of: &address) { bytes in
      connect(socket, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard result == 0 else { throw Failure(description: "connect: \(errno)") }
    // A test that waits for what never comes fails, and does not hang.
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw Failure(description: "send: \(errno)") }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends as much as the system takes at once, and returns how many bytes these are.
  func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes {
      max(0, Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
    }
  }

  func endOutput() { shutdown(socket, Int32(SHUT_WR)) }

  /// Reads more. Returns false at the end.
  private func fill() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    var count = 0
    // A process that was stopped and continued is interrupted.
    repeat { count = recv(socket, &buffer, buffer.count, 0) } while count < 0 && errno == EINTR
    if count < 0 { throw Failure(description: "recv: \(errno), after \(String(decoding: unread, as: UTF8.self))") }
    unread += buffer[0..<count]
    return count > 0
  }

  /// The bytes of this number.
  func read(_ count: Int) throws -> [UInt8] {
    while unread.count < count {
      guard try fill() else {
        throw Failure(description: "the end, after \(String(decoding: unread, as: UTF8.self))")
      }
    }
    defer { unread.removeFirst(count) }
    return Array(unread[0..<count])
  }

  /// The text up to and with this end.
  func read(to end: String) throws -> String {
    let end = Array(end.utf8)
    var from = 0
    while true {
      while from + end.count <= unread.count {
        if unread[from..<(from + end.count)].elementsEqual(end) {
          return String(decoding: try read(from + end.count), as: UTF8.self)
        }
        from += 1
      }
      guard try fill() else {
        throw Failure(description: "the end, after \(String(decoding: unread, as: UTF8.self))")
      }
    }
  }

  /// Everything up to the end of the connection.
  func readAll() throws -> String { String(decoding: try readToEnd(), as: UTF8.self) }

  /// The same as bytes.
  func readToEnd() throws -> [UInt8] {
    while try fill() {}
    defer { unread = [] }
    return unread
  }

  struct Answer {
    var status: Int
    var fields: [String: String]
    var body: String
  }

  /// One answer, whose body has a length, has chunks, or is not there.
  func answer(isHead: Bool = false) throws -> Answer {
    let lines = try read(to: "\r\n\r\n").split(separator: "\r\n")
    var answer = Answer(status: Int(lines[0].split(separator: " ")[1]) ?? 0, fields: [:], body: "")
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      answer.fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    if isHead || answer.status < 200 { return answer }
    if let length = answer.fields["content-length"].flatMap({ Int($0) }) {
      answer.body = String(decoding: try read(length), as: UTF8.self)
    } else if answer.fields["transfer-encoding"] == "chunked" {
      while let size = Int(try read(to: "\r\n").dropLast(1), radix: 16) {
        answer.body += String(decoding: try read(size), as: UTF8.self)
        _ = try read(2)
        if size == 0 { break }
      }
    }
    return answer
  }

  /// Sends a request and reads its answer.
  func ask(_ method: String, _ path: String, _ fields: String = "", _ body: String = "") throws -> Answer {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    try send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n\(length)\(fields)\r\n\(body)")
    return try answer(isHead: method == "HEAD")
  }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}

/// Runs a program, and returns what it printed; nil if it is not installed.
func output(of program: String, _ arguments: [String]) async throws -> (text: String, code: Int32)? {
  let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  guard let path = paths.map({ "\($0)/\(program)" }).first(where: FileManager.default.isExecutableFile) else {
    return nil
  }
  return try await onThread {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }
}

/// What a server logs.
final class Log: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

/// A server on a free port, for the time of a test.
func withServer(
  options: HTTPOptions = HTTPOptions(), log: Log? = nil,
  _ routes: (inout Routes) -> Void, _ body: (Server, ActorSystem) async throws -> Void
) async throws {
  var systemOptions = ActorSystem.Options()
  systemOptions.log = { log?.add($0) }
  let system = ActorSystem("http", options: systemOptions)
  let server = try system.serveHTTP(on: .loopback(0), options: options, routes)
  do {
    try await body(server, system)
  } catch {
    await system.shutdown()
    throw error
  }
  await system.shutdown()
}

/// What tasks wait at until a test opens it.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}
