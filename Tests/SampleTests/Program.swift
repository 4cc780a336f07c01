import Foundation

/// A program of this package, run in a process of its own.
///
/// Not with Foundation's `Process`, of which each leaks, so that the leak sanitizer would complain.
final class Program: Sendable {
  struct Result: Sendable {
    let exitCode: Int32
    let output: String
    let errors: String
  }

  struct StartError: Error {
    let path: String
    let reason: String
  }

  private let process: pid_t
  private let folder = TemporaryFolder()
  /// Its status, as `waitpid` tells it.
  private let end: AsyncStream<Int32>

  /// Starts a program that was built beside these tests, or one of the system.
  init(_ name: String, _ arguments: [String], input: Data = Data()) throws {
    let path = name.hasPrefix("/") ? name : Self.path(name)
    // Files, and not pipes: they take any amount, without anyone who empties them meanwhile.
    let files = try [("input", input), ("output", Data()), ("errors", Data())].map { [folder] name, data in
      try folder.write(data, to: name).path
    }

    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, file) in files.enumerated() {
      posix_spawn_file_actions_addopen(&actions, Int32(number), file, number == 0 ? O_RDONLY : O_WRONLY, 0)
    }
    var strings = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for string in strings { free(string) } }
    var process: pid_t = 0
    let error = posix_spawn(&process, path, &actions, nil, &strings, environ)
    if error != 0 { throw StartError(path: path, reason: String(cString: strerror(error))) }
    self.process = process

    let (end, continuation) = AsyncStream.makeStream(of: Int32.self)
    self.end = end
    Thread.detachNewThread { [process] in
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0 && errno == EINTR {}
      continuation.yield(status)
      continuation.finish()
    }
  }

  #if canImport(Darwin)
    // The tests are a bundle, which another program has loaded.
    private static let buildFolder = Bundle(for: Program.self).bundleURL.deletingLastPathComponent()
  #else
    private static let buildFolder =
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  #endif

  /// The path of a program that was built beside these tests.
  static func path(_ name: String) -> String { buildFolder.appending(path: name).path }

  /// Runs a script of the folder Tests/Samples in Python, which is a client of a program.
  static func runClient(_ script: String, _ arguments: [String]) async throws -> Result {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../Samples/\(script)")
    return try await run("/usr/bin/env", ["python3", file.standardizedFileURL.path] + arguments)
  }

  /// Waits until SIGINT does not end it at once, as it does before `ActorSystem.run` has begun, nor is ignored.
  func waitUntilItCatchesInterrupt() async throws {
    while true {
      let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
      let caught = line.flatMap { UInt64($0.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) } ?? 0
      if caught >> UInt64(SIGINT - 1) & 1 == 1 { return }
      await Task.yield()
    }
  }

  func interrupt() { kill(process, SIGINT) }

  /// Waits until it has written something on standard error.
  func waitForErrors(containing text: String) async throws {
    while try !folder.read("errors").contains(text) { await Task.yield() }
  }

  /// What it has written on standard output so far.
  func output() throws -> String { try folder.read("output") }

  /// Waits until it has written something on standard output, and returns all that it has written there.
  @discardableResult func waitForOutput(containing text: String) async throws -> String {
    while true {
      let output = try output()
      if output.contains(text) { return output }
      await Task.yield()
    }
  }

  /// Waits for its end. To be asked once.
  func result() async throws -> Result {
    var status: Int32 = 0
    for await value in end { status = value }
    let signal = status & 0x7f
    return Result(
      // As a shell tells it.
      exitCode: signal == 0 ? status >> 8 & 0xff : 128 + signal,
      output: try folder.read("output"), errors: try folder.read("errors"))
  }

  static func run(_ name: String, _ arguments: [String], input: Data = Data()) async throws -> Result {
    try await Program(name, arguments, input: input).result()
  }

  /// Whether these tests, and so the programs, were built with a sanitizer, which needs memory of its own.
  static let isSanitized = ["__asan_init", "__tsan_init"].contains { (name: String) in
    dlsym(dlopen(nil, RTLD_NOW), name) != nil
  }
}

/// A folder that goes when the test is done with it.
final class TemporaryFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "troupe-samples-\(UUID().uuidString)")
  var path: String { url.path }

  init() { try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ data: some DataProtocol, to name: String) throws -> URL {
    let file = url.appending(path: name)
    try Data(data).write(to: file)
    return file
  }

  func read(_ name: String) throws -> String {
    // Not by `Data(contentsOf:)`, which leaks for an empty file.
    let file = try FileHandle(forReadingFrom: url.appending(path: name))
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
  }
}
