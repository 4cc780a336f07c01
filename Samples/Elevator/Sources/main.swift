import Foundation
import SampleOptions
import Troupe

let options = Options.fromCommandLine()

// A car that breaks down fails and is not restarted: the building replaces it.
let system = ActorSystem("elevators", options: ActorSystem.Options(supervision: .stop, log: { _ in }))
// Each call goes to one of the cars that are registered at the moment, one car after the other.
let calls = GroupRouter(in: system, "calls", key: Car.key, strategy: .roundRobin).address
let building = system.spawn("building") {
  Building(options: options, calls: calls, random: SeededGenerator(options.seed))
}

await system.run(until: [.interrupt, .terminate])
if case .failed(let failure) = await building.termination.reason {
  FileHandle.standardError.write(Data("Elevator: \(failure)\n".utf8))
  exit(1)
}
