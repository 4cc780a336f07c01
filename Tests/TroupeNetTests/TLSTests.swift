#if TLS
  import Dispatch
  import Foundation
  import Synchronization
  import TestSupport
  import Testing
  import Troupe
  import TroupeNet
  import TroupeTestKit

  @Suite("TLS")
  struct TLSTests {
    // MARK: Other programs

    @Test("openssl as a client trusts the server, and its lines are echoed")
    func opensslAsClient() async throws {
      try await withSystem { system in
        let (ends, note) = AsyncStream<String>.makeStream()
        let server = try echo(system, note)
        let client = try Program(
          "openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-servername", "localhost", "-quiet",
          "-verify_hostname", "localhost", "-verify_return_error", "-no_ign_eof", "-CAfile", try files().good)
        client.write("one\n")
        #expect(await client.text(until: "echo one\n").hasSuffix("echo one\n"))
        client.write("two\n")
        #expect(await client.text(until: "echo two\n").hasSuffix("echo two\n"))
        client.endInput()
        #expect(await client.status() == 0)
        #expect(await ends.first { _ in true } == "the peer closed the connection")
      }
    }

    @Test("curl gets a page", arguments: ["1.2", "1.3"])
    func curl(version: String) async throws {
      try await withSystem { system in
        var options = try serverOptions()
        options.tls?.applicationProtocols = ["http/1.1"]
        let server = try system.listen(on: .loopback(0), codec: LineCodec(), options: options) { line, connection in
          guard line.isEmpty else { return }
          connection.write(encoding: {
            $0.append(utf8: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
            $0.append(utf8: "hello\n")
          })
        }
        let curl = try Program(
          "curl", "-sS", "-4", "--noproxy", "*", "--tls-max", version, "--cacert", try files().good,
          "https://localhost:\(server.port)/")
        #expect(await curl.text() == "hello\n")
        #expect(await curl.status() == 0)
      }
    }

    @Test("A client talks to openssl as a server, and agrees with it on a protocol")
    func opensslAsServer() async throws {
      try await withSystem { system in
        let server = try Program(
          "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-rev", "-alpn", "x,lines",
          "-cert", try files().good, "-key", try files().key)
        let said = await server.text(until: "ACCEPT 127.0.0.1:", andLine: true)
        let number = said.split(separator: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber }
        let port = try #require(number.flatMap { Int($0) })
        var options = try clientOptions()
        options.tls?.applicationProtocols = ["lines"]
        let story = await talk(system, .tcp(host: "localhost", port: port), LineCodec(), options) { event, connection in
          switch event {
          case .connected:
            connection.write("abc")
            return "connected, \(connection.applicationProtocol ?? "-")"
          case .received(let line):
            connection.close()
            return line
          default: return nil
          }
        }
        #expect(story == ["connected, lines", "cba", "closed: the connection was closed"])
        server.endInput()
        _ = await server.text()
      }
    }

    @Test("A peer that vanishes without the end of TLS is an error")
    func truncation() async throws {
      try await withSystem { system in
        let (ends, note) = AsyncStream<String>.makeStream()
        let server = try echo(system, note)
        let client = try Program("openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(server.port)")
        client.write("one\n")
        _ = await client.text(until: "echo one\n")
        client.kill()
        let end = try #require(await ends.first { _ in true })
        #expect(end.contains("the peer ended the stream without the end of TLS"))
      }
    }

    // MARK: Certificates

    struct Refusal: Sendable, CustomTestStringConvertible {
      enum Certificate { case good, expired, other }
      let certificate: Certificate
      let trusted: Certificate?
      let name: String?
      let reason: String
      var testDescription: String { reason }
    }

    @Test(
      "A client refuses a server that does not prove who it is",
      arguments: [
        Refusal(certificate: .good, trusted: .good, name: "elsewhere.example", reason: "hostname mismatch"),
        Refusal(certificate: .good, trusted: .good, name: "127.0.0.9", reason: "IP address mismatch"),
        Refusal(certificate: .good, trusted: nil, name: nil, reason: "self-signed certificate"),
        Refusal(certificate: .good, trusted: .other, name: nil, reason: "self-signed certificate"),
        Refusal(certificate: .expired, trusted: .expired, name: nil, reason: "certificate has expired"),
      ])
    func refused(_ refusal: Refusal) async throws {
      try await withSystem { system in
        let (ends, note) = AsyncStream<String>.makeStream()
        let options = try serverOptions(files()[refusal.certificate])
        let server = try system.listen(on: .loopback(0), codec: LineCodec(), options: options) { connection in
          TLSPeer(connection) { event, _ in if case .closed(let end) = event { note.yield("\(end)") } }
        }
        var client = ConnectionOptions()
        client.tls = .client(authorityFile: try refusal.trusted.map { try files()[$0] })
        client.tls?.serverName = refusal.name
        let story = await talk(system, server.endpoint, LineCodec(), client) { _, _ in nil }
        #expect(
          story == [
            "closed: the connection failed: agree on TLS with \(server.endpoint): "
              + "TLS failed: the certificate of the peer is refused: \(refusal.reason)"
          ])
        // The server is told why.
        #expect(try #require(await ends.first { _ in true }).contains("alert"))
        // Without the check the same server is good enough.
        client.tls?.verifiesPeer = false
        let second = await talk(system, server.endpoint, LineCodec(), client) { event, connection in
          if case .connected = event {
            connection.close()
            return "connected"
          }
          return nil
        }
        #expect(second == ["connected", "closed: the connection was closed"])
      }
    }

    @Test("Files that cannot be used are an error in words")
    func badFiles() async throws {
      try await withSystem { system in
        func listen(_ tls: TLSConfiguration) -> String {
          var options = ServerOptions()
          options.tls = tls
          do throws(NetworkError) {
            try system.listen(on: .loopback(7), codec: LineCodec(), options: options) { _, _ in }
            return "listens"
          } catch {
            return "\(error)"
          }
        }
        let prefix = "agree on TLS with 127.0.0.1:7: "
        #expect(listen(TLSConfiguration()) == prefix + "the configuration of a server lacks a certificate file")
        #expect(
          listen(.server(certificateFile: "/no/file"))
            == prefix + "the certificate /no/file cannot be used: No such file or directory")
        let files: Files = try Files.shared.get()
        #expect(
          listen(.server(certificateFile: files.good, privateKeyFile: files.otherKey))
            == prefix + "the private key \(files.otherKey) cannot be used: key values mismatch")
        var long = TLSConfiguration.server(certificateFile: files.good, privateKeyFile: files.key)
        long.applicationProtocols = [String(repeating: "x", count: 256)]
        #expect(listen(long) == prefix + "the name of a protocol for ALPN has 256 bytes, not 1 to 255")

        var client = ConnectionOptions()
        client.tls = .client(authorityFile: "/no/file")
        let story = await talk(system, .loopback(7), LineCodec(), client) { _, _ in nil }
        #expect(story.count == 1 && story[0].contains("the certificates of authorities in /no/file cannot be used"))
        client.tls = .client()
        let nameless = await talk(system, .unix(path: "/no/socket"), LineCodec(), client) { _, _ in nil }
        #expect(nameless.count == 1 && nameless[0].contains("lacks the name that the certificate must have"))
      }
    }

    // MARK: Protocols

    @Test("Both sides agree on the server's first protocol that the client speaks")
    func protocols() async throws {
      try await withSystem { system in
        var options = try serverOptions()
        options.tls?.applicationProtocols = ["h2", "http/1.1"]
        let server = try system.listen(on: .loopback(0), codec: LineCodec(), options: options) { _, connection in
          connection.write("server: \(connection.applicationProtocol ?? "-")")
        }
        func agree(_ offered: [String]) async throws -> [String] {
          var client = try clientOptions()
          client.tls?.applicationProtocols = offered
          return await talk(system, server.endpoint, LineCodec(), client) { event, connection in
            switch event {
            case .connected:
              connection.write("?")
              return "client: \(connection.applicationProtocol ?? "-")"
            case .received(let line):
              connection.close()
              return line
            default: return nil
            }
          }
        }
        let end = "closed: the connection was closed"
        #expect(try await agree(["http/1.1"]) == ["client: http/1.1", "server: http/1.1", end])
        #expect(try await agree(["http/1.1", "h2"]) == ["client: h2", "server: h2", end])
        #expect(try await agree([]) == ["client: -", "server: -", end])
        let refused = try await agree(["spdy"])
        #expect(refused.count == 1 && refused[0].contains("no application protocol"))
      }
    }

    @Test("A server that wants TLS 1.3 refuses a client without it")
    func versions() async throws {
      try await withSystem { system in
        var options = try serverOptions()
        options.tls?.minimumVersion = .v1_3
        let server = try system.listen(on: .loopback(0), codec: LineCodec(), options: options) { $1.write($0) }
        let old = try Program(
          "curl", "-sS", "-k", "--noproxy", "*", "--tls-max", "1.2", "https://127.0.0.1:\(server.port)/")
        #expect(await old.text().contains("alert protocol version"))
        #expect(await old.status() == 35)
      }
    }

    // MARK: Bytes

    /// Bytes in which a piece that is lost, doubled or moved shows.
    private static let megabyte: [UInt8] = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 8) ^ ($0 >> 16)) }

    /// Writes a mebibyte in pieces of odd sizes.
    private static func writeAll(_ connection: Connection<BytesCodec>) {
      var rest = megabyte[...]
      for size in [1, 2, 16_383, 3, 16_385, 100_001, 5, 65_537, 300_007].cycled() {
        connection.write(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
        if rest.isEmpty { return }
      }
    }

    /// Collects what comes back, and closes when all of it is there.
    private static func client(_ echoed: Collected) -> TLSClient<BytesCodec>.Body {
      { event, connection in
        switch event {
        case .connected: writeAll(connection)
        case .received(let bytes): if echoed.append(bytes) == megabyte.count { connection.close() }
        default: break
        }
        return nil
      }
    }

    @Test("A mebibyte goes both ways at the same time", arguments: [false, true])
    func bothWays(isAsynchronous: Bool) async throws {
      try await withSystem { system in
        let options = try serverOptions()
        let server =
          if isAsynchronous {
            try system.listen(on: .loopback(0), codec: BytesCodec(), options: options) { AsyncEcho(connection: $0) }
          } else {
            try system.listen(on: .loopback(0), codec: BytesCodec(), options: options) { $1.write($0) }
          }
        var client = try clientOptions()
        // Two sides that both stop reading while they have output would wait for each other.
        client.outputMark = 1 << 22
        let echoed = Collected()
        let story = await talk(system, server.endpoint, BytesCodec(), client, Self.client(echoed))
        #expect(story == ["closed: the connection was closed"])
        #expect(echoed.bytes == Self.megabyte)
      }
    }

    @Test("A mebibyte goes both ways over a link that splits it at random", arguments: 0..<UInt64(5))
    func splits(seed: UInt64) throws {
      let simulation = Simulation(seed: seed)
      let system = simulation.system
      let network = try #require(system.simulatedNetwork)
      // Now and then less than a record fits.
      network.settings.window = 10_000
      let server = try system.listen(on: .port(7), codec: BytesCodec(), options: try serverOptions()) { $1.write($0) }
      var client = try clientOptions()
      client.tls?.serverName = "localhost"
      client.outputMark = 1 << 22
      let echoed = Collected()
      let body = Self.client(echoed)
      let log = Log()
      system.spawn { [client] in
        TLSClient(endpoint: server.endpoint, codec: BytesCodec(), options: client, log: log, body: body)
      }
      try simulation.run(until: { !log.lines.isEmpty })
      #expect(log.lines == ["closed: the connection was closed"])
      #expect(echoed.bytes == Self.megabyte)
      simulation.advance(by: .seconds(10))
      #expect(network.linkCount == 0)
      #expect(server.connectionCount == 0)
    }

    @Test("A side that has ended its output still gets the answer, and both ends are clean")
    func halfClose() async throws {
      try await withSystem { system in
        let (ends, note) = AsyncStream<String>.makeStream()
        var options = try serverOptions()
        options.connection.allowsHalfClose = true
        let server = try system.listen(on: .loopback(0), codec: BytesCodec(), options: options) { connection in
          let received = Collected()
          return TLSPeer(connection) { event, connection in
            switch event {
            case .received(let bytes): received.append(bytes)
            case .inputEnded:
              connection.write(received.bytes)
              connection.close()
            case .closed(let end): note.yield("\(end)")
            default: break
            }
          }
        }
        let echoed = Collected()
        var client = try clientOptions()
        client.allowsHalfClose = true
        let story = await talk(system, server.endpoint, BytesCodec(), client) { event, connection in
          switch event {
          case .connected:
            Self.writeAll(connection)
            connection.endOutput()
          case .received(let bytes): echoed.append(bytes)
          default: break
          }
          return nil
        }
        #expect(story == ["closed: the peer closed the connection"])
        #expect(echoed.bytes == Self.megabyte)
        #expect(await ends.first { _ in true } == "the connection was closed")
      }
    }

    // MARK: No TLS

    @Test("A client without TLS gets an error, and the server lives on")
    func plainClient() async throws {
      try await withSystem { system in
        let (ends, note) = AsyncStream<String>.makeStream()
        let server = try echo(system, note)
        let plain = try Program("curl", "-sS", "--noproxy", "*", "http://127.0.0.1:\(server.port)/")
        _ = await plain.text()
        #expect(await plain.status() != 0)
        var reasons = ends.makeAsyncIterator()
        let reason = try #require(await reasons.next(isolation: nil))
        #expect(reason.contains("agree on TLS with") && reason.contains("TLS failed: http request"))

        let story = await talk(system, server.endpoint, LineCodec(), try clientOptions()) { event, connection in
          switch event {
          case .connected: connection.write("still there")
          case .received(let line):
            connection.close()
            return line
          default: break
          }
          return nil
        }
        #expect(story == ["echo still there", "closed: the connection was closed"])
      }
    }

    @Test("A client with TLS that meets a server without it gets an error")
    func plainServer() async throws {
      try await withSystem { system in
        let server = try system.listen(on: .loopback(0), codec: BytesCodec()) { _, connection in
          connection.write(Array("What do you want?".utf8))
        }
        let story = await talk(system, server.endpoint, LineCodec(), try clientOptions()) { _, _ in nil }
        #expect(story.count == 1 && story[0].contains("TLS failed: wrong version number"))
      }
    }

    @Test("A client that says nothing is cut off by the idle timeout, and a server that says nothing by the timeout")
    func silence() async throws {
      let simulation = Simulation(seed: 1)
      let system = simulation.system
      var options = try serverOptions()
      options.connection.idleTimeout = .seconds(3)
      let server = try system.listen(on: .port(7), codec: LineCodec(), options: options) { $1.write($0) }
      let log = Log()
      system.spawn {
        TLSClient(endpoint: server.endpoint, codec: LineCodec(), options: ConnectionOptions(), log: log) { _, _ in nil }
      }
      try simulation.run(until: { !log.lines.isEmpty })
      // The idle timeout, and then the time for the close, in which the client could still finish the handshake.
      #expect(simulation.now > .seconds(7) && simulation.now < .seconds(10))
      #expect(log.lines.count == 1 && log.lines[0].contains("Connection reset by peer"))
      #expect(server.connectionCount == 0)

      let silent = try system.listen(on: .port(8), codec: LineCodec()) { _, _ in }
      let second = Log()
      var client = try clientOptions()
      client.tls?.serverName = "localhost"
      let started = simulation.now
      system.spawn { [client] in
        TLSClient(endpoint: silent.endpoint, codec: LineCodec(), options: client, log: second) { _, _ in nil }
      }
      try simulation.run(until: { !second.lines.isEmpty })
      #expect(simulation.now - started >= .seconds(10))
      #expect(second.lines[0].contains("no answer in time"))
      try simulation.finish()
    }

    @Test("A client that does not finish the handshake is cut off after its timeout, and one that has is not")
    func handshakeTimeout() async throws {
      let simulation = Simulation(seed: 1)
      let system = simulation.system
      func listen(_ port: Int, _ log: Log, _ timeout: Duration?) throws -> Server {
        var options = try serverOptions()
        // The default is ten seconds.
        if timeout != .seconds(10) { options.tls?.handshakeTimeout = timeout }
        return try system.listen(on: .port(port), codec: LineCodec(), options: options) { connection in
          TLSPeer(connection) { event, connection in
            switch event {
            case .received(let line): connection.write(line)
            case .closed(let end): log.append("\(end)")
            default: break
            }
          }
        }
      }
      let ends = [Log(), Log(), Log()]
      let servers = [
        try listen(1, ends[0], .seconds(10)), try listen(2, ends[1], .seconds(2)), try listen(3, ends[2], nil),
      ]
      let silent = Log()
      for server in servers {
        // It does not speak TLS, and says nothing.
        system.spawn {
          TLSClient(endpoint: server.endpoint, codec: LineCodec(), options: ConnectionOptions(), log: silent) { _, _ in
            nil
          }
        }
      }
      let talks = Log()
      var client = try clientOptions()
      client.tls?.serverName = "localhost"
      system.spawn { [client] in
        TLSClient(endpoint: servers[1].endpoint, codec: LineCodec(), options: client, log: talks) { event, connection in
          if case .connected = event { connection.write("hello") }
          if case .received(let line) = event { return line }
          return nil
        }
      }
      simulation.advance(by: .milliseconds(1_900))
      #expect(silent.lines == [] && talks.lines == ["hello"])
      simulation.advance(by: .milliseconds(200))
      #expect(silent.lines == ["closed: the peer closed the connection"])
      let reason = "the connection failed: agree on TLS with 127.0.0.1:"
      #expect(ends[1].lines.count == 1 && ends[1].lines[0].hasPrefix(reason))
      #expect(ends[1].lines[0].hasSuffix(": no handshake of TLS in time"))
      simulation.advance(by: .seconds(7.8))
      #expect(ends[0].lines == [])
      simulation.advance(by: .milliseconds(200))
      #expect(ends[0].lines.count == 1 && silent.lines.count == 2)
      simulation.advance(by: .seconds(1_000))
      // Without a timeout a client may be silent, and so may one that has finished.
      #expect(ends[2].lines == [] && silent.lines.count == 2)
      #expect(talks.lines == ["hello"] && ends[1].lines.count == 1)
      try simulation.finish()
    }

    @Test("A stop closes a connection without TLS at once, but waits for the handshake if there is something to send")
    func stopBeforeHandshake() throws {
      let simulation = Simulation(seed: 1)
      let system = simulation.system
      let network = try #require(system.simulatedNetwork)
      network.settings.latency = .milliseconds(100) ... .milliseconds(100)
      func listen(_ port: Int, _ connected: @escaping @Sendable (Connection<LineCodec>) -> Void) throws -> Server {
        try system.listen(on: .port(port), codec: LineCodec(), options: try serverOptions()) { connection in
          connected(connection)
          return TLSPeer(connection) { _, _ in }
        }
      }
      let open = try listen(1) { _ in }
      // Its connections wait for the end of the handshake, so that they can say the end of TLS.
      let closing = try listen(2) { $0.close() }
      let greeting = try listen(3) { $0.write("hello") }
      let silent = Log()
      for server in [open, closing] {
        system.spawn {
          TLSClient(endpoint: server.endpoint, codec: LineCodec(), options: ConnectionOptions(), log: silent) { _, _ in
            nil
          }
        }
      }
      let greeted = Log()
      var client = try clientOptions()
      client.tls?.serverName = "localhost"
      system.spawn { [client] in
        TLSClient(endpoint: greeting.endpoint, codec: LineCodec(), options: client, log: greeted) { event, _ in
          if case .received(let line) = event { line } else { nil }
        }
      }
      let servers = [open, closing, greeting]
      try simulation.run(until: { servers.allSatisfy { $0.connectionCount == 1 } })
      let began = simulation.now
      try simulation.run {
        await open.stop(within: .seconds(60))
        await closing.stop(within: .seconds(60))
      }
      // In virtual time.
      #expect(simulation.now == began)
      try simulation.run { await greeting.stop(within: .seconds(60)) }
      try simulation.run(until: { silent.lines.count == 2 && greeted.lines.count == 2 })
      let end = "closed: the peer closed the connection"
      #expect(silent.lines == [end, end] && greeted.lines == ["hello", end])
      #expect(simulation.now - began < .seconds(2))
      try simulation.finish()
    }

    // The time of the handshake is over each ten seconds, and then the server looks whether its actor pauses.
    @Test(
      "While a server's actor pauses, the handshake waits, and it has its time after that", arguments: 0..<UInt64(3),
      [65_000, 69_999])
    func handshakeWhilePaused(seed: UInt64, resumesAt: Int) throws {
      let simulation = Simulation(seed: seed)
      let system = simulation.system
      let server = try system.listen(
        on: .port(7), codec: LineCodec(), options: try serverOptions(), as: { .network($0) }
      ) { LatePeer(connection: $0, resumesAfter: .milliseconds(resumesAt)) }
      let log = Log()
      var client = try clientOptions()
      client.tls?.serverName = "localhost"
      system.spawn { [client] in
        TLSClient(
          endpoint: server.endpoint, codec: LineCodec(), options: client, log: log, timeout: .seconds(1_000)
        ) { event, connection in
          if case .connected = event { connection.write("hello") }
          if case .received(let line) = event { return line }
          return nil
        }
      }
      simulation.advance(by: .milliseconds(resumesAt - 500))
      #expect(log.lines == [] && server.connectionCount == 1)
      simulation.advance(by: .seconds(2))
      #expect(log.lines == ["hello"] && server.connectionCount == 1)
      try simulation.finish()
    }

    @Test("A greeting that is longer than the mark waits for the handshake, and does not stop it")
    func longGreeting() async throws {
      try await withSystem { system in
        var options = try serverOptions()
        options.connection.outputMark = 1_000
        let greeting = String(repeating: "x", count: 100_000)
        let server = try system.listen(on: .loopback(0), codec: LineCodec(limit: 200_000), options: options) {
          connection in
          connection.write(greeting)
          return TLSPeer(connection) { event, connection in
            if case .received(let line) = event { connection.write(line) }
          }
        }
        let story = await talk(system, server.endpoint, LineCodec(limit: 200_000), try clientOptions()) {
          event, connection in
          guard case .received(let line) = event else { return nil }
          if line == "bye" { connection.close() } else { connection.write("bye") }
          return "\(line.utf8.count)"
        }
        #expect(story == ["100000", "3", "closed: the connection was closed"])
      }
    }

    // MARK: Support

    private func files() throws -> Files { try Files.shared.get() }
    private func serverOptions(_ certificate: String? = nil) throws -> ServerOptions {
      let files: Files = try Files.shared.get()
      var options = ServerOptions()
      options.tls = .server(certificateFile: certificate ?? files.good, privateKeyFile: files.key)
      return options
    }
    private func clientOptions() throws -> ConnectionOptions {
      var options = ConnectionOptions()
      options.tls = .client(authorityFile: try files().good)
      return options
    }

    /// A server that echoes lines, and notes how each connection ended.
    private func echo(_ system: ActorSystem, _ note: AsyncStream<String>.Continuation) throws -> Server {
      try system.listen(on: .loopback(0), codec: LineCodec(), options: try serverOptions()) { connection in
        TLSPeer(connection) { event, connection in
          switch event {
          case .received(let line): connection.write("echo " + line)
          case .closed(let end): note.yield("\(end)")
          default: break
          }
        }
      }
    }

    private func withSystem(_ body: (ActorSystem) async throws -> Void) async throws {
      let system = ActorSystem("tls", options: ActorSystem.Options(log: { _ in }))
      do {
        try await body(system)
      } catch {
        await system.shutdown()
        throw error
      }
      await system.shutdown()
    }

    /// Connects, does what the body says, and returns what that says, and how the connection ended.
    private func talk<C: Codec>(
      _ system: ActorSystem, _ endpoint: Endpoint, _ codec: C, _ options: ConnectionOptions,
      _ body: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>, Connection<C>) -> String?
    ) async -> [String] {
      let log = Log()
      let client = system.spawn {
        TLSClient(endpoint: endpoint, codec: codec, options: options, log: log, body: body)
      }
      _ = await client.termination
      return log.lines
    }
  }

  private final class Log: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }
    func append(_ line: String) { state.withLock { $0.append(line) } }
  }

  private final class Collected: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }
    @discardableResult func append(_ bytes: [UInt8]) -> Int {
      state.withLock {
        $0 += bytes
        return $0.count
      }
    }
  }

  extension Array {
    fileprivate func cycled() -> some Sequence<Element> {
      sequence(state: 0) { (index: inout Int) -> Element? in
        defer { index += 1 }
        return self[index % self.count]
      }
    }
  }

  /// The actor of a server's connection that does what the test says.
  private struct TLSPeer<C: Codec>: Behavior {
    typealias Message = ConnectionEvent<C.Inbound>
    let connection: Connection<C>
    let body: @Sendable (consuming Message, Connection<C>) -> Void

    init(_ connection: Connection<C>, _ body: @escaping @Sendable (consuming Message, Connection<C>) -> Void) {
      (self.connection, self.body) = (connection, body)
    }
    func receive(_ event: consuming Message, in context: Context<Message>) { body(event, connection) }
  }

  /// An actor that connects, does what the test says, and stops when the connection is closed.
  private struct TLSClient<C: Codec>: Behavior {
    typealias Message = ConnectionEvent<C.Inbound>
    let endpoint: Endpoint
    let codec: C
    let options: ConnectionOptions
    let log: Log
    let timeout: Duration
    typealias Body = @Sendable (consuming Message, Connection<C>) -> String?
    let body: Body
    var connection: Connection<C>?

    init(
      endpoint: Endpoint, codec: C, options: ConnectionOptions, log: Log, timeout: Duration = .seconds(10),
      body: @escaping Body
    ) {
      (self.endpoint, self.codec, self.options, self.log, self.body) = (endpoint, codec, options, log, body)
      self.timeout = timeout
    }

    mutating func started(in context: Context<Message>) {
      connection = context.connect(to: endpoint, codec: codec, options: options, timeout: timeout) { $0 }
    }

    func receive(_ event: consuming Message, in context: Context<Message>) {
      guard let connection else { return }
      var end: String?
      if case .closed(let reason) = copy event { end = "closed: \(reason)" }
      if let line = body(event, connection) { log.append(line) }
      guard let end else { return }
      log.append(end)
      context.stop()
    }
  }

  /// An echo that reads nothing for 65 seconds.
  private struct LatePeer: Behavior {
    enum Message {
      case network(ConnectionEvent<String>)
      case resume
    }
    let connection: Connection<LineCodec>
    let resumesAfter: Duration
    func started(in context: Context<Message>) {
      connection.pauseReading()
      context.timers.once("resume", after: resumesAfter, .resume)
    }
    func receive(_ message: consuming Message, in context: Context<Message>) {
      switch message {
      case .resume: connection.resumeReading()
      case .network(.received(let line)): connection.write(line)
      case .network: break
      }
    }
  }

  /// An echo with asynchronous handlers, whose output is sent by whoever writes it.
  private struct AsyncEcho: AsyncBehavior {
    typealias Message = ConnectionEvent<[UInt8]>
    let connection: Connection<BytesCodec>
    nonisolated(nonsending) mutating func receive(_ event: consuming Message, in context: Context<Message>) async {
      guard case .received(let bytes) = event else { return }
      _ = await connection.deliver(bytes)
    }
  }

  /// Certificates, which the program openssl makes in a temporary folder.
  struct Files: Sendable {
    static let shared = Result { try Files() }
    let good: String
    let key: String
    let expired: String
    let other: String
    let otherKey: String

    subscript(certificate: TLSTests.Refusal.Certificate) -> String {
      switch certificate {
      case .good: good
      case .expired: expired
      case .other: other
      }
    }

    private init() throws {
      let folder = FileManager.default.temporaryDirectory.appending(path: "troupe-tls-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      func path(_ name: String) -> String { folder.appending(path: name).path }
      (good, key, expired) = (path("good.pem"), path("key.pem"), path("expired.pem"))
      (other, otherKey) = (path("other.pem"), path("other-key.pem"))
      let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
      let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
      try Self.openssl(["req", "-x509", "-days", "2", "-keyout", key, "-out", good] + newKey + names)
      try Self.openssl(["req", "-x509", "-days", "2", "-keyout", otherKey, "-out", other] + newKey + names)
      try Self.openssl(["req", "-new", "-key", key, "-out", path("request.pem")] + names)
      // The command req refuses a term that is over.
      try Self.openssl([
        "x509", "-req", "-days", "-1", "-in", path("request.pem"), "-signkey", key, "-copy_extensions", "copy",
        "-out", expired,
      ])
    }

    private static func openssl(_ arguments: [String]) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["openssl"] + arguments
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      struct Failed: Error { let command: [String] }
      if process.terminationStatus != 0 { throw Failed(command: arguments) }
    }
  }

  /// Another program that runs beside the test. Its output and its errors are one text. Sendable because one task uses
  /// it.
  private final class Program: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var said = ""

    init(_ command: String...) throws {
      // Writing to a program that has ended is an error of the test, and not the end of it.
      signal(SIGPIPE, SIG_IGN)
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = command
      process.standardInput = input
      process.standardOutput = output
      process.standardError = output
      try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    func write(_ text: String) { try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
    func endInput() { try? input.fileHandleForWriting.close() }
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Everything that the program has said, up to the mark, or to its end. With `andLine` the line is complete.
    func text(until mark: String? = nil, andLine: Bool = false) async -> String {
      await onThread { [self] in
        while true {
          if let mark, let found = said.range(of: mark), !andLine || said[found.upperBound...].contains("\n") {
            return said
          }
          let data = output.fileHandleForReading.availableData
          if data.isEmpty { return said }
          said += String(decoding: data, as: UTF8.self)
        }
      }
    }

    func status() async -> Int32 {
      await onThread { [self] in
        process.waitUntilExit()
        return process.terminationStatus
      }
    }

    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: body()) }
      }
    }
  }
#endif
