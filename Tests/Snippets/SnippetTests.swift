import Foundation
import Testing

/// Programs that must not compile, each with the diagnostic that the compiler must give: a file in `Cases`, whose first
/// line is `// expect: <part of the diagnostic>`, or `// expect: nothing` for one that must compile. A file whose name
/// begins with `Main` is compiled as a main.swift, with statements at the top level.
@Suite(.serialized) struct SnippetTests {
  static let cases: [String] = {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (files ?? []).filter { $0.hasSuffix(".swift") }.sorted()
  }()
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Cases")

  @Test func `there are cases`() {
    #expect(Self.cases.count > 1)
    #expect(Self.cases.contains("Control.swift"))
  }

  @Test(arguments: cases)
  func `the compiler says what is expected`(file: String) async throws {
    let path = Self.folder.appendingPathComponent(file).path
    let source = try String(contentsOfFile: path, encoding: .utf8)
    let first = source.prefix { $0 != "\n" }
    let expectation = try #require(
      first.split(separator: "// expect: ").first, "\(file) does not begin with its expectation")
    let (status, output) = try await compile((file.hasPrefix("Main") ? [] : ["-parse-as-library"]) + [path])
    if expectation == "nothing" {
      #expect(status == 0, "\(output)")
    } else {
      #expect(status != 0, "it compiles")
      #expect(output.contains("error: "), "\(output)")
      #expect(output.contains(expectation), "\(output)")
    }
  }

  @Test func `the programs of README.md compile`() async throws {
    let readme = Self.folder.appendingPathComponent("../../../README.md").standardized
    let blocks = try String(contentsOf: readme, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
    let programs = blocks.map { $0.components(separatedBy: "```\n")[0] }.filter { $0.hasPrefix("import ") }
    #expect(programs.count == 2)
    for program in programs {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("readme-\(UUID().uuidString).swift")
      try program.write(to: file, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(at: file) }
      let (status, output) = try await compile(["-parse-as-library", "-module-name", "Readme", file.path])
      #expect(status == 0, "\(output)")
    }
  }

  @Test func `the patterns need nothing but the public API`() async throws {
    let sources = Self.folder.appendingPathComponent("../../../Sources/Troupe/Patterns").standardized
    let files = try FileManager.default.contentsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
    #expect(files.count > 10)
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("patterns-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: copy) }
    // As the files of another module, whose own declarations go before the imported ones of the same name.
    for file in files {
      let source = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
      try ("import Troupe\n" + source).write(
        to: copy.appendingPathComponent(file), atomically: true, encoding: .utf8)
    }
    let options = [
      "-parse-as-library", "-wmo", "-module-name", "Patterns",
      "-enable-upcoming-feature", "NonisolatedNonsendingByDefault",
    ]
    let (status, output) = try await compile(options + files.map { copy.appendingPathComponent($0).path })
    #expect(status == 0, "\(output)")
  }

  /// Up to the passes that check ownership and isolation, which a type check alone does not run.
  private func compile(_ paths: [String]) async throws -> (status: Int32, output: String) {
    // The test bundle lies in the folder where the build put the modules.
    #if canImport(Darwin)
      let products = Bundle(for: InThisBundle.self).bundleURL.deletingLastPathComponent()
    #else
      let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    #endif
    let log = FileManager.default.temporaryDirectory.appendingPathComponent("snippet-\(UUID().uuidString).log")
    #expect(FileManager.default.createFile(atPath: log.path, contents: nil))
    defer { try? FileManager.default.removeItem(at: log) }
    let handle = try FileHandle(forWritingTo: log)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [
        "swiftc", "-emit-sil", "-o", "/dev/null", "-swift-version", "6",
        "-I", products.appendingPathComponent("Modules").path,
      ] + moduleMaps(in: products) + paths
    process.standardOutput = handle
    process.standardError = handle
    let status = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    try handle.close()
    return (status, try String(contentsOf: log, encoding: .utf8))
  }

  /// The C modules of the package.
  private func moduleMaps(in products: URL) -> [String] {
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: products.path)) ?? []
    return folders.filter { $0.hasSuffix(".build") }.flatMap { folder -> [String] in
      let map = products.appendingPathComponent(folder).appendingPathComponent("module.modulemap").path
      return FileManager.default.fileExists(atPath: map) ? ["-Xcc", "-fmodule-map-file=\(map)"] : []
    }
  }
}

#if canImport(Darwin)
  private final class InThisBundle {}
#endif
