// A release build has all targets but those of tests, and need not have the module Testing.
#if canImport(Testing)
  import Foundation
  package import Testing

  /// A page in `Docs`, whose code is compiled and run as part of a file of tests.
  package struct DocPage {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Docs")
      .standardized
    private let blocks: [[String]]

    /// - Parameter name: with its `.md`.
    package init(_ name: String) throws {
      var blocks: [[String]] = []
      var isInBlock = false
      for line in try Self.lines(Self.folder.appendingPathComponent(name)) {
        if line == "```swift" {
          blocks.append([])
          isInBlock = true
        } else if line == "```" {
          isInBlock = false
        } else if isInBlock {
          blocks[blocks.count - 1].append(line)
        }
      }
      self.blocks = blocks
    }

    /// Each block must be in the file, line by line; only the indentation may differ.
    package func expectCode(
      in file: String = #filePath, atLeast count: Int, _ location: SourceLocation = #_sourceLocation
    ) throws {
      let code = try Self.lines(URL(fileURLWithPath: file))
      #expect(blocks.count >= count, sourceLocation: location)
      for block in blocks {
        let isThere = !block.isEmpty && code.indices.contains { code[$0...].starts(with: block) }
        #expect(isThere, "\(block.joined(separator: "\n"))", sourceLocation: location)
      }
    }

    private static func lines(_ url: URL) throws -> [String] {
      try String(contentsOf: url, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
  }
#endif
