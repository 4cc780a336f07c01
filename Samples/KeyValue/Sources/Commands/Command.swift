/// One command: how it is called, which keys it uses, and what it does.
struct Command: Sendable {
  /// Which stores a command needs.
  enum Keys: Sendable {
    /// None: it can run anywhere.
    case none
    /// Those of its arguments from `first` to `last` (counted from the end if negative), of which each `step`-th is a
    /// key.
    case arguments(first: Int, last: Int, step: Int)
    /// The number of keys is an argument, and the keys come after it.
    case counted(at: Int)
    /// All of them.
    case every
    /// The one that the cursor tells.
    case cursor

    /// The first argument.
    static let first = Keys.arguments(first: 1, last: 1, step: 1)
    /// All arguments.
    static let all = Keys.arguments(first: 1, last: -1, step: 1)
    /// The first two arguments.
    static let firstTwo = Keys.arguments(first: 1, last: 2, step: 1)
  }

  /// What a session does itself about a command that concerns its connection.
  enum Role: Sendable {
    case hello, client, quit, reset, ping
    case multi, exec, discard, watch, unwatch
    case subscribe, unsubscribe, patternSubscribe, patternUnsubscribe
  }

  typealias Body = @Sendable (Call, inout Answer) throws(CommandError) -> Void

  let name: String
  /// The number of arguments with the name; if negative, at least so many.
  let arity: Int
  let keys: Keys
  /// Nil for most commands, about which a session knows nothing but the keys.
  let role: Role?
  let body: Body

  init(_ name: String, _ arity: Int, _ keys: Keys, role: Role? = nil, _ body: @escaping Body) {
    self.name = name
    self.arity = arity
    self.keys = keys
    self.role = role
    self.body = body
  }

  /// Whether it can be called with so many arguments, its name included.
  func accepts(_ count: Int) -> Bool { arity >= 0 ? count == arity : count >= -arity }
}

/// What a command sees while it runs.
struct Call {
  let arguments: Arguments
  let keyspace: Keyspace
  let client: Client

  var count: Int { arguments.count }
  subscript(index: Int) -> Bytes { arguments[index] }

  func store(_ index: Int) -> Store { keyspace.store(of: arguments[index]) }

  func integer(_ index: Int) throws(CommandError) -> Int {
    guard let value = Number.integer(arguments[index]) else { throw .notAnInteger }
    return value
  }

  /// Whether an argument is this word, in whatever case. The word is in lower case.
  func has(_ word: StaticString, at index: Int) -> Bool {
    let argument = arguments[index]
    guard argument.count == word.utf8CodeUnitCount else { return false }
    for offset in 0..<argument.count where lowercased(argument[offset]) != word.utf8Start[offset] { return false }
    return true
  }

  func text(_ index: Int) -> String { String(decoding: arguments[index], as: UTF8.self) }
}

func lowercased(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte | 0x20 : byte }

// MARK: Values of a certain type

extension Call {
  /// The string that a key stands for; nil if there is no such key.
  func string(_ index: Int) throws(CommandError) -> [UInt8]? {
    switch store(index).value(of: self[index]) {
    case nil: return nil
    case .string(let value): return value
    default: throw .wrongType
    }
  }

  func list(_ index: Int) throws(CommandError) -> List? {
    switch store(index).value(of: self[index]) {
    case nil: return nil
    case .list(let list): return list
    default: throw .wrongType
    }
  }

  func fields(_ index: Int) throws(CommandError) -> Fields? {
    switch store(index).value(of: self[index]) {
    case nil: return nil
    case .hash(let fields): return fields
    default: throw .wrongType
    }
  }

  func members(_ index: Int) throws(CommandError) -> Members? {
    switch store(index).value(of: self[index]) {
    case nil: return nil
    case .set(let members): return members
    default: throw .wrongType
    }
  }

  /// The list of a key, which is made if there is no such key.
  func listOrNew(_ index: Int) throws(CommandError) -> List {
    if let list = try list(index) { return list }
    let list = List()
    store(index).set(self[index], .list(list))
    return list
  }

  func fieldsOrNew(_ index: Int) throws(CommandError) -> Fields {
    if let fields = try fields(index) { return fields }
    let fields = Fields()
    store(index).set(self[index], .hash(fields))
    return fields
  }

  func membersOrNew(_ index: Int) throws(CommandError) -> Members {
    if let members = try members(index) { return members }
    let members = Members()
    store(index).set(self[index], .set(members))
    return members
  }

  /// Notes that the list, hash or set of a key has changed.
  func changed(_ index: Int, isEmpty: Bool = false) { store(index).changed(self[index], isEmpty: isEmpty) }
}
