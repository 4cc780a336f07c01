import Foundation
import Troupe

let options = Options.fromCommandLine()

// A failure is passed on up to the table, whose end reports it. No other log line is of interest: at the end, some
// philosophers send to others that have already left.
let system = ActorSystem("dinner", options: ActorSystem.Options(supervision: .escalate, log: { _ in }))
let table = system.spawn("table") { Table(options) }

await system.run(until: [.interrupt, .terminate])
if case .failed(let failure) = await table.termination.reason {
  FileHandle.standardError.write(Data("DiningPhilosophers: \(failure)\n".utf8))
  exit(1)
}
