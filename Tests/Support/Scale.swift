import Foundation

/// How large the large counts are: 1 by default, a tenth under the thread sanitizer, and what `TROUPE_TEST_SCALE` says.
package enum Scale {
  package static let factor: Double = {
    if let text = ProcessInfo.processInfo.environment["TROUPE_TEST_SCALE"], let factor = Double(text) { return factor }
    let isSanitized = dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil
    return isSanitized ? 0.1 : 1
  }()

  package static func count(_ full: Int) -> Int { max(1, Int(Double(full) * factor)) }
}
