import TestSupport
import Troupe

/// Does what it is told, and writes down what happens to it: `start 1` and `stop 1` with the incarnation,
/// `fail 7` before it throws, numbers as they are, and signals.
struct Patient: Behavior {
  typealias Hook = @Sendable (Context<Message>) throws -> Void
  enum Message: Sendable {
    case number(Int)
    case fail(Int)
    /// Puts the number aside.
    case stash(Int)
    case total
    case run(Hook)
  }
  let notes: Trail<String>
  let onStart: Hook
  let onStop: Hook
  private var total = 0

  init(_ notes: Trail<String>, onStart: @escaping Hook = { _ in }, onStop: @escaping Hook = { _ in }) {
    (self.notes, self.onStart, self.onStop) = (notes, onStart, onStop)
  }

  mutating func started(in context: Context<Message>) throws {
    notes.append("start \(context.incarnation)")
    try onStart(context)
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch message {
    case .number(let n):
      total += n
      notes.append("\(n)")
    case .fail(let n):
      notes.append("fail \(n)")
      throw Oops(n)
    case .stash(let n): try context.stash(.number(n)).get()
    case .total: notes.append("total \(total)")
    case .run(let body): try body(context)
    }
  }

  mutating func stopping(in context: Context<Message>) {
    try? onStop(context)
    notes.append("stop \(context.incarnation)")
  }

  mutating func signal(_ signal: Signal, in context: Context<Message>) throws {
    switch signal {
    case .terminated(let end): notes.append("\(end.path) \(end.kind)")
    case .childFailed(let failure): notes.append("\(failure.path) has failed")
    case .receiveTimeout: notes.append("timeout")
    }
  }
}

/// The same, and suspends before and after everything.
struct AsyncPatient: AsyncBehavior {
  var patient: Patient

  mutating func started(in context: Context<Patient.Message>) async throws {
    await Task.yield()
    try patient.started(in: context)
    await Task.yield()
  }
  mutating func receive(_ message: consuming Patient.Message, in context: Context<Patient.Message>) async throws {
    await Task.yield()
    try patient.receive(message, in: context)
    await Task.yield()
  }
  mutating func stopping(in context: Context<Patient.Message>) async {
    await Task.yield()
    patient.stopping(in: context)
    await Task.yield()
  }
  mutating func signal(_ signal: Signal, in context: Context<Patient.Message>) async throws {
    await Task.yield()
    try patient.signal(signal, in: context)
  }
}

extension Spawner {
  func patient(
    _ name: String? = nil, _ notes: Trail<String> = Trail(), _ supervision: Supervision? = nil, isAsync: Bool = false,
    options: SpawnOptions = SpawnOptions(), onStart: @escaping Patient.Hook = { _ in },
    onStop: @escaping Patient.Hook = { _ in }
  ) -> Address<Patient.Message> {
    var options = options
    if let supervision { options.supervision = supervision }
    if isAsync {
      return spawn(name, options: options) {
        AsyncPatient(patient: Patient(notes, onStart: onStart, onStop: onStop))
      }
    }
    return spawn(name, options: options) { Patient(notes, onStart: onStart, onStop: onStop) }
  }
}

extension Simulation {
  /// How it has ended, if it has.
  func end<Message: ~Copyable>(of actor: Address<Message>) -> String? {
    let outcome = start { await actor.termination.kind }
    run()
    return outcome.value
  }
}

extension Supervision {
  /// At once, any number of times.
  static let restartNow = Supervision { _, _ in .restart(after: .zero) }
}
