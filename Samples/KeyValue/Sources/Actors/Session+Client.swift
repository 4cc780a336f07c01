import Troupe
import TroupeNet

extension Session {
  /// Chooses the version of the protocol. Returns what puts in the answer, which is of the new version already.
  mutating func hello(_ call: Call) -> (inout Answer) -> Void {
    var index = 1
    var version = isRESP3 ? 3 : 2
    var newName: [UInt8]?
    if call.count > 1 {
      guard let number = Number.integer(call[1]), number == 2 || number == 3 else {
        let text =
          Number.integer(call[1]) == nil
          ? "ERR Protocol version is not an integer or out of range" : "NOPROTO unsupported protocol version"
        return { $0.error(.other(text)) }
      }
      version = number
      index = 2
    }
    while index < call.count {
      if call.has("setname", at: index), index + 1 < call.count {
        newName = Array(call[index + 1])
        index += 2
      } else {
        return { $0.error(.other("ERR Syntax error in HELLO option")) }
      }
    }
    isRESP3 = version == 3
    if let newName { name = newName }
    let number = number
    return { answer in
      answer.map(7)
      answer.bulk("server")
      answer.bulk("keyvalue")
      answer.bulk("version")
      answer.bulk("7.0.0")
      answer.bulk("proto")
      answer.integer(version)
      answer.bulk("id")
      answer.integer(number)
      answer.bulk("mode")
      answer.bulk("standalone")
      answer.bulk("role")
      answer.bulk("master")
      answer.bulk("modules")
      answer.array(0)
    }
  }

  /// `CLIENT`, as far as client libraries use it.
  mutating func describeClient(_ call: Call, _ answer: inout Answer) {
    let line =
      "id=\(number) addr=\(connection.peer) name=\(String(decoding: name, as: UTF8.self)) "
      + "resp=\(isRESP3 ? 3 : 2)\n"
    if call.has("id", at: 1), call.count == 2 {
      answer.integer(number)
    } else if call.has("getname", at: 1), call.count == 2 {
      if name.isEmpty { answer.null() } else { answer.bulk(name) }
    } else if call.has("setname", at: 1), call.count == 3 {
      // The name is one word, because it is shown in a line.
      if call[2].contains(where: { $0 < 33 || $0 > 126 }) {
        answer.error(.other("ERR Client names cannot contain spaces, newlines or special characters."))
      } else {
        name = Array(call[2])
        answer.ok()
      }
    } else if call.has("setinfo", at: 1), call.count == 4 {
      answer.ok()
    } else if call.has("info", at: 1) || call.has("list", at: 1) {
      // Only of this connection: no actor knows all of them.
      answer.text(line)
    } else {
      answer.error(.other("ERR unknown subcommand '\(call.text(1).prefix(128))'. Try CLIENT HELP."))
    }
  }

  /// In version 2 a client with subscriptions gets arrays only.
  static func answerPing(_ call: Call, _ answer: inout Answer) {
    answer.array(2)
    answer.bulk("pong")
    if call.count == 2 { answer.bulk(call[1]) } else { answer.bulk("") }
  }
}
