import Synchronization
import TestSupport
import Testing
import Troupe

@Suite(.spins) struct WatchdogTests {
  /// A system whose watchdog tells a channel.
  struct Watched {
    let system: ActorSystem
    let log = Trail<String>()
    let reports: Sender<Watchdog.Report>

    init(workers: Int, limit: Duration = .milliseconds(20), _ reports: Sender<Watchdog.Report>) {
      self.reports = reports
      let log = log
      let watchdog = Watchdog(limit: limit) { _ = reports.send($0) }
      system = ActorSystem("dog", options: .init(workers: workers, log: { log.append($0) }, watchdog: watchdog))
    }
  }

  @Test func `a handler that runs too long is reported with its path and message type, and again as it goes on`() async
  {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    let (started, gate) = (Countdown(1), Gate())
    let stuck = watched.system.spawn("slow") { Blocker(started: started, gate: gate, ended: nil) }
    stuck.send(1)
    var lasted: [Duration] = []
    for _ in 0..<3 {
      guard let report = await reports.receive() else { break }
      #expect(report.subject == .handler(path: "dog/slow", messageType: "Int"))
      lasted.append(report.duration)
    }
    gate.open()
    await watched.system.shutdown(deadline: nil)
    #expect(lasted.count == 3 && lasted[0] >= .milliseconds(20))
    for (a, b) in zip(lasted, lasted.dropFirst()) { #expect(b >= a + a) }
    let lines = watched.log.all.filter { $0.contains("watchdog") }
    #expect(lines.count >= 3)
    #expect(lines[0].contains("dog/slow has been handling a Int for"), "\(lines)")
  }

  @Test func `an occurrence is reported anew when a handler is stuck again`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    for name in ["a", "b"] {
      let (started, gate) = (Countdown(1), Gate())
      watched.system.spawn(name) { Blocker(started: started, gate: gate, ended: nil) }.send(1)
      // What comes of the first one late is not of the second.
      while let report = await reports.receive() {
        if report.subject == .handler(path: "dog/\(name)", messageType: "Int") { break }
      }
      gate.open()
    }
    await watched.system.shutdown(deadline: nil)
  }

  @Test func `a child deep below is found, and so is a hook`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    let gate = Gate()
    struct Slow: Behavior {
      let depth: Int
      let gate: Gate
      func started(in context: Context<String>) {
        if depth == 0 { return gate.wait() }
        let (depth, gate) = (depth, gate)
        context.spawn("n\(depth)") { Slow(depth: depth - 1, gate: gate) }
      }
      func receive(_ message: consuming String, in context: Context<String>) {}
    }
    watched.system.spawn("top") { Slow(depth: 3, gate: gate) }
    // Where processors are scarce a parent may have been reported before.
    while let report = await reports.receive() {
      if report.subject == .handler(path: "dog/top/n3/n2/n1", messageType: "String") { break }
    }
    gate.open()
    await watched.system.shutdown(deadline: nil)
  }

  @Test func `a pool that is stuck as a whole is reported`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    let (started, gate) = (Countdown(2), Gate())
    for _ in 0..<2 { watched.system.spawn { Blocker(started: started, gate: gate, ended: nil) }.send(1) }
    var isReported = false
    while !isReported, let report = await reports.receive() { isReported = report.subject == .pool(threads: 2) }
    #expect(isReported)
    #expect(started.isOver)
    gate.open(2)
    await watched.system.shutdown(deadline: nil)
    #expect(watched.log.all.contains { $0.contains("all 2 threads of the pool") })
  }

  @Test func `a task that keeps a worker is reported as one`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    let gate = Gate()
    let task = watched.system.task { gate.wait() }
    #expect(await reports.receive()?.subject == .task)
    gate.open()
    await task.value
    await watched.system.shutdown(deadline: nil)
  }

  @Test func `handlers that may block are not reported`() async {
    let channel = Channel.unbounded(of: Watchdog.Report.self)
    let watched = Watched(workers: 2, channel.sender)
    var reports = channel.receiver
    let (started, gate) = (Countdown(2), Gate())
    for site in Site.thatMayBlock {
      watched.system.spawn("\(site)", options: SpawnOptions(dispatcher: site.dispatcher)) {
        Blocker(started: started, gate: gate, ended: nil)
      }.send(1)
    }
    await started.wait()
    // When it has been reported, the others have been stuck for longer.
    let last = Gate()
    watched.system.spawn("last") { Blocker(started: Countdown(1), gate: last, ended: nil) }.send(1)
    var paths: Set<String> = []
    for _ in 0..<3 {
      if case .handler(let path, _) = await reports.receive()?.subject { paths.insert(path) }
    }
    last.open()
    gate.open(2)
    await watched.system.shutdown(deadline: nil)
    #expect(paths == ["dog/last"])
  }

  @Test func `a limit below 20 milliseconds stops the program`() async {
    await #expect(processExitsWith: .failure) {
      _ = ActorSystem("x", options: .init(watchdog: Watchdog(limit: .milliseconds(19))))
    }
    await #expect(processExitsWith: .failure) { _ = ActorSystem("x", options: .init(watchdog: Watchdog(limit: .zero))) }
    _ = ActorSystem("x", options: .init(watchdog: Watchdog(limit: .milliseconds(20))))
    _ = ActorSystem("x", options: .init(watchdog: Watchdog(limit: .seconds(Int64.max))))
    _ = ActorSystem("x", options: .init(watchdog: nil))
  }
}
