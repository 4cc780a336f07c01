import Foundation
import Troupe

let options = Options.fromCommandLine()

// A failure is passed on up to the table, whose end tells it. Nothing else is worth a line: at the end some send to others that have left.
let system = ActorSystem("dinner", options: ActorSystem.Options(supervision: .escalate, log: { _ in }))
let table = system.spawn("table") { Table(options) }

await system.run(until: [.interrupt, .terminate])
if case .failed(let failure) = await table.termination.reason {
  FileHandle.standardError.write(Data("DiningPhilosophers: \(failure)\n".utf8))
  exit(1)
}
