import Foundation
import TroupeNet

#if canImport(Glibc)
  import Glibc
#endif

/// A UDP socket without any of the code under test. Its calls block their thread, so they run in a `TestThread`.
final class RawDatagrams: @unchecked Sendable {
  private let descriptor: Int32
  private let isIPv6: Bool
  private(set) var port = 0

  /// A socket of the loopback interface. Nil if the port is taken, or there is no IPv6.
  init?(isIPv6: Bool = false, port: Int = 0) {
    self.isIPv6 = isIPv6
    descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    guard Self.with("127.0.0.1", port, isIPv6, { bind(descriptor, $0, $1) }) == 0 else { return nil }
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    // The port is at the same place in both kinds of addresses.
    self.port = Int(UInt16(bigEndian: address.sin6_port))
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Where this socket is, as the sender of what it sends.
  var endpoint: Endpoint { .tcp(host: isIPv6 ? "::1" : "127.0.0.1", port: port) }

  private static func with(
    _ host: String, _ port: Int, _ isIPv6: Bool, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = UInt16(port).bigEndian
      address.sin6_addr = in6addr_loopback
      return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
      }
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr(host)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  /// Sends a datagram to a port of the loopback interface. Returns whether the system took it.
  @discardableResult func send(_ bytes: [UInt8], to port: Int) -> Bool {
    Self.with("127.0.0.1", port, isIPv6) { address, length in
      bytes.withUnsafeBytes { Int32(sendto(descriptor, $0.baseAddress, $0.count, 0, address, length)) }
    } == bytes.count
  }
  @discardableResult func send(_ text: String, to port: Int) -> Bool { send(Array(text.utf8), to: port) }

  /// The next datagram and the port of its sender. It blocks until there is one, or for so many milliseconds.
  func receive(within limit: Int = 60_000) -> (bytes: [UInt8], port: Int)? {
    var time = timeval(tv_sec: limit / 1000, tv_usec: limit % 1000 * 1000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var room = [UInt8](repeating: 0, count: 65536)
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let count = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &room, room.count, 0, $0, &length) }
    }
    return count < 0 ? nil : (Array(room[..<count]), Int(UInt16(bigEndian: address.sin6_port)))
  }
  func text(within limit: Int = 60_000) -> String? {
    receive(within: limit).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  /// The addresses of this machine that hold for one link only, such as `fe80::1%eth0`.
  static var linkLocalHosts: [String] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [String] = []
    var next = list
    while let each = next {
      next = each.pointee.ifa_next
      guard let address = each.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET6) else { continue }
      var text = [CChar](repeating: 0, count: 100)
      let length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      guard getnameinfo(address, length, &text, 100, nil, 0, NI_NUMERICHOST) == 0 else { continue }
      let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if host.hasPrefix("fe80:") { found.append(host) }
    }
    return found
  }
}
