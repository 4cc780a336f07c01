import TestSupport
import Testing
import Troupe
import TroupeTestKit

@testable import TroupeNet

/// An actor that opens a socket when it starts, and then does what the test says.
private struct Station: Behavior {
  enum Message {
    case datagram(Datagrams.Datagram)
    case other
  }
  typealias Body = @Sendable (Message, Datagrams, Context<Message>) throws -> Void
  let endpoint: Endpoint
  let opened: Later<Datagrams>
  let body: Body
  var socket: Datagrams?

  init(_ endpoint: Endpoint, _ opened: Later<Datagrams>, _ body: @escaping Body) {
    (self.endpoint, self.opened, self.body) = (endpoint, opened, body)
  }

  mutating func started(in context: Context<Message>) throws {
    let socket = try context.bind(udp: endpoint) { .datagram($0) }
    self.socket = socket
    opened.set(socket)
  }
  mutating func receive(_ message: consuming Message, in context: Context<Message>) throws {
    if let socket { try body(message, socket, context) }
  }
}

/// The same with asynchronous handlers: it answers each datagram after others could have had their turn.
private struct SlowStation: AsyncBehavior {
  typealias Message = Datagrams.Datagram
  let opened: Later<Datagrams>
  let trail: Trail<String>
  var socket: Datagrams?

