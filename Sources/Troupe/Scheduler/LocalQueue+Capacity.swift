extension LocalQueue {
  /// A power of two.
  static var capacity: UInt { 256 }
}
