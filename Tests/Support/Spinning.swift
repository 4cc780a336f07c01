// A release build has all targets but those of tests, and need not have the module Testing.
#if canImport(Testing)
  import Foundation
  package import Testing

  /// Lets no more tests run at a time than there are processors to spin on.
  ///
  /// Tests whose threads and tasks spin until something has happened take each other's processors away if all of them
  /// run at once, as `swift test` would have it: each then waits for the others' time slices. All tests of the process
  /// go through one gate.
  package struct SpinTrait: SuiteTrait, TestTrait, TestScoping {
    private static let gate = SpinGate(width: ProcessInfo.processInfo.activeProcessorCount)

    package var isRecursive: Bool { true }

    @concurrent package func provideScope(
      for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
      // A suite, or a test with arguments as a whole, does not spin; its cases do.
      if testCase == nil { return try await body() }
      await Self.gate.enter()
      do {
        try await body()
      } catch {
        await Self.gate.leave()
        throw error
      }
      await Self.gate.leave()
    }
  }

  extension Trait where Self == SpinTrait {
    /// Threads or tasks of this spin, so that it needs a processor to itself.
    package static var spins: Self { SpinTrait() }
  }

  /// A semaphore whose waiters suspend, first come, first served.
  private actor SpinGate {
    private var room: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(width: Int) { room = width }

    func enter() async {
      if room > 0 {
        room -= 1
      } else {
        await withCheckedContinuation { waiting.append($0) }
      }
    }

    func leave() {
      if waiting.isEmpty { room += 1 } else { waiting.removeFirst().resume() }
    }
  }
#endif
