import Troupe

/// Who listens to which channels of a shard. A channel belongs to one shard, as a key does; a pattern may fit channels
/// of all shards, so each shard knows all patterns.
final class Subscriptions {
  private let channels = ByteTable<[Client]>()
  private let patterns = ByteTable<[Client]>()

  enum Kind { case channel, pattern }

  private func table(_ kind: Kind) -> ByteTable<[Client]> { kind == .channel ? channels : patterns }

  func add(_ client: Client, to name: Bytes, _ kind: Kind) {
    let table = table(kind)
    guard let place = table.find(name) else {
      table.insert(Array(name), [client])
      return
    }
    if !table[place].contains(client) { table[place].append(client) }
  }

  func remove(_ client: Client, from name: Bytes, _ kind: Kind) {
    let table = table(kind)
    guard let place = table.find(name) else { return }
    table[place].removeAll { $0 == client }
    if table[place].isEmpty { table.remove(at: place) }
  }

  /// Removes a client from all channels, or from all patterns. O(channels of the shard).
  func remove(_ client: Client, _ kind: Kind) {
    let table = table(kind)
    for place in (0..<table.count).reversed() where table[place].contains(client) {
      table[place].removeAll { $0 == client }
      // The last slot, which moves here, has been looked at.
      if table[place].isEmpty { table.remove(at: place) }
    }
  }

  var patternCount: Int { patterns.count }

  func count(of channel: Bytes) -> Int { channels.value(of: channel)?.count ?? 0 }

  /// The channels that somebody listens to, other than by a pattern.
  var channelNames: [[UInt8]] { channels.slots.map(\.key) }

  /// Sends a message to all who listen to a channel. Returns how many they are.
  func publish(_ message: Bytes, to channel: Bytes) -> Int {
    var receivers = 0
    if let listeners = channels.value(of: channel) {
      receivers += send(to: listeners) { answer in
        answer.push(3)
        answer.bulk("message")
        answer.bulk(channel)
        answer.bulk(message)
      }
    }
    for slot in patterns.slots where slot.key.withUnsafeBytes({ Glob.matches(channel, $0) }) {
      receivers += send(to: slot.value) { answer in
        answer.push(4)
        answer.bulk("pmessage")
        answer.bulk(slot.key)
        answer.bulk(channel)
        answer.bulk(message)
      }
    }
    return receivers
  }

  /// Encodes a message once for each version of the protocol, and sends the bytes to everybody.
  private func send(to listeners: [Client], _ encode: (inout Answer) -> Void) -> Int {
    var encoded: [Bool: [UInt8]] = [:]
    for client in listeners {
      let bytes =
        encoded[client.isRESP3]
        ?? {
          var answer = Answer(isRESP3: client.isRESP3)
          encode(&answer)
          encoded[client.isRESP3] = answer.bytes
          return answer.bytes
        }()
      client.session.send(.published(bytes))
    }
    return listeners.count
  }
}
