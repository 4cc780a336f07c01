import Troupe

/// What the stores know about a client.
struct Client: Sendable, Equatable {
  /// No two connections have the same one.
  let number: Int
  /// Where its answers go, and what is published on its channels.
  let session: Address<Session.Message>
  /// Whether it speaks version 3 of the protocol.
  var isRESP3: Bool

  static func == (a: Client, b: Client) -> Bool { a.number == b.number }
}
