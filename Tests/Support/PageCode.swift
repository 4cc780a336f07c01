// A release build has all targets but those of tests, and need not have the module Testing.
#if canImport(Testing)
  import Foundation
  package import Testing

  /// Expects that each line of code on a page in `Docs` is a line of the file that calls this; only the indentation may
  /// differ. So the code of the page is compiled.
  ///
  /// - Parameter except: The beginnings of lines that need not be there.
  package func expectCode(
    of page: String, atLeast count: Int, except: [String] = [], in file: String = #filePath,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let here = URL(fileURLWithPath: file)
    let url = DocPage.folder.appendingPathComponent(page)
    func lines(_ url: URL) throws -> [String] {
      try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    let source = Set(try lines(here))
    var isCode = false
    var found = 0
    for line in try lines(url) {
      if line.hasPrefix("```") {
        isCode = line == "```swift" && !isCode
      } else if isCode && !except.contains(where: { line.hasPrefix($0) }) {
        found += 1
        #expect(source.contains(line), "\(line)", sourceLocation: location)
      }
    }
    #expect(found >= count, sourceLocation: location)
  }
#endif
