import Troupe
import TroupeNet
struct Connection<C: Codec>: Sendable {
  var peer: String { "" }
  @discardableResult func write(_ frame: consuming C.Outbound) -> Bool { true }
  func pauseReading() {}
  func resumeReading() {}
  func close() {}
}
enum ConnectionEvent<Frame> { case connected, received(Frame), inputEnded, drained, closed(Int) }
