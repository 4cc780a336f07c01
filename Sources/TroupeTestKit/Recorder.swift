import Troupe

/// Sees everything that a simulated system does: it keeps the history, knows what is open at the end, and lets faults
/// happen.
///
/// Sendable because everything that changes is under the lock. Nothing foreign is called under it.
final class Recorder: Interceptor, @unchecked Sendable {
  /// Everything that the recorder knows about one actor.
  final class Actor {
    let number: Int
    let path: String
    /// The two closures are emptied at the actor's end, because they keep the actor's memory.
    var stop: () -> Void
    var restart: () -> Void
    /// The numbers of the messages in its queue, oldest first.
    var queue: [Int32] = []
    var taken = 0
    /// How many messages wait beside the queue: those of timers, notices, and stashed messages.
    var envelopes = 0
    /// The number of the message from beside the queue that is about to be handled.
    var opened: Int32?
    var inHand: Int32 = 0
    var sent = 0
    var handled = 0
    /// Whether the actor belongs to the kit. Such an actor is nobody's leak and no target for faults.
    let isOurs: Bool

    init(_ number: Int, _ path: String, isOurs: Bool, stop: @escaping () -> Void, restart: @escaping () -> Void) {
      self.number = number
      self.path = path
      self.isOurs = isOurs
      self.stop = stop
      self.restart = restart
    }

    var waiting: Int { queue.count - taken + envelopes }

    func takeFromQueue() -> Int32 {
      guard taken < queue.count else { return 0 }
      let number = queue[taken]
      taken += 1
      if taken > 64 && taken * 2 > queue.count {
        queue.removeFirst(taken)
        taken = 0
      }
      return number
    }
  }

  /// A failure of an actor, and whether the test expected it.
  struct Failure: Sendable {
    let failure: ActorFailure
    var isExpected: Bool
  }
  struct Letter: Sendable {
    let letter: DeadLetter
    var isExpected: Bool
  }
  struct FailedAsk: Sendable {
    let error: AskError
    var isExpected: Bool
  }

  fileprivate let lock = FutexLock()
  fileprivate unowned(unsafe) var scheduler: SimulatedScheduler!
  private weak var system: ActorSystem?
  fileprivate var start: Int64 = 0
  private let limit: Int
  // Everything from here on is touched under the lock.
  fileprivate var injector: FaultInjector
  fileprivate var events: [Event] = []
  fileprivate var omitted = 0
  fileprivate var numbers: [ObjectIdentifier: Actor] = [:]
  fileprivate var actors: [Actor] = []
  private var sources: [Int32: Source] = [:]
  private var sends: Int32 = 0
  fileprivate var waitingAsks: [ObjectIdentifier: (order: Int, note: AskNote)] = [:]
  private var asks = 0
  fileprivate(set) var failures: [Failure] = []
  fileprivate(set) var letters: [Letter] = []
  fileprivate(set) var failedAsks: [FailedAsk] = []

  init(limit: Int, injector: FaultInjector) {
    self.limit = limit
    self.injector = injector
  }

  func attach(_ scheduler: SimulatedScheduler, _ system: ActorSystem) {
    self.scheduler = scheduler
    self.system = system
    start = scheduler.coarseNow
  }

  /// Whether the kit itself makes the spawns that follow.
  @TaskLocal static var isKit = false

  // MARK: Noting

  private func source() -> Source {
    if !scheduler.isInside { return scheduler.isFiring ? .timer : .task(Simulation.taskName) }
    if scheduler.isFiring { return .timer }
    guard let cell = scheduler.currentCell else { return .task(Simulation.taskName) }
    return lock.withLock { numbers[ObjectIdentifier(cell)].map { .actor($0.number) } } ?? .elsewhere
  }

  private func note(_ kind: Event.Kind, by source: Source) {
    let event = Event(time: scheduler.coarseNow, source: source, kind: kind)
    lock.withLock { if events.count < limit { events.append(event) } else { omitted += 1 } }
  }