  init(_ opened: Later<Datagrams>, _ trail: Trail<String>) { (self.opened, self.trail) = (opened, trail) }
  nonisolated(nonsending) mutating func started(in context: Context<Message>) async throws {
    let socket = try context.bind(udp: .loopback(0)) { $0 }
    self.socket = socket
    opened.set(socket)
  }
  nonisolated(nonsending) mutating func receive(_ datagram: consuming Message, in context: Context<Message>)
    async throws
  {
    let (bytes, sender) = (datagram.bytes, datagram.sender)
    trail.append("begin \(bytes.text)")
    for _ in 0..<3 { await Task.yield() }
    trail.append("end \(bytes.text)")
    try socket?.send(bytes, to: sender)
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

@Suite("Datagrams", .serialized, .timeLimit(.minutes(5)))
struct DatagramTests {
  private static let echo: Station.Body = { message, socket, _ in
    if case .datagram(let datagram) = message { try socket.send(datagram.bytes, to: datagram.sender) }
  }

  /// An actor with a socket, and the socket.
  private func station(
    _ net: Net, _ endpoint: Endpoint = .loopback(0), _ body: @escaping Station.Body = echo
  ) async -> (Address<Station.Message>, Datagrams) {
    let opened = Later<Datagrams>()
    let address = net.system.spawn { Station(endpoint, opened, body) }
    return (address, await opened.value)
  }

  @Test("A datagram comes with the address of its sender, and an answer goes there")
  func sender() async throws {
    let net = Net()
    let senders = Trail<Endpoint>()
    let (_, socket) = await station(net) { message, socket, context in
      if case .datagram(let datagram) = message { senders.append(datagram.sender) }
      try Self.echo(message, socket, context)
    }
    let port = try #require(socket.endpoint.port)
    #expect(port > 0 && socket.endpoint == .loopback(port))
    let plain = try #require(RawDatagrams())
    let answer = await onThread { () -> (bytes: [UInt8], port: Int)? in
      plain.send("hello", to: port)
      return plain.receive()
    }
    #expect(answer?.bytes.text == "hello" && answer?.port == port)
    #expect(senders.all == [plain.endpoint])

    // Two sockets of this package.
    let heard = Later<Datagrams.Datagram>()
    let (_, second) = await station(net) { message, _, _ in
      if case .datagram(let datagram) = message { heard.set(datagram) }
    }
    #expect(try second.send([1, 2, 3], to: socket.endpoint))
    let datagram = await heard.value
    #expect(datagram.bytes == [1, 2, 3] && datagram.sender == socket.endpoint)
    #expect(senders.all == [plain.endpoint, second.endpoint])
    await net.end()
  }

  @Test("Datagrams are handled one at a time, in the order in which they came", arguments: [1, 4])
  func order(workers: Int) async throws {
    let net = Net(workers: workers)
    let opened = Later<Datagrams>()
    let trail = Trail<String>()
    net.system.spawn { SlowStation(opened, trail) }
    let port = try #require(await opened.value.endpoint.port)
    let plain = try #require(RawDatagrams())
    let count = Scale.count(2_000) / 20 * 20
    let answers = await onThread { () -> [String] in
      var answers: [String] = []
      for number in 0..<count {
        plain.send("\(number)", to: port)
        // So few at a time always have room.
        if number % 20 == 19 { for _ in 0..<20 { answers.append(plain.text() ?? "none") } }
      }
      return answers
    }
    #expect(answers == (0..<count).map { "\($0)" })
    #expect(trail.all == (0..<count).flatMap { ["begin \($0)", "end \($0)"] })
    await net.end()
  }

  @Test("The longest datagram arrives whole, a longer one is an error in words, and an empty one is a datagram")
  func length() async throws {
    let net = Net()
    let (_, socket) = await station(net)
    let port = try #require(socket.endpoint.port)
    let plain = try #require(RawDatagrams())
    let longest = (0..<65_507).map { UInt8(truncatingIfNeeded: $0) }
    #expect(await onThread { plain.send(longest, to: port) && plain.receive()?.bytes == longest })
    #expect(await onThread { plain.send([], to: port) && plain.receive()?.bytes == [] })
    let error = #expect(throws: NetworkError.self) { try socket.send(longest + [0], to: plain.endpoint) }
    #expect(error?.description == "write to \(plain.endpoint): Message too long (EMSGSIZE)")
    // The socket goes on.
    #expect(try socket.send([7], to: plain.endpoint))
    #expect(await onThread { plain.receive()?.bytes == [7] })
    await net.end()
  }

  @Test("While its actor is behind datagrams wait in the buffer of the system, and those that come later are lost")
  func full() async throws {
    let net = Net()
    let (begun, gate) = (Event(), Event())
    let numbers = Trail<Int>()
    let (_, socket) = await station(net) { message, socket, _ in
      guard case .datagram(let datagram) = message else { return }
      guard let number = Int(datagram.bytes.prefix { $0 != 0 }.text) else {
        try socket.send(datagram.bytes, to: datagram.sender)
        return
      }
      numbers.append(number)
      begun.set()
      gate.spin()
    }
    let port = try #require(socket.endpoint.port)
    let plain = try #require(RawDatagrams())
    plain.send("0", to: port)
    await begun.wait()
    // Many times what the buffer holds.
    let sent = 20_000
    let isTaken = await onThread {
      (1...sent).allSatisfy { plain.send(Array("\($0)".utf8) + [UInt8](repeating: 0, count: 1_000), to: port) }
    }
    #expect(isTaken)
    gate.set()
    // The end may itself find the buffer full, so it is sent until it is answered.
    #expect(
      await onThread { (0..<1_000).contains { _ in plain.send("end", to: port) && plain.text(within: 100) != nil } })
    let all = numbers.all
    #expect(all.count > 1 && all.count < sent)
    #expect(all == Array(0..<all.count))
    await net.end()
  }

  @Test("An actor with many datagrams gets its other messages too")
  func fairness() async throws {
    let net = Net(workers: 1)
    let (begun, gate, done) = (Event(), Event(), Event())
    let kinds = Trail<Bool>()
    let (actor, socket) = await station(net) { message, _, _ in
      if case .datagram = message { kinds.append(true) } else { kinds.append(false) }
      if kinds.count == 1 {
        begun.set()
        gate.spin()
      }
      if kinds.count == 151 { done.set() }
    }
    let port = try #require(socket.endpoint.port)
    let plain = try #require(RawDatagrams())
    plain.send("x", to: port)
    await begun.wait()
    #expect(await onThread { (0..<149).allSatisfy { _ in plain.send("x", to: port) } })
    actor.send(.other)
    gate.set()
    await done.wait()
    // Sixty-four in a row, and then the other message.
    #expect(kinds.all.firstIndex(of: false) == 64)
    await net.end()
  }

  @Test(
    "IPv6 has its addresses, and a socket of all addresses talks to peers by IPv4 as such",
    .enabled(if: RawDatagrams(isIPv6: true) != nil, "needs IPv6"))
  func ipv6() async throws {
    let (six, four) = (try #require(RawDatagrams(isIPv6: true)), try #require(RawDatagrams()))
    let net = Net()
    let senders = Trail<Endpoint>()
    let noting: Station.Body = { message, socket, context in
      if case .datagram(let datagram) = message { senders.append(datagram.sender) }
      try Self.echo(message, socket, context)
    }
    let (_, socket) = await station(net, .tcp(host: "::1", port: 0), noting)
    let port = try #require(socket.endpoint.port)
    #expect(socket.endpoint == .tcp(host: "::1", port: port) && "\(socket.endpoint)" == "[::1]:\(port)")
    #expect(
      await onThread {
        six.send("six", to: port)
        return six.text()
      } == "six")
    let (_, both) = await station(net, .port(0), noting)
    let second = try #require(both.endpoint.port)
    for plain in [six, four] {
      #expect(
        await onThread {
          plain.send("both", to: second)
          return plain.text()
        } == "both")
    }
    #expect(senders.all == [six.endpoint, six.endpoint, four.endpoint])
    // The other way round there is no way.
    let (_, only) = await station(net)
    let error = #expect(throws: NetworkError.self) { try only.send([1], to: six.endpoint) }
    #expect(error?.description.hasPrefix("write to [::1]:\(six.port): ") == true)
    await net.end()
  }

