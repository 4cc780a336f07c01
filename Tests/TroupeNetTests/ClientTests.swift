import Foundation
import TestSupport
import Testing
import Troupe

@testable import TroupeNet

@Suite("Clients", .serialized, .timeLimit(.minutes(5)))
struct ClientTests {
  private func story(
    _ net: Net, _ endpoint: Endpoint, timeout: Duration = .seconds(100)
  ) -> Story {
    let story = Story()
    net.system.spawn { Client(endpoint, LineCodec(), timeout: timeout) { event, _, _ in story.note(event) } }
    return story
  }

  @Test("A refused connection is reported by the name of the error")
  func refused() async throws {
    let net = Net()
    var socket: RawSocket? = RawSocket(backlog: 1)
    let port = Int(socket?.port ?? 0)
    socket = nil
    let told = story(net, .loopback(port))
    await told.closed.wait()
    #expect(
      told.all == [
        "closed: the connection failed: connect to 127.0.0.1:\(port): Connection refused (ECONNREFUSED)"
      ])
    await net.end()
  }

  @Test("A name that does not resolve, a port that is none, and a path that is too long are reported")
  func unusable() async throws {
    let net = Net()
    let unknown = story(net, .tcp(host: "no such name", port: 1))
    await unknown.closed.wait()
    #expect(unknown.all.count == 1 && unknown.all[0].contains("resolve no such name:1: "))
    let port = story(net, .loopback(70_000))
    await port.closed.wait()
    #expect(port.all[0].hasSuffix("a port lies between 0 and 65535"))
    let path = story(net, .unix(path: String(repeating: "x", count: 200)))
    await path.closed.wait()
    #expect(path.all[0].contains("between 1 and 107 bytes"))
    let missing = story(net, .unix(path: "/no/such/socket"))
    await missing.closed.wait()
    #expect(missing.all[0].contains("ENOENT"))
    await net.end()
  }

  @Test("A name is resolved")
  func name() async throws {
    let net = Net()
    let server = try net.system.lines { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let story = Story()
    net.system.spawn {
      Client(.tcp(host: "localhost", port: server.port), LineCodec()) { event, connection, _ in
        story.note(event)
        if case .connected = event { connection.write("found") }
        if case .received = event { connection.close() }
      }
    }
    await story.closed.wait()
    #expect(story.all == ["connected", "found", "closed: the connection was closed"])
    await net.end()
  }

  @Test("A server that does not answer is given up after the timeout")
  func timeout() async throws {
    let net = Net()
    // The backlog is full, so the system does not answer further clients.
    let deaf = RawSocket(backlog: 0)
    let endpoint = Endpoint.loopback(Int(deaf.port))
    let fillers = (0..<8).map { _ in story(net, endpoint) }
    let late = story(net, endpoint, timeout: .milliseconds(100))
    await late.closed.wait()
    #expect(late.all == ["closed: the connection failed: connect to \(endpoint): no answer in time"])
    #expect(fillers.contains { $0.all == ["connected"] })
    await net.end()
  }

  @Test("A supervised client connects again when the server is back")
  func reconnecting() async throws {
    let net = Net()
    let server = try net.system.lines { event, connection, _ in
      if case .received = event { connection.close() }
    }
    let connected = Countdown(5)
    let supervision = Supervision.reconnect(shortest: .milliseconds(1), longest: .milliseconds(10))
    net.system.spawn(options: SpawnOptions(supervision: supervision)) {
      Client(server.endpoint, LineCodec()) { event, connection, _ in
        switch event {
        case .connected:
          connected.down()
          connection.write("close it")
        case .closed: throw Oops()
        default: break
        }
      }
    }
    await connected.wait()
    await net.end()
  }

  @Test("An actor that ends while it connects leaves no descriptor")
  func endsWhileConnecting() async throws {
    let net = Net()
    let deaf = RawSocket(backlog: 0)
    let endpoint = Endpoint.loopback(Int(deaf.port))
    let fillers = (0..<8).map { _ in story(net, endpoint) }
    await until { fillers.contains { $0.all == ["connected"] } }
    let before = openDescriptors()
    for _ in 0..<50 {
      let actor = net.system.spawn { Client(endpoint, LineCodec()) { _, _, _ in } }
      net.system.stop(actor)
      _ = await actor.termination
    }
    #expect(await settled { openDescriptors() <= before })
    await net.end()
  }
}
