import Troupe

func startMonitor(
  in system: ActorSystem, output: Address<String>, read: @escaping @Sendable () throws -> Double
) {
  let records = system.spawn("records") { Records() }
  let careful = SpawnOptions(dispatcher: .blocking, supervision: .restart(limit: 5, within: .seconds(60)))
  system.spawn("sampler", options: careful) { Sampler(records: records, read: read) }
  system.spawn("reporter") { Reporter(records: records, output: output) }
}

@main
struct Monitor {
  static func main() async {
    let path = CommandLine.arguments.dropFirst().first ?? "/proc/loadavg"
    let system = ActorSystem("monitor")
    let console = system.spawn("console") { Console() }
    startMonitor(in: system, output: console) { try readLoad(from: path) }
    let report = await system.run(until: [.interrupt, .terminate])
    print(report)
  }
}
