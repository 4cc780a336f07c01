import Foundation
import Troupe

struct Sampler: Behavior {
  enum Message: Sendable { case measure }
  let records: Address<Records.Message>
  let read: @Sendable () throws -> Double

  mutating func started(in context: Context<Message>) {
    context.timers.fixedRate("measure", every: .seconds(1)) { .measure }
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    switch message {
    case .measure: records.send(.add(try read()))
    }
  }
}

struct NotALoad: Error { let text: String }

func readLoad(from path: String) throws -> Double {
  let text = try String(contentsOfFile: path, encoding: .utf8)
  guard let first = text.split(separator: " ").first, let load = Double(first) else { throw NotALoad(text: text) }
  return load
}