  @Test(
    "An address that holds for one link only names that link",
    .enabled(if: !RawDatagrams.linkLocalHosts.isEmpty, "needs an address such as fe80::1%eth0"))
  func linkLocal() async throws {
    let net = Net()
    for host in RawDatagrams.linkLocalHosts {
      let heard = Later<Datagrams.Datagram>()
      let (_, far) = await station(net, .tcp(host: host, port: 0)) { message, _, _ in
        if case .datagram(let datagram) = message { heard.set(datagram) }
      }
      #expect(far.endpoint == .tcp(host: host, port: far.endpoint.port ?? 0))
      try far.send([1], to: far.endpoint)
      #expect(await heard.value.sender == far.endpoint)
    }
    await net.end()
  }

  @Test("A socket that is closed hears and sends nothing, and the actor keeps nothing of it")
  func close() async throws {
    let net = Net()
    let trail = Trail<String>()
    let answered = Event()
    let (actor, socket) = await station(net) { message, socket, _ in
      switch message {
      case .datagram(let datagram):
        trail.append(datagram.bytes.text)
        // What has come already is not handled either.
        if datagram.bytes.text == "last" { socket.close() }
      case .other: answered.set()
      }
    }
    let port = try #require(socket.endpoint.port)
    let plain = try #require(RawDatagrams())
    plain.send("first", to: port)
    plain.send("last", to: port)
    plain.send("more", to: port)
    await until { trail.count == 2 }
    #expect(await settled { RawDatagrams(port: port) != nil })
    plain.send("more", to: port)
    #expect(try !socket.send([1], to: plain.endpoint))
    socket.close()
    actor.send(.other)
    await answered.wait()
    #expect(trail.all == ["first", "last"])
    await net.end()
  }

  /// Opens and closes a socket with each message, and keeps none.
  private struct Opener: Behavior {
    enum Message: ~Copyable {
      case open(Reply<Weak>)
      case datagram
    }
    func receive(_ message: consuming Message, in context: Context<Message>) throws {
      guard case .open(let reply) = consume message else { return }
      let socket = try context.bind(udp: .loopback(0)) { _ in .datagram }
      reply.send(Weak(socket.core))
      socket.close()
    }
  }
  private final class Weak: @unchecked Sendable {
    weak var core: DatagramCore?
    init(_ core: DatagramCore) { self.core = core }
  }

  @Test("An actor that closes one socket after the other keeps none of them")
  func memory() async throws {
    let net = Net()
    let before = openDescriptors()
    let actor = net.system.spawn { Opener() }
    var sockets: [Weak] = []
    for _ in 0..<100 { sockets.append(try await actor.ask(timeout: nil) { .open($0) }) }
    let all = sockets
    #expect(await settled { all.allSatisfy { $0.core == nil } })
    // The poller may have been made in between, which has descriptors of its own.
    #expect(openDescriptors() < before + 20)
    await net.end()
  }

  /// Gives each socket away, and keeps none.
  private struct Giver: Behavior {
    enum Message: ~Copyable {
      case open(Reply<Datagrams>)
      case datagram
    }
    func receive(_ message: consuming Message, in context: Context<Message>) throws {
      guard case .open(let reply) = consume message else { return }
      reply.send(try context.bind(udp: .loopback(0)) { _ in .datagram })
    }
  }

  @Test("A socket that another thread closes while datagrams come leaves its actor")
  func closedElsewhere() async throws {
    let net = Net()
    let actor = net.system.spawn { Giver() }
    let plain = try #require(RawDatagrams())
    var sockets: [Weak] = []
    for round in 0..<100 {
      let socket = try await actor.ask(timeout: nil) { .open($0) }
      sockets.append(Weak(socket.core))
      let port = try #require(socket.endpoint.port)
      let isClosed = Counter()
      let sender = TestThread {
        while isClosed.value == 0 { plain.send([1], to: port) }
      }
      await TestThread {
        for _ in 0..<round { _ = isClosed.value }
        socket.close()
        isClosed.add()
      }.value
      await sender.value
    }
    let all = sockets
    #expect(await settled { all.allSatisfy { $0.core == nil } })
    await net.end()
  }

  @Test("An answer to a sender that wants none is lost, and is no error")
  func portZero() async throws {
    let net = Net()
    let (_, socket) = await station(net)
    #expect(try !socket.send([1], to: .loopback(0)))
    await net.end()
  }

