import Troupe

struct NoReadings: Error {}

struct Records: Behavior {
  enum Message: ~Copyable {
    case add(Double)
    case average(Reply<Double>)
  }
  var readings: [Double] = []

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch consume message {
    case .add(let reading):
      readings.append(reading)
      if readings.count > 60 { readings.removeFirst() }
    case .average(let reply):
      if readings.isEmpty {
        reply.fail(NoReadings())
      } else {
        reply.send(readings.reduce(0, +) / Double(readings.count))
      }
    }
  }
}
