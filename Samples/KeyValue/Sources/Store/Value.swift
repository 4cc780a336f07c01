/// What a key stands for.
enum Value {
  case string([UInt8])
  case list(List)
  case hash(Fields)
  case set(Members)

  /// The name of the type, as `TYPE` tells it.
  var typeName: StaticString {
    switch self {
    case .string: "string"
    case .list: "list"
    case .hash: "hash"
    case .set: "set"
    }
  }

  /// A value of its own with the same content.
  func copy() -> Value {
    switch self {
    case .string: self
    case .list(let list): .list(list.copy())
    case .hash(let fields): .hash(fields.copy())
    case .set(let members): .set(members.copy())
    }
  }
}

/// The fields of a hash, each with its value.
typealias Fields = ByteTable<[UInt8]>
/// The members of a set.
typealias Members = ByteTable<Void>
