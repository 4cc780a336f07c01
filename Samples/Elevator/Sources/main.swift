import Foundation
import SampleOptions
import Troupe

let options = Options.fromCommandLine()

// A car that breaks down has failed, and stays so: the building replaces it.
let system = ActorSystem("elevators", options: ActorSystem.Options(supervision: .stop, log: { _ in }))
// To whoever is registered at the moment, one after the other.
let calls = GroupRouter(in: system, "calls", key: Car.key, strategy: .roundRobin).address
let building = system.spawn("building") {
  Building(options: options, calls: calls, random: SeededGenerator(options.seed))
}

await system.run(until: [.interrupt, .terminate])
if case .failed(let failure) = await building.termination.reason {
  FileHandle.standardError.write(Data("Elevator: \(failure)\n".utf8))
  exit(1)
}
