import Foundation

/// The options of a sample, which are numbers, flags and other values that set properties of `Values`.
///
/// ```swift
/// let command = Command<Options>("Bank", "Moves money between accounts.", [
///   .number("accounts", \.accounts, 2...1_000_000, "so many accounts")
/// ])
/// let options = command.parse(defaults: Options())
/// ```
public struct Command<Values> {
  /// One option. Its value when it is not given comes from the defaults.
  public struct Option {
    enum Kind {
      case number(WritableKeyPath<Values, Int>, ClosedRange<Int>)
      case flag(WritableKeyPath<Values, Bool>)
      /// Reads a text, and returns whether it is a value; and shows the value that there is.
      case value(read: (inout Values, String) -> Bool, show: (Values) -> String, form: String)
    }
    let name: String
    let kind: Kind
    let help: String

    /// Makes an option that takes a number, as in `--name N`.
    public static func number(
      _ name: String, _ path: WritableKeyPath<Values, Int>, _ range: ClosedRange<Int>, _ help: String
    ) -> Option {
      Option(name: "--" + name, kind: .number(path, range), help: help)
    }

    /// Makes an option that takes a text, as in `--name PATH`. The placeholder stands for it in the help.
    public static func text(
      _ name: String, _ path: WritableKeyPath<Values, String>, _ placeholder: String, _ help: String
    ) -> Option {
      value(name, path, placeholder, help)
    }

    /// Makes an option that takes a value of another type, whose form the help shows, as in `--name HOST:PORT`.
    public static func value<Value: LosslessStringConvertible>(
      _ name: String, _ path: WritableKeyPath<Values, Value>, _ form: String, _ help: String
    ) -> Option {
      let read = { (values: inout Values, text: String) -> Bool in
        guard let value = Value(text) else { return false }
        values[keyPath: path] = value
        return true
      }
      return Option(
        name: "--" + name, kind: .value(read: read, show: { $0[keyPath: path].description }, form: form), help: help)
    }

    /// Makes an option without a value, as in `--name`.
    public static func flag(_ name: String, _ path: WritableKeyPath<Values, Bool>, _ help: String) -> Option {
      Option(name: "--" + name, kind: .flag(path), help: help)
    }
  }

  struct UsageError: Error { let message: String }

  let name: String
  let purpose: String
  let options: [Option]

  /// Makes a command from the program's name, what the program does, and the options that it takes.
  public init(_ name: String, _ purpose: String, _ options: [Option]) {
    self.name = name
    self.purpose = purpose
    self.options = options
  }

  /// Reads the command line. It ends the program after `--help`, and with exit code 2 if something is wrong.
  public func parse(defaults: Values) -> Values {
    do {
      if let values = try values(of: CommandLine.arguments.dropFirst(), defaults) { return values }
      print(usage(defaults))
      exit(0)
    } catch {
      FileHandle.standardError.write(Data("\(name): \(error.message)\n\(usage(defaults))\n".utf8))
      exit(2)
    }
  }

  /// Returns the values that the arguments ask for, or nil if they ask for help.
  func values(of arguments: ArraySlice<String>, _ defaults: Values) throws(UsageError) -> Values? {
    var (values, rest) = (defaults, arguments)
    while let argument = rest.popFirst() {
      if argument == "--help" || argument == "-h" { return nil }
      guard let option = options.first(where: { $0.name == argument }) else {
        throw UsageError(message: "unknown option \(argument)")
      }
      switch option.kind {
      case .flag(let path): values[keyPath: path] = true
      case .value(let read, _, let form):
        guard let text = rest.popFirst() else { throw UsageError(message: "\(argument) needs \(form)") }
        guard read(&values, text) else { throw UsageError(message: "\(argument) needs \(form), not '\(text)'") }
      case .number(let path, let range):
        guard let text = rest.popFirst() else { throw UsageError(message: "\(argument) needs a number") }
        guard let number = Int(text), range.contains(number) else {
          throw UsageError(
            message: "\(argument) needs a number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        values[keyPath: path] = number
      }
    }
    return values
  }

  func usage(_ defaults: Values) -> String {
    var lines = ["usage: \(name) [OPTION…]", "", purpose, ""]
    for option in options {
      switch option.kind {
      case .number(let path, _): lines.append(line(option.name + " N", "\(option.help) (\(defaults[keyPath: path]))"))
      case .flag: lines.append(line(option.name, option.help))
      case .value(_, let show, let form):
        let value = show(defaults)
        lines.append(line("\(option.name) \(form)", value.isEmpty ? option.help : "\(option.help) (\(value))"))
      }
    }
    return (lines + [line("--help", "print this")]).joined(separator: "\n")
  }

  private func line(_ name: String, _ help: String) -> String {
    "  " + name + String(repeating: " ", count: max(1, 20 - name.count)) + help
  }
}
