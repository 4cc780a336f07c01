/// All commands, found by their names.
final class CommandTable: Sendable {
  static let shared = CommandTable(
    StringCommands.all + CounterCommands.all + KeyCommands.all + ExpiryCommands.all + ListCommands.all
      + HashCommands.all + SetCommands.all + ScanCommands.all + ChannelCommands.all + ServerCommands.all
      + SessionCommands.all)

  let commands: [Command]
  /// For each place of an open-addressed table, a name as a number and the place of its command.
  private let places: [(name: Name, index: Int)]

  /// A name in lower case, padded with zeros. No command has a longer one.
  private struct Name: Equatable, Sendable {
    var low: UInt64 = 0
    var high: UInt64 = 0

    init?(_ bytes: Bytes) {
      if bytes.isEmpty || bytes.count > 16 { return nil }
      for (index, byte) in bytes.enumerated() {
        let byte = UInt64(lowercased(byte))
        if index < 8 { low |= byte << (8 * UInt64(index)) } else { high |= byte << (8 * UInt64(index - 8)) }
      }
    }

    var hash: Int { Int(truncatingIfNeeded: ((low ^ high &* 31) &* 0x9e37_79b9_7f4a_7c15) >> 48) }
  }

  private init(_ commands: [Command]) {
    // Place 0 stands for what is no command.
    let none = Command("", 0, .none) { (call, _) throws(CommandError) in
      let arguments = (1..<call.count).prefix(16).map { "'\(call.text($0).prefix(128))' " }.joined()
      throw .other("ERR unknown command '\(call.text(0).prefix(128))', with args beginning with: \(arguments)")
    }
    self.commands = [none] + commands
    var places = Array(repeating: (name: Name([1].span.withUnsafeBytes { $0 })!, index: 0), count: 1024)
    for (index, command) in self.commands.enumerated().dropFirst() {
      guard let name = Array(command.name.utf8).withUnsafeBytes({ Name($0) }) else {
        fatalError("KeyValue: the name of the command '\(command.name)' is too long")
      }
      var place = name.hash & 1023
      while places[place].index != 0 { place = (place + 1) & 1023 }
      places[place] = (name, index)
    }
    self.places = places
  }

  /// The place of the command with this name, in whatever case; 0 if there is none.
  func index(of name: Bytes) -> Int {
    guard let name = Name(name) else { return 0 }
    var place = name.hash & 1023
    while places[place].index != 0 {
      if places[place].name == name { return places[place].index }
      place = (place + 1) & 1023
    }
    return 0
  }
}
