/// The channels and patterns that one client listens to.
struct SubscriptionNames {
  private var channels: Set<[UInt8]> = []
  private var patterns: Set<[UInt8]> = []

  var count: Int { channels.count + patterns.count }
  var isEmpty: Bool { count == 0 }

  /// In version 2 of the protocol an answer and a message cannot be told apart, so a client that listens may do little
  /// else.
  func restrictsClient(_ isRESP3: Bool) -> Bool { !isRESP3 && !isEmpty }

  /// Notes what a command changes. Returns the answer to it, which has one part for each channel.
  mutating func change(_ role: Command.Role, _ call: Call, _ isRESP3: Bool) -> [UInt8] {
    var answer = Answer(isRESP3: isRESP3)
    let adds = role == .subscribe || role == .patternSubscribe
    let isPattern = role == .patternSubscribe || role == .patternUnsubscribe
    let word = (isPattern ? "p" : "") + (adds ? "subscribe" : "unsubscribe")
    var names = (1..<call.count).map { Array(call[$0]) }
    if !adds && names.isEmpty { names = Array(isPattern ? patterns : channels) }
    for name in names {
      switch (isPattern, adds) {
      case (false, true): channels.insert(name)
      case (false, false): channels.remove(name)
      case (true, true): patterns.insert(name)
      case (true, false): patterns.remove(name)
      }
      answer.push(3)
      answer.bulk(word)
      answer.bulk(name)
      answer.integer(count)
    }
    if names.isEmpty {
      answer.push(3)
      answer.bulk(word)
      answer.null()
      answer.integer(count)
    }
    return answer.bytes
  }
}