  private func note(_ kind: Event.Kind, by cell: Cell) {
    note(kind, by: actor(cell).map { .actor($0.number) } ?? .elsewhere)
  }

  func note(_ text: String) { note(.note(text), by: source()) }

  private func actor(_ cell: Cell) -> Actor? { lock.withLock { numbers[ObjectIdentifier(cell)] } }

  // MARK: Messages

  func sends<Message: ~Copyable>(_ message: borrowing Message, to cell: Cell) -> SendNote {
    let name = MessageName(message)
    let source = source()
    guard let actor = actor(cell) else { return SendNote(number: 0, isRefused: false) }
    let (number, isRefused) = lock.withLock {
      sends += 1
      actor.sent += 1
      sources[sends] = source
      return (sends, injector.refuses(actor))
    }
    note(.sends(to: actor.number, number: number, name), by: source)
    if isRefused { note(.refused(to: actor.number, number: number), by: source) }
    return SendNote(number: number, isRefused: isRefused)
  }

  func queues(_ note: SendNote, in cell: Cell) {
    guard let actor = actor(cell) else { return }
    lock.withLock { actor.queue.append(note.number) }
  }

  func posts(_ envelope: Envelope, to cell: Cell) {
    let source = source()
    guard let actor = actor(cell) else { return }
    lock.withLock {
      actor.envelopes += 1
      if envelope.number == 0 || sources[envelope.number] == nil {
        sends += 1
        envelope.number = sends
        sources[sends] = source
      }
    }
  }

  func opens(_ envelope: Envelope, in cell: Cell) {
    guard let actor = actor(cell) else { return }
    lock.withLock {
      actor.envelopes -= 1
      actor.opened = envelope.number
    }
  }

  func stashes(_ envelope: Envelope, in cell: Cell) {
    guard let actor = actor(cell) else { return }
    lock.withLock {
      actor.envelopes += 1
      envelope.number = actor.inHand
    }
    note(.stashes(number: envelope.number), by: cell)
  }

  func handles<Message: ~Copyable>(_ message: borrowing Message, by cell: Cell) throws {
    guard let actor = actor(cell) else { return }
    let name = MessageName(message)
    let (number, from, fault) = lock.withLock {
      let number = actor.opened ?? actor.takeFromQueue()
      actor.opened = nil
      actor.inHand = number
      actor.handled += 1
      return (number, sources[number] ?? .elsewhere, injector.handling(actor))
    }
    note(.handles(number: number, name, from: from), by: cell)
    switch fault {
    case nil: return
    case .fails(let error): throw error
    case .stops: actor.stop()
    case .restarts: actor.restart()
    }
    note(.note(fault == .stops ? "is stopped by a fault" : "is restarted by a fault"), by: cell)
  }

  func makesDeadLetter(_ letter: DeadLetter, of cell: Cell) {
    if let actor = actor(cell) {
      lock.withLock {
        switch letter.reason {
        case .abandoned:
          if actor.opened != nil { actor.opened = nil } else { _ = actor.takeFromQueue() }
        default: break
        }
      }
    }
    lock.withLock { letters.append(Letter(letter: letter, isExpected: false)) }
    note(.deadLetter(letter), by: source())
  }

  // MARK: Life

  func spawns<Message: ~Copyable>(_ address: Address<Message>) {
    let source = source()
    let id = address.cellID
    guard let system else { return }
    let stop = { [weak system] in
      if let system { system.stop(address) }
    }
    let restart = { [weak system] in
      if let system { system.restart(address) }
    }
    let path = address.path
    let number = lock.withLock {
      let actor = Actor(actors.count, path, isOurs: Recorder.isKit, stop: stop, restart: restart)
      actors.append(actor)
      numbers[id] = actor
      return actor.number
    }
    note(.spawns(number), by: source)
  }

  func starts(_ cell: Cell) { note(.starts, by: cell) }
  func stops(_ cell: Cell) { note(.stops, by: cell) }
  func restarts(_ cell: Cell) { note(.restarts, by: cell) }

