import CTroupeShims
import TestSupport
import Testing
import TroupeChannels

/// The forms that calls come in: blocking on a thread, asynchronous in a task, and non-blocking, tried until it works.
enum Form: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case blocking
  case asynchronous
  case nonBlocking

  static let waiting: [Form] = [.blocking, .asynchronous]

  var testDescription: String { rawValue }

  // MARK: Receiving

  /// One receive. The blocking form takes the receiver to a thread and back.
  func next<Element: Sendable>(_ receiver: inout Receiver<Element>) async -> Element? {
    switch self {
    case .blocking:
      return await Self.moved(&receiver) { $0.receive() }
    case .asynchronous:
      return await receiver.receive()
    case .nonBlocking:
      while true {
        switch receiver.tryReceive() {
        case .received(let element): return element
        case .closed: return nil
        case .empty: await Task.yield()
        }
      }
    }
  }

  /// One receive with a timeout, in one of the forms that wait.
  func next<Element: Sendable>(
    _ receiver: inout Receiver<Element>, timeout: Duration
  ) async -> TimedReceiveOutcome<Element> {
    if self == .asynchronous { return await receiver.receive(timeout: timeout) }
    return await Self.moved(&receiver) { $0.receive(timeout: timeout) }
  }

  /// Lets a thread use the receiver.
  static func moved<Element: Sendable, Result: Sendable>(
    _ receiver: inout Receiver<Element>, _ body: @escaping @Sendable (inout Receiver<Element>) -> Result
  ) async -> Result {
    let envelope = Envelope(receiver)
    let result = await TestThread {
      var receiver = envelope.take()
      let result = body(&receiver)
      envelope.put(receiver)
      return result
    }.value
    receiver = envelope.take()
    return result
  }

  /// Receives until the channel is closed, and counts. The receiver goes at the end.
  func forEach<Element: ~Copyable & Sendable>(
    _ receiver: consuming Receiver<Element>, _ body: @escaping @Sendable (consuming Element) -> Void
  ) -> Running<Int> {
    switch self {
    case .blocking:
      return .thread(
        onThread(receiver) { receiver in
          var receiver = receiver
          var count = 0
          while let element = receiver.receive() {
            body(element)
            count += 1
          }
          return count
        })
    case .asynchronous:
      return .task(
        inTask(receiver) { receiver in
          var receiver = receiver
          var count = 0
          while let element = await receiver.receive() {
            body(element)
            count += 1
          }
          return count
        })
    case .nonBlocking:
      return .task(
        inTask(receiver) { receiver in
          var receiver = receiver
          var count = 0
          while true {
            switch receiver.tryReceive() {
            case .received(let element):
              body(element)
              count += 1
            case .closed: return count
            case .empty: await Task.yield()
            }
          }
        })
    }
  }

  /// Receives until the channel is closed.
  func collect<Element: Sendable>(_ receiver: consuming Receiver<Element>) async -> [Element] {
    let elements = Collected<Element>()
    _ = await forEach(receiver) { elements.append($0) }.value
    return elements.all
  }

  // MARK: Sending

  /// Non-blocking ends of a rendezvous channel never meet: neither waits for the other. There the sender suspends.
  private func sending<Element: ~Copyable>(to sender: AnySender<Element>) -> Form {
    self == .nonBlocking && sender.isRendezvous ? .asynchronous : self
  }

  /// Sends each of `elements`, in a thread or task of its own that holds the sender for no longer.
  func send<Element: Sendable & Equatable>(
    _ elements: some Sequence<Element> & Sendable, to sender: consuming AnySender<Element>
  ) -> Running<[WaitingSendOutcome<Element>]> {
    switch sending(to: sender) {
    case .blocking:
      return .thread(onThread(sender) { sender in elements.map { sender.sendBlocking($0) } })
    case .asynchronous:
      return .task(
        inTask(sender) { sender in
          var outcomes: [WaitingSendOutcome<Element>] = []
          for element in elements { outcomes.append(await sender.send(element)) }
          return outcomes
        })
    case .nonBlocking:
      return .task(
        inTask(sender) { sender in
          var outcomes: [WaitingSendOutcome<Element>] = []
          for element in elements {
            sending: while true {
              switch sender.trySend(element) {
              case .sent: outcomes.append(.sent)
              case .closed(let element): outcomes.append(.closed(element))
              case .full:
                await Task.yield()
                continue sending
              }
              break
            }
          }
          return outcomes
        })
    }
  }

  /// Sends numbers that are made on the way, and returns how many were sent before the channel was closed.
  func produce<Element: ~Copyable & Sendable>(
    _ count: Int, to sender: consuming AnySender<Element>, _ make: @escaping @Sendable (Int) -> sending Element
  ) -> Running<Int> {
    switch sending(to: sender) {
    case .blocking:
      return .thread(
        onThread(sender) { sender in
          for i in 0..<count {
            switch sender.sendBlocking(make(i)) {
            case .sent: continue
            default: return i
            }
          }
          return count
        })
    case .asynchronous:
      return .task(
        inTask(sender) { sender in
          for i in 0..<count {
            switch await sender.send(make(i)) {
            case .sent: break
            default: return i
            }
            // A send that has room does not suspend; others need the thread too.
            if i % 64 == 63 { await Task.yield() }
          }
          return count
        })
    case .nonBlocking:
      return .task(
        inTask(sender) { sender in
          for i in 0..<count {
            var element = Optional(make(i))
            while let pending = element.take() {
              switch sender.trySend(pending) {
              case .sent: break
              case .closed: return i
              case .full(let refused):
                element = .some(refused)
                await Task.yield()
              }
            }
            if i % 64 == 63 { await Task.yield() }
          }
          return count
        })
    }
  }
}

/// Elements in the order in which one consumer got them.
final class Collected<Element: Sendable>: @unchecked Sendable {
  private let lock = FutexLock()
  private var elements: [Element] = []
  func append(_ element: Element) { lock.withLock { elements.append(element) } }
  var all: [Element] { lock.withLock { elements } }
  var count: Int { lock.withLock { elements.count } }
}
