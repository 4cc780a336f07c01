import TroupeChannels

/// Carries something that cannot be copied to the thread that uses it up.
final class Hand<Value: ~Copyable> {
  private var value: Value?
  init(_ value: consuming Value) { self.value = consume value }
  func take() -> Value { value.take()! }
  func put(_ value: consuming Value) { self.value = consume value }
}

/// What one producer did. Only its own thread touches it until all are done.
final class Sending {
  var sent: [Int] = []
  var returned: [Int] = []

  /// False if the channel is closed.
  func note<E: Numbered & ~Copyable>(_ id: Int, _ outcome: consuming SendOutcome<E>) -> Bool {
    switch consume outcome {
    case .sent:
      sent.append(id)
      return true
    case .closed(let element):
      returned.append(element.id)
      return false
    }
  }
  /// False if the channel is closed.
  func note<E: Numbered & ~Copyable>(_ id: Int, _ outcome: consuming WaitingSendOutcome<E>) -> Bool {
    switch consume outcome {
    case .sent:
      sent.append(id)
      return true
    case .closed(let element):
      returned.append(element.id)
      return false
    case .timedOut(let element):
      returned.append(element.id)
      return true
    case .cancelled(let element):
      returned.append(element.id)
      return true
    }
  }
  /// False if the channel is closed.
  func note<E: Numbered & ~Copyable>(_ id: Int, _ outcome: consuming TrySendOutcome<E>) -> Bool {
    switch consume outcome {
    case .sent:
      sent.append(id)
      return true
    case .closed(let element):
      returned.append(element.id)
      return false
    case .full(let element):
      returned.append(element.id)
      return true
    }
  }
}

/// What the consumer saw.
final class Receiving {
  var received: [Int] = []
  /// It was told that nothing can come any more.
  var sawEnd = false
  /// It received something after that.
  var sawMore = false

  func add(_ id: Int) {
    if sawEnd { sawMore = true }
    received.append(id)
  }
}

/// What must hold of every execution on a channel.
extension ModelTests {
  static func verify(_ account: Account, _ producers: [Sending], _ consumer: Receiving) -> String? {
    let sent = producers.flatMap(\.sent)
    let returned = producers.flatMap(\.returned)
    let received = consumer.received
    var trouble: String?
    if let unbalanced = account.trouble {
      trouble = unbalanced
    } else if Set(received).count != received.count {
      trouble = "an element was received twice"
    } else if !Set(received).isSubset(of: sent) {
      trouble = "an element was received that was not sent"
    } else if !Set(returned).isDisjoint(with: sent) {
      trouble = "an element was sent and came back"
    } else if consumer.sawMore {
      trouble = "an element came after the end"
    } else if consumer.sawEnd && received.count != sent.count {
      trouble = "the end came before an element"
    } else {
      for producer in producers {
        let own = Set(producer.sent)
        let order = received.filter { own.contains($0) }
        if order != Array(producer.sent.prefix(order.count)) { trouble = "elements of one producer changed places" }
      }
    }
    return trouble.map { "\($0): sent \(producers.map(\.sent)), returned \(returned), received \(received)" }
  }
}
