import Foundation
import Testing

/// What cannot be read, what never ends, and what is no command line.
@Suite(.timeLimit(.minutes(2)))
struct WordCountFailureTests {
  private let folder = TemporaryFolder()
  private func path(_ name: String) -> String { folder.url.appending(path: name).path }

  @Test func `a missing file is named, and the others are counted`() async throws {
    try folder.write(Data("one two".utf8), to: "a")
    try folder.write(Data("two three".utf8), to: "b")
    let result = try await Program.run("WordCount", ["--all", path("a"), path("missing"), path("b")])
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("WordCount: cannot read \(path("missing")): No such file or directory\n"))
    #expect(result.output == "      1 one\n      1 three\n      2 two\n")
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/mem"), "needs a file that cannot be read"))
  func `a read that fails is an error, not an end`() async throws {
    try folder.write(Data("word".utf8), to: "a")
    // Can be opened, also by root, and not be read.
    let result = try await Program.run("WordCount", ["--all", "/proc/self/mem", path("a")])
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("WordCount: cannot read /proc/self/mem: Input/output error\n"))
    #expect(result.output == "      1 word\n")
  }

  @Test(.disabled(if: geteuid() == 0, "root may read everything"))
  func `a file and a folder without permission are named`() async throws {
    try folder.write(Data("secret".utf8), to: "file")
    try FileManager.default.createDirectory(atPath: path("closed"), withIntermediateDirectories: true)
    for name in ["file", "closed"] { chmod(path(name), 0) }
    defer { chmod(path("closed"), 0o700) }
    let result = try await Program.run("WordCount", [folder.path])
    #expect(result.exitCode == 1)
    for name in ["file", "closed"] { #expect(result.errors.contains("cannot read \(path(name)): Permission denied\n")) }
  }

  @Test func `links in a folder are not followed, so a loop of them ends`() async throws {
    try folder.write(Data("once".utf8), to: "file")
    let files = FileManager.default
    try files.createSymbolicLink(atPath: path("up"), withDestinationPath: ".")
    try files.createSymbolicLink(atPath: path("again"), withDestinationPath: "file")
    try files.createSymbolicLink(atPath: path("loop"), withDestinationPath: "loop")
    let result = try await Program.run("WordCount", ["--all", folder.path])
    #expect(result.exitCode == 0)
    #expect(result.output == "      1 once\n")
    // What is named is followed.
    let named = try await Program.run("WordCount", ["--all", path("again"), path("loop")])
    #expect(named.exitCode == 1)
    #expect(named.output == "      1 once\n")
    #expect(named.errors.contains("cannot read \(path("loop")): Too many levels of symbolic links\n"))
  }

  @Test(arguments: [[], ["--top"], ["--top", "many", "."], ["--top=-1", "."], ["--unknown", "."]])
  func `a wrong command line is refused`(arguments: [String]) async throws {
    let result = try await Program.run("WordCount", arguments)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("WordCount: "))
    #expect(result.errors.contains("usage: WordCount"))
  }

  @Test func `help is no error`() async throws {
    let result = try await Program.run("WordCount", ["--help"])
    #expect(result.exitCode == 0)
    #expect(result.output.contains("usage: WordCount"))
  }

  @Test func `an interrupted run ends with what was counted so far`() async throws {
    let pipe = try namedPipe()
    defer { close(pipe) }
    let program = try Program("WordCount", [path("pipe")])
    // When this is done the program has read all but what fits into the pipe, and waits for more: the pipe stays open.
    #expect(await write(Data(repeatElement("word ", count: 200_000).joined().utf8), to: pipe))
    program.interrupt()
    let result = try await program.result()
    #expect(result.exitCode == 130)
    #expect(result.output.contains("interrupted"))
    #expect(result.errors.isEmpty)
    let words = try #require(result.output.firstMatch(of: #/(\d+) words, 1 distinct/#).flatMap { Int($0.1) })
    // A pipe of Linux has 64 KiB.
    #expect((180_000...200_000).contains(words))
  }

  @Test func `a pipe is read to its end`() async throws {
    let pipe = try namedPipe()
    let program = try Program("WordCount", ["--all", path("pipe")])
    #expect(await write(Data(repeatElement("over and over ", count: 50_000).joined().utf8), to: pipe))
    close(pipe)
    let result = try await program.result()
    #expect(result.exitCode == 0)
    #expect(result.output == "  50000 and\n 100000 over\n")
  }

  /// Makes a pipe, and opens both its ends: that does not wait for the program.
  private func namedPipe() throws -> Int32 {
    try #require(mkfifo(path("pipe"), 0o600) == 0)
    // Not for the program, for which it would never end.
    return open(path("pipe"), O_RDWR | O_NONBLOCK | O_CLOEXEC)
  }

  /// Writes while somebody reads, on a thread of its own: it blocks. False: nobody read any more.
  private func write(_ data: Data, to pipe: Int32) async -> Bool {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var rest = data[...]
        while !rest.isEmpty {
          var descriptor = pollfd(fd: pipe, events: Int16(POLLOUT), revents: 0)
          guard poll(&descriptor, 1, 60_000) == 1 else { break }
          let count = rest.withUnsafeBytes { Foundation.write(pipe, $0.baseAddress!, $0.count) }
          if count > 0 { rest = rest.dropFirst(count) }
        }
        continuation.resume(returning: rest.isEmpty)
      }
    }
  }
}
