/// Envelopes in line, the first to come first. It holds them.
struct EnvelopeList {
  private var first: Unmanaged<Envelope>?
  private var last: Unmanaged<Envelope>?
  private(set) var count = 0

  var isEmpty: Bool { first == nil }
  /// The position of the first.
  var position: UInt? { first?._withUnsafeGuaranteedRef { $0.position } }

  mutating func append(_ envelope: Envelope) { append(Unmanaged.passRetained(envelope)) }

  private mutating func append(_ envelope: Unmanaged<Envelope>) {
    envelope._withUnsafeGuaranteedRef { $0.next = nil }
    if let last { last._withUnsafeGuaranteedRef { $0.next = envelope } } else { first = envelope }
    last = envelope
    count += 1
  }

  /// What `EnvelopeStack` gave: the last first.
  mutating func append(reversing stack: Unmanaged<Envelope>?) {
    guard let stack else { return }
    // The top is the last of them, the bottom the first.
    var reversed: Unmanaged<Envelope>?
    var each: Unmanaged<Envelope>? = stack
    while let envelope = each {
      each = envelope._withUnsafeGuaranteedRef {
        let below = $0.next
        $0.next = reversed
        return below
      }
      reversed = envelope
      count += 1
    }
    if let last { last._withUnsafeGuaranteedRef { $0.next = reversed } } else { first = reversed }
    last = stack
  }

  /// Puts another list before this one; that is empty then.
  mutating func prepend(_ other: inout EnvelopeList) {
    guard let otherLast = other.last else { return }
    otherLast._withUnsafeGuaranteedRef { $0.next = first }
    if last == nil { last = otherLast }
    first = other.first
    count += other.count
    other = EnvelopeList()
  }

  mutating func popFirst() -> Envelope? {
    guard let envelope = first else { return nil }
    first = envelope._withUnsafeGuaranteedRef { $0.next }
    if first == nil { last = nil }
    count -= 1
    return envelope.takeRetainedValue()
  }
}
