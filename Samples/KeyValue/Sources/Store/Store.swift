/// The keys of one shard, with their values, and who listens to its channels.
///
/// It is Sendable because only one actor has it at a time: its shard, or the coordinator, to which the shard has lent
/// it.
final class Store: @unchecked Sendable {
  struct Entry {
    var value: Value
    /// When the key ends, in milliseconds since 1970; 0 if it does not.
    var deadline: Int64 = 0
    /// Which change was the last one of this key. No two changes of a store have the same number.
    var version: UInt64 = 0
  }

  @exclusivity(unchecked) private(set) var entries = ByteTable<Entry>()
  /// The time in milliseconds since 1970, as of the work in hand. During one piece of work it stands still, so that no
  /// key ends in the middle of a command.
  @exclusivity(unchecked) var now: Int64 = 0
  /// How many keys have a deadline.
  @exclusivity(unchecked) private(set) var mortalCount = 0
  /// How many keys have ended because of their deadline.
  private(set) var expiredCount = 0
  @exclusivity(unchecked) private var version: UInt64 = 0
  /// The place from which the next sweep goes on.
  private var sweepPlace = 0

  /// The keys that clients watch, by the number of the client, with the versions that they had.
  private var watches: [Int: [(key: [UInt8], version: UInt64)]] = [:]
  let subscriptions = Subscriptions()

  var count: Int { entries.count }

  /// The place of a key in the table, if there is such a key and its time is not over.
  func find(_ key: Bytes) -> Int? {
    guard let place = entries.find(key) else { return nil }
    return isOver(entries[place]) ? expire(at: place) : place
  }

  private func isOver(_ entry: Entry) -> Bool { entry.deadline != 0 && entry.deadline <= now }

  private func expire(at place: Int) -> Int? {
    remove(at: place)
    expiredCount += 1
    return nil
  }

  func value(of key: Bytes) -> Value? { find(key).map { entries[$0].value } }

  /// Sets a key to a value. What the key stood for, and its deadline, are forgotten.
  func set(_ key: Bytes, _ value: Value, deadline: Int64 = 0) {
    if let place = entries.find(key) {
      if entries[place].deadline != 0 { mortalCount -= 1 }
      version += 1
      entries[place] = Entry(value: value, deadline: deadline, version: version)
    } else {
      version += 1
      entries.insert(Array(key), Entry(value: value, deadline: deadline, version: version))
    }
    if deadline != 0 { mortalCount += 1 }
  }

  /// Changes the value of a key and leaves its deadline as it is.
  func replace(at place: Int, _ value: Value) {
    version += 1
    entries[place].value = value
    entries[place].version = version
  }

  /// Notes that the list, the hash or the set at this place has changed. An empty one is removed.
  func changed(_ key: Bytes, isEmpty: Bool) {
    guard let place = entries.find(key) else { return }
    if isEmpty { return remove(at: place) }
    version += 1
    entries[place].version = version
  }

  func setDeadline(at place: Int, _ deadline: Int64) {
    mortalCount += (deadline != 0 ? 1 : 0) - (entries[place].deadline != 0 ? 1 : 0)
    version += 1
    entries[place].deadline = deadline
    entries[place].version = version
  }

  @discardableResult func remove(_ key: Bytes) -> Entry? {
    guard let place = find(key) else { return nil }
    let entry = entries[place]
    remove(at: place)
    return entry
  }

  private func remove(at place: Int) {
    if entries[place].deadline != 0 { mortalCount -= 1 }
    entries.remove(at: place)
  }

  func removeAll() {
    entries.removeAll()
    mortalCount = 0
    sweepPlace = 0
  }

  /// Looks at some keys and removes those whose time is over. Returns whether there are so many of them that it had
  /// better go on at once. Keys that nobody asks for would stay without this.
  func sweep(_ limit: Int = 1000) -> Bool {
    var (seen, mortals, expired) = (0, 0, 0)
    let limit = min(limit, entries.count)
    while mortalCount > 0 && seen < limit {
      if sweepPlace >= entries.count { sweepPlace = 0 }
      seen += 1
      let entry = entries[sweepPlace]
      if entry.deadline != 0 { mortals += 1 }
      if isOver(entry) {
        expired += 1
        // The last slot moves here, and is looked at next.
        _ = expire(at: sweepPlace)
      } else {
        sweepPlace += 1
      }
    }
    return expired * 4 > mortals
  }
}

// MARK: Watched keys

extension Store {
  /// Notes the version of a key for a client.
  func watch(_ key: Bytes, by client: Int) {
    watches[client, default: []].append((Array(key), currentVersion(of: key)))
  }

  /// Whether a client watches a key here which has changed since.
  func hasChanged(for client: Int) -> Bool {
    watches[client, default: []].contains { watched in
      watched.key.withUnsafeBytes { currentVersion(of: $0) } != watched.version
    }
  }

  func unwatch(by client: Int) { watches[client] = nil }

  /// 0 stands for a key that is not there.
  private func currentVersion(of key: Bytes) -> UInt64 { find(key).map { entries[$0].version } ?? 0 }
}
