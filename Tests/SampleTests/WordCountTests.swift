import Foundation
import SampleOptions
import Testing

/// Its counts, against those of `tr`, `sort` and `uniq`.
@Suite(.timeLimit(.minutes(5)))
struct WordCountTests {
  private func expectReferenceCounts(_ paths: [String], _ location: SourceLocation = #_sourceLocation) async throws {
    // A line break after each file: the last word of one and the first word of the next are two.
    let script = """
      export LC_ALL=C
      find "$@" -type f -exec sh -c 'for file; do cat "$file"; echo; done' _ {} + |
        tr -cs A-Za-z '\\n' | tr A-Z a-z | sort | uniq -c | grep '[a-z]'
      """
    let reference = try await Program.run("/bin/sh", ["-c", script, "sh"] + paths)
    let counted = try await Program.run("WordCount", ["--all"] + paths)
    #expect(counted.exitCode == 0, "\(counted.errors)", sourceLocation: location)
    #expect(!reference.output.isEmpty, sourceLocation: location)
    // No operands for #expect: a failure would print megabytes.
    let isEqual = counted.output == reference.output
    #expect(isEqual, "\(difference(counted.output, reference.output))", sourceLocation: location)

    let words = counted.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
    let totals = "\(words.reduce(0, +)) words, \(words.count) distinct"
    #expect(counted.errors.contains(totals), "\(counted.errors)", sourceLocation: location)
  }

  private func difference(_ counted: String, _ reference: String) -> String {
    let lines = (counted.split(separator: "\n"), reference.split(separator: "\n"))
    let pair = zip(lines.0, lines.1).first { $0 != $1 }
    return pair.map { "'\($0.prefix(100))', not '\($1.prefix(100))'" } ?? "\(lines.0.count) lines, not \(lines.1.count)"
  }

  @Test func `the counts of real text are those of tr, sort and uniq`() async throws {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    // Licences, documentation, headers: as far as they are installed, a few megabytes of each.
    let folders = ["/usr/share/common-licenses", "/usr/share/doc", "/usr/include"]
    try await expectReferenceCounts(
      [package.appending(path: "Sources").path] + folders.flatMap { parts(of: $0, atMost: 6_000_000) })
  }

  /// Files and folders in a folder, so many that they have `limit` bytes together.
  private func parts(of folder: String, atMost limit: Int) -> [String] {
    let files = FileManager.default
    var rest = limit
    return ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { name in
      let url = URL(fileURLWithPath: folder).appending(path: name)
      // What is named on the command line is read although it is a link; `find` does not, so leave it out.
      if (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]))?.isSymbolicLink != false { return nil }
      let below = files.enumerator(at: url, includingPropertiesForKeys: [.fileSizeKey])?.compactMap { $0 as? URL } ?? []
      let size = ([url] + below).reduce(0) { $0 + ((try? $1.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0) }
      if size > rest { return nil }
      rest -= size
      return url.path
    }
  }

  @Test func `bytes that are no text separate words like all others`() async throws {
    let folder = TemporaryFolder()
    var random = SeededGenerator(1)
    try folder.write(Data(), to: "empty")
    try folder.write(Data("no line break at the end".utf8), to: "open")
    try folder.write(Data("and\0zeros\r\nna\u{ef}ve \u{212a}elvin @[`{".utf8), to: "unicode")
    try folder.write(Data([0xff, 0x61, 0xc3, 0x62, 0x80, 0x41]), to: "invalid")
    try folder.write(Data((0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) }), to: "bytes")
    try await expectReferenceCounts([folder.path])
  }

  @Test func `a word that lies across the border of two chunks is one word`() async throws {
    let folder = TemporaryFolder()
    var random = SeededGenerator(2)
    // Lengths without a common divisor put every border somewhere else in a word.
    for (name, lengths) in [("short", 1...3), ("usual", 1...17), ("long", 1...300), ("huge", 1...200_000)] {
      var text = Data()
      while text.count < 1_500_000 {
        let letter = UInt8.random(in: 0..<2, using: &random) * 0x20 + 0x41 + UInt8.random(in: 0..<4, using: &random)
        text.append(contentsOf: repeatElement(letter, count: Int.random(in: lengths, using: &random)))
        text.append(UInt8(ascii: " "))
      }
      try folder.write(text, to: name)
    }
    // One word, and nothing else.
    try folder.write(Data(repeating: UInt8(ascii: "w"), count: 1_500_000), to: "single")
    // So many different ones that all tables grow.
    let different = (0..<200_000).map { _ in
      String((0..<Int.random(in: 1...12, using: &random)).map { _ in "abcdefgh".randomElement(using: &random)! })
    }
    try folder.write(Data(different.joined(separator: "\n").utf8), to: "different")
    try await expectReferenceCounts([folder.path])
  }

  @Test func `the most frequent words come first, and words of the same count by name`() async throws {
    let text = Data("b a C c\nd b a e c\n".utf8)
    let result = try await Program.run("WordCount", ["--top", "4", "-"], input: text)
    #expect(result.exitCode == 0)
    #expect(result.output.hasPrefix("      3 c\n      2 a\n      2 b\n      1 d\n\n"))
    #expect(result.output.contains("1 files, 18 bytes, 9 words, 5 distinct\n"))
    #expect(result.errors.isEmpty)
  }

  @Test(.disabled(if: Program.isSanitized))
  func `the memory does not grow with the input`() async throws {
    let folder = TemporaryFolder()
    var random = SeededGenerator(3)
    let words = (0..<20_000).map { _ in
      String((0..<Int.random(in: 2...10, using: &random)).map { _ in "etaoinshrdlu".randomElement(using: &random)! })
    }
    var megabyte = Data()
    while megabyte.count < 1 << 20 { megabyte.append(Data("\(words.randomElement(using: &random)!) ".utf8)) }
    func peak(_ megabytes: Int) async throws -> Double {
      let file = try FileHandle(forWritingTo: folder.write(Data(), to: "\(megabytes)"))
      for _ in 0..<megabytes { try file.write(contentsOf: megabyte) }
      try file.close()
      let result = try await Program.run("WordCount", [folder.url.appending(path: "\(megabytes)").path])
      let figure = result.output.firstMatch(of: #/peak memory (\d+\.\d) MB/#)
      return try #require(figure.flatMap { Double($0.1) }, "\(result.output)\(result.errors)")
    }
    // What is in flight depends on the number of processors.
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let (small, large) = (try await peak(2), try await peak(80 + 4 * processors))
    #expect(large < small + Double(16 + 2 * processors))
  }
}
