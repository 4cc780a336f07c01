/// The words that may follow `SET key value` and `GETEX key`.
struct SetOptions {
  var onlyIfNew = false
  var onlyIfThere = false
  var returnsOld = false
  var keepsDeadline = false
  var dropsDeadline = false
  var deadline: Int64?

  mutating func read(_ call: Call, from start: Int) throws(CommandError) {
    var index = start
    while index < call.count {
      if call.has("nx", at: index) {
        onlyIfNew = true
      } else if call.has("xx", at: index) {
        onlyIfThere = true
      } else if call.has("get", at: index) {
        returnsOld = true
      } else if call.has("keepttl", at: index) {
        keepsDeadline = true
      } else {
        try readDeadline(call, &index)
      }
      index += 1
    }
    if onlyIfNew && onlyIfThere || keepsDeadline && deadline != nil { throw .syntax }
  }

  mutating func readForGet(_ call: Call, from start: Int) throws(CommandError) {
    var index = start
    while index < call.count {
      if call.has("persist", at: index) { dropsDeadline = true } else { try readDeadline(call, &index) }
      index += 1
    }
    if dropsDeadline && deadline != nil { throw .syntax }
  }

  private mutating func readDeadline(_ call: Call, _ index: inout Int) throws(CommandError) {
    guard deadline == nil, index + 1 < call.count else { throw .syntax }
    let now = call.store(1).now
    if call.has("ex", at: index) {
      deadline = try Deadline.after(call, index + 1, unit: 1000, now: now)
    } else if call.has("px", at: index) {
      deadline = try Deadline.after(call, index + 1, unit: 1, now: now)
    } else if call.has("exat", at: index) {
      deadline = try Deadline.after(call, index + 1, unit: 1000, now: 0)
    } else if call.has("pxat", at: index) {
      deadline = try Deadline.after(call, index + 1, unit: 1, now: 0)
    } else {
      throw .syntax
    }
    index += 1
  }
}

/// Moments at which keys end, in milliseconds since 1970.
enum Deadline {
  /// The moment that lies so many units after another one. The argument must be positive.
  static func after(_ call: Call, _ index: Int, unit: Int, now: Int64) throws(CommandError) -> Int64 {
    let amount = try call.integer(index)
    guard amount > 0, let deadline = moment(amount, unit, now) else { throw invalid(call) }
    return deadline
  }

  /// Any amount is allowed, but the moment must fit into the number.
  static func moment(_ amount: Int, _ unit: Int, _ now: Int64) -> Int64? {
    let (product, isTooLarge) = amount.multipliedReportingOverflow(by: unit)
    let (sum, overflows) = Int64(product).addingReportingOverflow(now)
    return isTooLarge || overflows ? nil : sum
  }

  static func invalid(_ call: Call) -> CommandError {
    .other("ERR invalid expire time in '\(call.text(0).lowercased())' command")
  }
}