  @Test("A socket is closed when its actor stops")
  func stop() async throws {
    let net = Net()
    let (actor, socket) = await station(net)
    let port = try #require(socket.endpoint.port)
    #expect(RawDatagrams(port: port) == nil)
    net.system.stop(actor)
    _ = await actor.termination
    let plain = try #require(RawDatagrams(port: port))
    #expect(try !socket.send([1], to: plain.endpoint))
    await net.end()
  }

  @Test("An actor that fails has its port again in the next incarnation, also if it fails in `started`")
  func restart() async throws {
    let net = Net(supervision: .restart(backoff: .none))
    let port = try #require(RawDatagrams()).port
    let (starts, answers) = (Counter(), Countdown(1))
    let actor = net.system.spawn {
      Restarted(endpoint: .loopback(port), starts: starts) { datagram, socket in
        if datagram.bytes.text == "fail" { throw Oops() }
        try socket.send(datagram.bytes, to: datagram.sender)
        answers.down()
      }
    }
    let plain = try #require(RawDatagrams())
    await until { starts.value >= 3 }
    #expect(
      await onThread {
        plain.send("fail", to: port)
        // The socket of the next incarnation hears only what comes when it is there.
        return (0..<1_000).contains { _ in plain.send("hello", to: port) && plain.text(within: 100) == "hello" }
      })
    await answers.wait()
    #expect(starts.value == 4)
    net.system.stop(actor)
    _ = await actor.termination
    // Where sockets are waited for by `poll`, the system keeps a closed one until that call has returned.
    #expect(await settled { RawDatagrams(port: port) != nil })
    await net.end()
  }

  /// Fails twice in `started`, after it has opened its socket.
  private struct Restarted: Behavior {
    typealias Message = Datagrams.Datagram
    let endpoint: Endpoint
    let starts: Counter
    let body: @Sendable (Datagrams.Datagram, Datagrams) throws -> Void
    var socket: Datagrams?

    init(
      endpoint: Endpoint, starts: Counter, _ body: @escaping @Sendable (Datagrams.Datagram, Datagrams) throws -> Void
    ) {
      (self.endpoint, self.starts, self.body) = (endpoint, starts, body)
    }
    mutating func started(in context: Context<Message>) throws {
      socket = try context.bind(udp: endpoint) { $0 }
      starts.add()
      if starts.value < 3 { throw Oops() }
    }
    mutating func receive(_ datagram: consuming Message, in context: Context<Message>) throws {
      if let socket { try body(datagram, socket) }
    }
  }

  @Test("An endpoint that is taken, is no address, or is none of this machine is refused with the reason")
  func refused() async throws {
    let net = Net()
    let (_, socket) = await station(net)
    func reason(_ endpoint: Endpoint) async throws -> String {
      let asked = net.system.spawn { Asked() }
      return try await asked.ask(timeout: nil) { .init(endpoint: endpoint, reply: $0) }
    }
    #expect(
      try await reason(socket.endpoint) == "bind to \(socket.endpoint): Address already in use (EADDRINUSE)")
    for endpoint in [Endpoint.tcp(host: "example.com", port: 1), .loopback(70_000), .unix(path: "/tmp/none")] {
      #expect(try await reason(endpoint).contains("datagrams need an address such as 0.0.0.0 or ::1, and a port"))
      let error = #expect(throws: NetworkError.self) { try socket.send([1], to: endpoint) }
      #expect(error?.description.contains("a datagram is sent to an address, which is no name") == true)
    }
    #expect(try await reason(.tcp(host: "192.0.2.1", port: 0)).contains("EADDRNOTAVAIL"))
    await net.end()
  }

  @Test("A simulated system has no datagrams, and says so")
  func simulated() throws {
    let simulation = Simulation(seed: 1)
    let asked = simulation.system.spawn { Asked() }
    let reason = try simulation.run {
      try await asked.ask(timeout: nil) { .init(endpoint: .loopback(0), reply: $0) }
    }
    #expect(reason == "open a socket for 127.0.0.1:0: this system has no sockets for datagrams")
    try simulation.finish()
  }

  /// Tries to open a socket, and answers with the error.
  private struct Asked: Behavior {
    struct Message: ~Copyable {
      let endpoint: Endpoint
      let reply: Reply<String>
    }
    func receive(_ message: consuming Message, in context: Context<Message>) {
      let endpoint = message.endpoint
      do throws(NetworkError) {
        try context.bind(udp: endpoint) { _ in fatalError("no datagram comes") }.close()
        message.reply.send("none")
      } catch {
        message.reply.send(error.description)
      }
    }
  }
}
