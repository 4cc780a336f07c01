/// Why a command is refused, in the words that Redis uses, since clients look for them.
enum CommandError: Error, Equatable, CustomStringConvertible {
  case wrongType
  case notAnInteger
  case notAFloat
  case syntax
  case outOfRange
  case noSuchKey
  case overflow
  case wrongArguments(String)
  /// Anything else, with its code.
  case other(String)

  var description: String {
    switch self {
    case .wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value"
    case .notAnInteger: "ERR value is not an integer or out of range"
    case .notAFloat: "ERR value is not a valid float"
    case .syntax: "ERR syntax error"
    case .outOfRange: "ERR index out of range"
    case .noSuchKey: "ERR no such key"
    case .overflow: "ERR increment or decrement would overflow"
    case .wrongArguments(let name): "ERR wrong number of arguments for '\(name)' command"
    case .other(let text): text
    }
  }
}
