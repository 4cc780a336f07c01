internal import CTroupeSockets

/// A set of descriptors of which the system tells what becomes ready: epoll on Linux, and poll elsewhere. The files of
/// the C target CTroupeSockets whose name begins with `poller_` have one way each.
struct DescriptorSet: ~Copyable, @unchecked Sendable {
  typealias Ready = troupe_ready
  private let handle: OpaquePointer

  init?() {
    guard let handle = troupe_poller_create() else { return nil }
    self.handle = handle
  }
  deinit { troupe_poller_destroy(handle) }

  /// Whether the system has to be told what the owner of a descriptor waits for.
  static var isTold: Bool { troupe_poller_is_told() }

  func add(_ descriptor: Int32, _ token: UInt64) -> Int32 { troupe_poller_add(handle, descriptor, token) }
  func remove(_ descriptor: Int32) -> Int32 { troupe_poller_remove(handle, descriptor) }
  func want(_ descriptor: Int32, _ events: UInt32) { _ = troupe_poller_want(handle, descriptor, events) }
  func wait(_ ready: UnsafeMutableBufferPointer<Ready>, block: Bool) -> Int {
    Int(troupe_poller_wait(handle, ready.baseAddress, Int32(ready.count), block))
  }
  func wake() { troupe_poller_wake(handle) }
}
