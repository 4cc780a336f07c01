/// The method of a request, such as GET. Methods are compared by their exact name, which is case-sensitive.
public struct Method: Hashable, Sendable, RawRepresentable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The name of the method.
  public let rawValue: String

  /// Makes a method from its name.
  public init(rawValue: String) { self.rawValue = rawValue }
  /// Makes a method from its name.
  public init(stringLiteral name: String) { rawValue = name }

  /// The name of the method.
  public var description: String { rawValue }

  /// Reads something.
  public static let get: Method = "GET"
  /// Reads the head of what GET would read.
  public static let head: Method = "HEAD"
  /// Hands something in.
  public static let post: Method = "POST"
  /// Puts something in its place.
  public static let put: Method = "PUT"
  /// Changes a part of something.
  public static let patch: Method = "PATCH"
  /// Removes something.
  public static let delete: Method = "DELETE"
  /// Asks what can be done.
  public static let options: Method = "OPTIONS"

  /// The methods that the server knows without a route for them. A method that is neither here nor in a route is
  /// answered with 501.
  static func isKnown(_ name: String) -> Bool {
    switch name {
    case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS": true
    default: false
    }
  }

  /// Makes a method of bytes that were checked to be a token.
  init(_ bytes: UnsafeRawBufferPointer) {
    // The most frequent ones need no decoding.
    if bytes.count == 3 && bytes[0] == UInt8(ascii: "G") && bytes[1] == UInt8(ascii: "E")
      && bytes[2] == UInt8(ascii: "T")
    {
      rawValue = "GET"
    } else {
      rawValue = String(decoding: bytes, as: UTF8.self)
    }
  }
}
