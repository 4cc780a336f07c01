import Foundation
import TestSupport
import Testing
import Troupe

/// A system that runs until a signal comes.
@Suite(.serialized) struct RunTests {
  private func system(_ stopped: Event) async -> ActorSystem {
    struct Service: Behavior {
      let begun: Event
      let stopped: Event
      mutating func started(in context: Context<Int>) { begun.set() }
      mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
      mutating func stopping(in context: Context<Int>) { stopped.set() }
    }
    let system = ActorSystem("service", options: .init(workers: 1))
    let begun = Event()
    system.spawn("one") { Service(begun: begun, stopped: stopped) }
    await begun.wait()
    return system
  }

  @Test func `a signal shuts the system down, and does not end the process`() async {
    let stopped = Event()
    let system = await system(stopped)
    let run = Task { await system.run(until: [ProcessSignal(number: SIGUSR1)]) }
    await until { Self.isCaught(SIGUSR1) }
    kill(getpid(), SIGUSR1)
    let report = await run.value
    #expect(report.stuck == [])
  }

  /// One signal each, sent as soon as it does not end the process any more: none may be lost.
  @Test func `a signal that comes just as it begins is not lost, the first time and later`() async {
    for _ in 0..<200 {
      let system = ActorSystem("service", options: .init(workers: 1))
      let run = Task { await system.run(until: [ProcessSignal(number: SIGUSR1)]) }
      await until { Self.isCaught(SIGUSR1) }
      kill(getpid(), SIGUSR1)
      _ = await run.value
      #expect(!Self.isCaught(SIGUSR1))
    }
  }

  @Test func `all systems that wait for a signal hear of it, and the last one lets go of it`() async {
    for isOneShutDown in [false, true] {
      let systems = (0..<2).map { _ in ActorSystem("service", options: .init(workers: 1)) }
      let one = Task { await systems[0].run(until: [ProcessSignal(number: SIGUSR1)]) }
      await until { Self.isCaught(SIGUSR1) }
      let other = Task {
        await systems[1].run(until: [ProcessSignal(number: SIGUSR1), ProcessSignal(number: SIGUSR2)])
      }
      await until { Self.isCaught(SIGUSR2) }
      if isOneShutDown {
        systems[0].requestShutdown()
        _ = await one.value
        #expect(Self.isCaught(SIGUSR1))
      }
      kill(getpid(), SIGUSR1)
      _ = await (one.value, other.value)
      #expect(!Self.isCaught(SIGUSR1) && !Self.isCaught(SIGUSR2))
    }
  }

  @Test func `a signal that cannot be caught, or that there is not, is not heard of`() async {
    let stopped = Event()
    let system = await system(stopped)
    // The one that can be caught is heard of, whatever the others are.
    let signals = [SIGKILL, 1000, 0, -1, SIGUSR1].map { ProcessSignal(number: $0) }
    let run = Task { await system.run(until: Set(signals)) }
    await until { Self.isCaught(SIGUSR1) }
    #expect(!Self.isCaught(SIGKILL) && !stopped.isSet)
    kill(getpid(), SIGUSR1)
    _ = await run.value
    #expect(stopped.isSet && !Self.isCaught(SIGUSR1))
  }

  /// Whether the process has a handler for a signal.
  private static func isCaught(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    // The handler comes first in the structure on every system. 0 is what the system does by itself, and 1 is nothing.
    return withUnsafeBytes(of: &action) { $0.load(as: UInt.self) } > 1
  }

  @Test func `a shutdown from elsewhere ends it, and one that has been ends it at once`() async {
    let stopped = Event()
    let system = await system(stopped)
    let run = Task { await system.run(until: []) }
    system.requestShutdown()
    _ = await run.value
    #expect(stopped.isSet)
    _ = await system.run(until: [.hangup])
  }

  @Test func `cancellation ends it`() async {
    let stopped = Event()
    let system = await system(stopped)
    let run = Task { await system.run(until: []) }
    run.cancel()
    _ = await run.value
    #expect(stopped.isSet)
  }
}