  func signals(_ signal: Signal, to cell: Cell) {
    if let actor = actor(cell) { lock.withLock { actor.opened = nil } }
    note(.hears(Event.text(signal)), by: cell)
  }

  func fails(_ cell: Cell, with failure: ActorFailure) {
    note(.fails(failure), by: cell)
    let isExpected = failure.error is InjectedFault
    lock.withLock { failures.append(Failure(failure: failure, isExpected: isExpected)) }
  }

  func ends(_ cell: Cell, _ termination: Termination) {
    note(.ends(termination.description), by: cell)
    let actor = lock.withLock { numbers.removeValue(forKey: ObjectIdentifier(cell)) }
    actor?.stop = {}
    actor?.restart = {}
  }

  // MARK: What an actor does

  func watches(_ watched: Cell, by cell: Cell) { note(.watches(watched.path), by: cell) }
  func setsTimer(_ key: Any, after delay: Duration, by cell: Cell) { note(.setsTimer("\(key)", delay), by: cell) }

  func waits(for site: AskNote) {
    lock.withLock {
      asks += 1
      waitingAsks[ObjectIdentifier(site)] = (asks, site)
    }
  }

  func waitsNoMore(for site: AskNote) {
    lock.withLock { _ = waitingAsks.removeValue(forKey: ObjectIdentifier(site)) }
  }

  func failsAsk(_ error: AskError) {
    note(.askFails(error), by: source())
    lock.withLock { failedAsks.append(FailedAsk(error: error, isExpected: false)) }
  }
}

// MARK: - Faults

extension Recorder {
  func lateness() -> Duration { lock.withLock { injector.lateness() } }
  var cancelsTasks: Bool { lock.withLock { injector.cancelsTasks } }
  func cancels(_ task: String, after steps: Int) -> Bool { lock.withLock { injector.cancels(task, after: steps) } }
}

// MARK: - Looking

extension Recorder {
  var history: Simulation.History {
    let (events, omitted, paths) = lock.withLock { (self.events, self.omitted, actors.map(\.path)) }
    let entries = events.map {
      Simulation.History.Entry(time: .nanoseconds($0.time - start), text: $0.text { paths[$0] })
    }
    return Simulation.History(entries: entries, omitted: omitted)
  }

  var time: Duration { .nanoseconds(scheduler.coarseNow - start) }

  /// How many actors have been spawned, which is also the number of the next one.
  var spawned: Int { lock.withLock { actors.count } }

  /// What happened from the given event on, and the paths of all actors.
  func events(from index: Int) -> ([Event], [String]) {
    lock.withLock { (Array(events[min(index, events.count)...]), actors.map(\.path)) }
  }

  /// The actors that have not ended, in the order in which they were spawned.
  var living: [Actor] {
    lock.withLock { numbers.values.sorted { $0.number < $1.number } }
  }

  var openAsks: [AskNote] {
    lock.withLock { waitingAsks.values.sorted { $0.order < $1.order }.map(\.note) }
  }

  /// Finds a failure that nobody has expected yet, and marks it as expected.
  func expectFailure(_ matches: (ActorFailure) -> Bool) -> ActorFailure? {
    guard let index = failures.firstIndex(where: { !$0.isExpected && matches($0.failure) }) else { return nil }
    lock.withLock { failures[index].isExpected = true }
    return failures[index].failure
  }

  func expectLetter(_ matches: (DeadLetter) -> Bool) -> DeadLetter? {
    guard let index = letters.firstIndex(where: { !$0.isExpected && matches($0.letter) }) else { return nil }
    lock.withLock { letters[index].isExpected = true }
    return letters[index].letter
  }

  func expectFailedAsk(_ matches: (AskError) -> Bool) -> AskError? {
    guard let index = failedAsks.firstIndex(where: { !$0.isExpected && matches($0.error) }) else { return nil }
    lock.withLock { failedAsks[index].isExpected = true }
    return failedAsks[index].error
  }
}
