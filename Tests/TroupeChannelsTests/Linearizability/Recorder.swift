import Synchronization
import TestSupport
import TroupeChannels

/// One thread's part of a history.
struct Recorder: ~Copyable, Sendable {
  let thread: Int
  let clock: HistoryClock
  private(set) var calls: [Call] = []

  init(thread: Int, clock: HistoryClock) {
    self.thread = thread
    self.clock = clock
  }

  mutating func record(_ action: Action, _ call: () -> Response) {
    let began = clock.next()
    let response = call()
    calls.append(Call(thread: thread, action: action, response: response, began: began, ended: clock.next()))
  }

  consuming func finish() -> [Call] { calls }
}

/// Numbers moments. Sequentially consistent, so that what ended before something began has the lower number.
final class HistoryClock: Sendable {
  private let moment = Atomic<Int>(0)
  func next() -> Int { moment.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue }
}

/// Threads that begin together, again and again.
final class StartLine: Sendable {
  private let arrived = Atomic<Int>(0)
  private let count: Int
  init(_ count: Int) { self.count = count }

  func wait(_ round: Int) {
    arrived.wrappingAdd(1, ordering: .acquiringAndReleasing)
    spinUntil { arrived.load(ordering: .acquiring) >= (round + 1) * count }
  }
}

extension Response {
  init<Element: ~Copyable>(_ outcome: consuming WaitingSendOutcome<Element>) {
    switch consume outcome {
    case .sent: self = .sent
    case .closed: self = .closed
    case .timedOut: self = .timedOut
    case .cancelled: self = .done
    }
  }
  init<Element: ~Copyable>(_ outcome: consuming TrySendOutcome<Element>) {
    switch consume outcome {
    case .sent: self = .sent
    case .closed: self = .closed
    case .full: self = .full
    }
  }
  init(_ outcome: TryReceiveOutcome<Int>) {
    switch outcome {
    case .received(let value): self = .received(value)
    case .empty: self = .empty
    case .closed: self = .closed
    }
  }
  init(_ outcome: TimedReceiveOutcome<Int>) {
    switch outcome {
    case .received(let value): self = .received(value)
    case .timedOut: self = .timedOut
    case .closed: self = .closed
    case .cancelled: self = .done
    }
  }
  init(_ outcome: OneShotOutcome<Int>) {
    switch outcome {
    case .received(let value): self = .received(value)
    case .timedOut: self = .timedOut
    case .closed: self = .closed
    case .cancelled: self = .done
    }
  }
  init(_ value: Int?) { self = value.map { .received($0) } ?? .closed }
}
