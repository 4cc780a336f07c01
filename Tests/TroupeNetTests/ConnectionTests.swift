import Foundation
import TestSupport
import Testing
import Troupe

@testable import TroupeNet

@Suite("Connections", .serialized, .timeLimit(.minutes(5)))
struct ConnectionTests {
  @Test("Lines that come together are answered in order, and an actor is told of the end", arguments: [1, 2, 8])
  func echo(workers: Int) async throws {
    let net = Net(workers: workers)
    let story = Story()
    let server = try net.system.lines(ServerOptions(), story) { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let lines = (0..<1_000).map { "line \($0)\n" }.joined()
    let client = RawSocket(port: server.port)
    let answer = await onThread {
      client.send(lines)
      client.endOutput()
      return String(decoding: client.receiveAll(), as: UTF8.self)
    }
    #expect(answer == lines)
    await story.closed.wait()
    #expect(story.all.last == "closed: the peer closed the connection")
    #expect(story.all.count == 1_001)
    await net.end(client)
  }

  @Test("A client is told of the connection, its frames and the end, and what it writes before is sent then")
  func client() async throws {
    let net = Net()
    let server = try net.system.lines { event, connection, _ in
      if case .received(let line) = event { connection.write("\(line)!") }
    }
    let story = Story()
    net.system.spawn {
      Client(server.endpoint, LineCodec()) { event, connection, _ in
        story.note(event)
        if case .connected = event { connection.write("two") }
        if case .received("two!") = event { connection.close() }
      }
    }
    let early = Story()
    net.system.spawn {
      Early(endpoint: server.endpoint, story: early)
    }
    await story.closed.wait()
    #expect(story.all == ["connected", "two!", "closed: the connection was closed"])
    await early.closed.wait()
    #expect(early.all == ["connected", "early!", "closed: the connection was closed"])
    await net.end()
  }

  private struct Early: Behavior {
    let endpoint: Endpoint
    let story: Story
    var connection: Connection<LineCodec>?
    mutating func started(in context: Context<ConnectionEvent<String>>) {
      connection = context.connect(to: endpoint, codec: LineCodec()) { $0 }
      connection?.write("early")
    }
    func receive(_ event: consuming ConnectionEvent<String>, in context: Context<ConnectionEvent<String>>) {
      story.note(event)
      if case .received = event { connection?.close() }
    }
  }

  @Test("A handler that does not return holds its client, and no more than a block of input is kept")
  func slowHandler() async throws {
    let net = Net()
    let gate = Event()
    let began = Event()
    let received = Counter()
    let server = try net.system.listen(on: .loopback(0), codec: BytesCodec(limit: 1 << 20)) { connection in
      Slow(began: began, gate: gate, received: received)
    }
    let client = RawSocket(port: server.port, buffer: 8 * 1024)
    client.send([1])
    await began.wait()
    // The kernel takes what its buffers hold, and no more.
    let chunk = [UInt8](repeating: 2, count: 64 * 1024)
    let held = await onThread { () -> Int in
      var sent = 0
      var idle = 0
      while idle < 200 {
        let count = client.sendWhatFits(chunk)
        sent += count
        idle = count == 0 ? idle + 1 : 0
        if sent > 256 << 20 { break }
      }
      return sent
    }
    #expect(held < 64 << 20)
    #expect(received.value <= 1 + BlockPool.size)
    gate.set()
    await onThread { client.endOutput() }
    await until { received.value == held + 1 }
    await net.end(client)
  }

  private struct Slow: AsyncBehavior {
    let began: Event
    let gate: Event
    let received: Counter
    func receive(_ event: consuming ConnectionEvent<[UInt8]>, in context: Context<ConnectionEvent<[UInt8]>>) async {
      if case .received(let bytes) = event {
        received.add(bytes.count)
        began.set()
        await gate.wait()
      }
    }
  }

  @Test("From the output mark on no frame is read, and `drained` comes when half of it is sent")
  func outputMark() async throws {
    let net = Net()
    let story = Story()
    var options = ServerOptions()
    options.connection.outputMark = 64 * 1024
    let large = String(repeating: "x", count: 4 << 20)
    let server = try net.system.lines(options, story) { event, connection, _ in
      if case .received(let line) = event { connection.write(line == "large" ? large : line) }
    }
    let client = RawSocket(port: server.port, buffer: 16 * 1024)
    client.send("large\nsmall\n")
    await until { story.all.contains("large") }
    let other = RawSocket(port: server.port)
    // Another connection goes on meanwhile.
    #expect(
      await onThread { () -> String in
        other.send("ok\n")
        return other.text(3)
      } == "ok\n")
    #expect(!story.all.contains("small"))
    let answer = await onThread { client.receive(large.utf8.count + 1 + 6) }
    #expect(answer.count == large.utf8.count + 7)
    #expect(answer.suffix(7) == ArraySlice(Array("\nsmall\n".utf8)))
    let told = story.all.filter { $0 == "small" || $0 == "drained" }
    #expect(told == ["drained", "small"])
    await net.end(client, other)
  }

  @Test("Over the output limit a connection is aborted, or the frame is dropped")
  func outputLimit() async throws {
    let net = Net()
    var options = ServerOptions()
    options.connection.outputLimit = 1 << 20
    for rule in [ConnectionOptions.FullRule.close, .drop] {
      options.connection.whenFull = rule
      let story = Story()
      let outcomes = Later<[WriteOutcome]>()
      let chunk = String(repeating: "x", count: 64 * 1024 - 1)
      let server = try net.system.lines(options, story) { event, connection, _ in
        guard case .received = event else { return }
        outcomes.set((0..<1_000).map { _ in connection.write(chunk) })
      }
      let client = RawSocket(port: server.port, buffer: 16 * 1024)
      client.send("go\n")
      let all = await outcomes.value
      // What is sent at once counts as well; the handler itself sends nothing.
      #expect(all.prefix(16).allSatisfy { $0 == .written })
      #expect(all[16] == .full)
      switch rule {
      case .close:
        #expect(all[17...].allSatisfy { $0 == .closed })
        await story.closed.wait()
        #expect(story.all.last == "closed: the peer read too slowly")
        _ = await onThread { client.receiveAll() }
        #expect(client.error == ECONNRESET)
      case .drop:
        #expect(all[17...].allSatisfy { $0 == .full })
        let bytes = await onThread { client.receive(16 * 64 * 1024) }
        #expect(bytes.count == 16 * 64 * 1024)
      }
      await server.stop(within: .zero)
    }
    await net.end()
  }

  /// A connection of a server whose peer does not read, with output up to its mark.
  private func congested(_ net: Net, _ options: ServerOptions) async throws -> (Connection<LineCodec>, RawSocket) {
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines(options) { event, connection, _ in
      if case .received = event { found.set(connection) }
    }
    let client = RawSocket(port: server.port, buffer: 16 * 1024)
    client.send("go\n")
    let connection = await found.value
    connection.write(String(repeating: "x", count: (8 << 20) - 1))
    return (connection, client)
  }

  @Test("To deliver waits for room, and ends by a timeout, by cancellation, and by the end of the connection")
  func deliver() async throws {
    let net = Net()
    var options = ServerOptions()
    options.connection.outputMark = 64 * 1024
    let (connection, client) = try await congested(net, options)
    #expect(await connection.deliver("late", timeout: .milliseconds(20)) == .timedOut)
    let cancelled = Task { await connection.deliver("cancelled") }
    cancelled.cancel()
    #expect(await cancelled.value == .cancelled)
    let delivered = Task { await connection.deliver("delivered") }
    let bytes = await onThread { client.receive((8 << 20) + 10) }
    #expect(bytes.suffix(11) == ArraySlice(Array("\ndelivered\n".utf8)))
    #expect(await delivered.value == .written)

    let (other, held) = try await congested(net, options)
    let closed = Task { await other.deliver("never") }
    other.abort()
    #expect(await closed.value == .closed)
    #expect(await other.deliver("never") == .closed)
    #expect(other.write("never") == .closed)
    withExtendedLifetime(held) {}
    await net.end(client, held)
  }

  @Test("Many tasks that deliver do not exceed the limit together")
  func manyDeliver() async throws {
    let net = Net()
    var options = ServerOptions()
    options.connection.outputMark = 16 * 1024
    options.connection.outputLimit = 10 << 20
    let (connection, client) = try await congested(net, options)
    let frame = String(repeating: "y", count: 256 * 1024 - 1)
    let outcomes = Task {
      await withTaskGroup(of: WriteOutcome.self) { group in
        for _ in 0..<100 { group.addTask { await connection.deliver(frame) } }
        return await group.reduce(into: [WriteOutcome]()) { $0.append($1) }
      }
    }
    let count = await onThread { client.receive((8 << 20) + 100 * 256 * 1024).count }
    #expect(count == (8 << 20) + 100 * 256 * 1024)
    #expect(await outcomes.value.allSatisfy { $0 == .written })
    await net.end(client)
  }

  @Test("No frame comes between `pauseReading` and `resumeReading`")
  func pause() async throws {
    let net = Net()
    let story = Story()
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines(ServerOptions(), story) { event, connection, _ in
      guard case .received(let line) = event else { return }
      if line == "pause" {
        connection.pauseReading()
        found.set(connection)
      }
    }
    let client = RawSocket(port: server.port)
    client.send("1\npause\n2\n")
    let connection = await found.value
    client.send("3\n")
    // The actor is at work all the time, and still no frame comes.
    for _ in 0..<20 {
      connection.write("x")
      #expect(await onThread { client.text(2) } == "x\n")
    }
    #expect(story.all == ["1", "pause"])
    connection.resumeReading()
    await until { story.all.count == 4 }
    #expect(story.all == ["1", "pause", "2", "3"])
    await net.end(client)
  }

  @Test("A peer that has ended its side gets its answers, and with half-close all that comes later")
  func halfCloseOfThePeer() async throws {
    let net = Net()
    let story = Story()
    var options = ServerOptions()
    options.connection.allowsHalfClose = true
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines(options, story) { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
      if case .inputEnded = event { found.set(connection) }
    }
    let client = RawSocket(port: server.port)
    client.send("one\ntwo")
    client.endOutput()
    let connection = await found.value
    #expect(story.all == ["one", "two", "inputEnded"])
    connection.write("three")
    connection.close()
    #expect(await onThread { client.receiveAll() } == Array("one\ntwo\nthree\n".utf8))
    await story.closed.wait()
    await net.end(client)
  }

  @Test("After `endOutput` the peer reads the end, and its frames still come")
  func halfCloseOfOurs() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.lines(ServerOptions(), story) { event, connection, _ in
      guard case .received("first") = event else { return }
      connection.write("answer")
      connection.endOutput()
    }
    let client = RawSocket(port: server.port)
    let answer = await onThread { () -> [UInt8] in
      client.send("first\n")
      let answer = client.receiveAll()
      client.send("second\n")
      client.endOutput()
      return answer
    }
    #expect(answer == Array("answer\n".utf8))
    #expect(client.isAtEnd)
    await story.closed.wait()
    #expect(story.all == ["first", "second", "closed: the peer closed the connection"])
    await net.end(client)
  }

  @Test("What was written before `close` arrives, although the peer still sends much that nobody reads")
  func closeWithUnreadInput() async throws {
    let net = Net()
    let answer = String(repeating: "a", count: 6 << 20)
    let server = try net.system.lines { event, connection, _ in
      guard case .received = event else { return }
      connection.write(answer)
      connection.close()
    }
    for size in [1 << 20, 16 << 20] {
      let client = RawSocket(port: server.port, buffer: size > 1 << 20 ? 0 : 32 * 1024)
      let bytes = await onThread { () -> [UInt8] in
        client.send("go\n")
        // It sends everything before it reads.
        client.send([UInt8](repeating: 1, count: size))
        return client.receiveAll()
      }
      #expect(bytes.count == answer.utf8.count + 1)
      #expect(client.error == 0)
    }
    await net.end()
  }

  @Test("More than one round of unread input is thrown away when nothing tells of it any more")
  func closeWithMuchUnreadInput() async throws {
    let net = Net()
    let (begun, gate) = (Event(), Event())
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "troupe-\(UInt32.random(in: 0...(.max)))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("socket").path
    var options = ServerOptions()
    options.connection.closeTimeout = .seconds(100_000)
    let server = try net.system.listen(on: .unix(path: path), codec: LineCodec(), options: options) { connection in
      Peer(connection) { event, connection, _ in
        guard case .received = event else { return }
        begun.set()
        gate.spin()
        connection.close()
      }
    }
    // A Unix-domain socket takes everything at once, and the end too, before anything is read.
    let client = RawSocket(path: path, buffer: 2 << 20)
    client.send("go\n")
    await begun.wait()
    let sent = client.sendWhatFits([UInt8](repeating: 1, count: 1 << 20))
    #expect(sent > ConnectionCore.readLimit * BlockPool.size)
    client.endOutput()
    gate.set()
    #expect(await settled { server.connectionCount == 0 })
    await net.end(client)
  }

  @Test("A connection whose actor fails or stops sends what was written and is closed")
  func actorEnds() async throws {
    let net = Net()
    let server = try net.system.lines { event, connection, context in
      guard case .received(let line) = event else { return }
      connection.write("bye")
      if line == "fail" { throw Oops() }
      context.stop()
    }
    for line in ["fail", "stop"] {
      let client = RawSocket(port: server.port)
      client.send("\(line)\nmore\n")
      #expect(await onThread { client.receiveAll() } == Array("bye\n".utf8))
      #expect(client.isAtEnd)
    }
    await until { server.connectionCount == 0 }
    await net.end()
  }

  @Test("An abort reaches the peer as one")
  func abort() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.lines(ServerOptions(), story) { event, connection, _ in
      if case .received = event { connection.abort() }
    }
    let client = RawSocket(port: server.port)
    client.send("go\n")
    _ = await onThread { client.receiveAll() }
    #expect(client.error == ECONNRESET)
    await story.closed.wait()
    #expect(story.all.last == "closed: the connection was aborted")
    await net.end(client)
  }

  @Test("A peer that aborts ends the connection with an error")
  func peerAborts() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.lines(ServerOptions(), story) { _, _, _ in }
    var client: RawSocket? = RawSocket(port: server.port)
    client?.send("half")
    await until { server.connectionCount == 1 }
    client?.abortsWhenClosed()
    client = nil
    await story.closed.wait()
    #expect(story.all.last?.contains("ECONNRESET") == true)
    await net.end()
  }

  @Test("A connection without traffic is closed after the idle timeout, and one with traffic is not")
  func idle() async throws {
    let net = Net()
    let story = Story()
    let options = ServerOptions(connection: ConnectionOptions(idleTimeout: .milliseconds(300)))
    let server = try net.system.lines(options, story) { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let client = RawSocket(port: server.port)
    client.send("one\n")
    #expect(await onThread { client.receiveAll() } == Array("one\n".utf8))
    await story.closed.wait()
    #expect(story.all.last == "closed: the connection was idle for too long")
    await net.end(client)
  }

  @Test("The idle timeout of a client counts from the connection on")
  func idleClient() async throws {
    let net = Net()
    let server = try net.system.lines { _, _, _ in }
    let story = Story()
    let start = ContinuousClock.now
    net.system.spawn {
      Client(
        server.endpoint, LineCodec(), ConnectionOptions(idleTimeout: .milliseconds(50)), timeout: .seconds(120)
      ) { event, _, _ in story.note(event) }
    }
    await story.closed.wait()
    #expect(story.all == ["connected", "closed: the connection was idle for too long"])
    #expect(ContinuousClock.now - start < .seconds(60))
    await net.end()
  }

  @Test("A frame that takes too long fails the input, and the farewell is sent before the connection is closed")
  func frameTimeout() async throws {
    let net = Net()
    let story = Story()
    let options = ServerOptions(connection: ConnectionOptions(frameTimeout: .milliseconds(50)))
    let server = try net.system.lines(options, story) { event, connection, _ in
      if case .inputFailed = event { connection.write("too slow") }
    }
    let client = RawSocket(port: server.port)
    client.send("whole\nhalf")
    #expect(await onThread { client.receiveAll() } == Array("too slow\n".utf8))
    #expect(client.isAtEnd)
    await story.closed.wait()
    let reason = "the peer took too long for a frame"
    #expect(story.all == ["whole", "inputFailed \(reason)", "closed: the connection failed: \(reason)"])
    await net.end(client)
  }

  @Test("The time in which reading is paused does not count for a frame")
  func frameTimeoutWhilePaused() async throws {
    let net = Net()
    let story = Story()
    let options = ServerOptions(connection: ConnectionOptions(frameTimeout: .milliseconds(200)))
    let server = try net.system.listen(on: .loopback(0), codec: LineCodec(), options: options, as: { $0 }) {
      connection in
      Pausing(connection: connection, story: story)
    }
    let client = RawSocket(port: server.port)
    client.send("whole\nha")
    // The actor pauses for twice the timeout.
    #expect(await onThread { client.text(8) } == "resumed\n")
    client.send("lf\n")
    await until { story.all.count == 2 }
    #expect(story.all == ["whole", "half"])
    await net.end(client)
  }

  private struct Pausing: Behavior {
    typealias Message = ConnectionEvent<String>?
    let connection: Connection<LineCodec>
    let story: Story
    func receive(_ event: consuming ConnectionEvent<String>?, in context: Context<ConnectionEvent<String>?>) {
      guard let event else {
        connection.resumeReading()
        connection.write("resumed")
        return
      }
      story.note(event)
      if case .received("whole") = event {
        connection.pauseReading()
        context.timers.once("resume", after: .milliseconds(400), nil)
      }
    }
  }

  @Test("Bytes that are no frame fail the input, and the farewell is sent before the connection is closed")
  func codecError() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.listen(on: .loopback(0), codec: LineCodec(limit: 8)) { connection in
      Peer(connection) { event, connection, _ in
        story.note(event)
        if case .inputFailed = event { connection.write("too long") }
      }
    }
    let client = RawSocket(port: server.port)
    client.send("short\nmuch too long\nmore\n")
    #expect(await onThread { client.receiveAll() } == Array("too long\n".utf8))
    await story.closed.wait()
    let reason = "the peer sent a frame of more than 8 bytes"
    #expect(story.all == ["short", "inputFailed \(reason)", "closed: the connection failed: \(reason)"])
    await net.end(client)
  }

  @Test("An actor that is restarted keeps its connection and what has come in")
  func restart() async throws {
    let net = Net()
    var options = ServerOptions()
    options.spawn = SpawnOptions(supervision: Supervision { _, _ in .restart(after: .zero) })
    let server = try net.system.lines(options) { event, connection, context in
      guard case .received(let line) = event else { return }
      if line == "fail" { throw Oops() }
      connection.write("\(line) \(context.incarnation)")
    }
    let client = RawSocket(port: server.port)
    client.send("a\nfail\nb\nfail\nc\n")
    #expect(await onThread { client.text(12) } == "a 1\nb 2\nc 3\n")
    await net.end(client)
  }

  @Test("A connection that an actor asked for before it failed in `started` is closed, and tells the next one nothing")
  func failureInStarted() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.lines { _, _, _ in }
    net.system.spawn(options: SpawnOptions(supervision: Supervision { _, _ in .restart(after: .zero) })) {
      FailsAtFirst(endpoint: server.endpoint, story: story)
    }
    await until { story.all.count >= 2 }
    await until { server.connectionCount == 1 }
    #expect(story.all == ["4!", "connected"])
    await net.end()
  }

  private struct FailsAtFirst: Behavior {
    let endpoint: Endpoint
    let story: Story
    func started(in context: Context<ConnectionEvent<String>>) throws {
      let number = context.incarnation
      let connection = context.connect(to: endpoint, codec: LineCodec()) { event in event }
      connection.write("\(number)")
      if number < 4 { throw Oops() }
      story.trail.append("\(number)!")
    }
    func receive(_ event: consuming ConnectionEvent<String>, in context: Context<ConnectionEvent<String>>) {
      story.note(event)
    }
  }

  @Test("Another codec looks at what the first one has left")
  func changeOfCodec() async throws {
    let net = Net()
    let story = Story()
    let server = try net.system.listen(
      on: .loopback(0), codec: DelimiterCodec([10]), as: { $0 }
    ) { connection in Changing(connection: connection, story: story) }
    let client = RawSocket(port: server.port)
    client.send("a\nb;c;")
    await until { story.all.count == 3 }
    #expect(story.all == ["[97]", "[98]", "[99]"])
    await net.end(client)
  }

  private struct Changing: Behavior {
    typealias Message = ConnectionEvent<[UInt8]>?
    let connection: Connection<DelimiterCodec>
    let story: Story
    func receive(_ event: consuming Message, in context: Context<Message>) {
      guard let event else { return connection.changeCodec(DelimiterCodec([59])) }
      story.note(event)
      // By then the first codec has looked at the rest.
      if case .received([97]) = event { context.timers.once("change", after: .milliseconds(50), nil) }
    }
  }

  @Test("An actor has several connections")
  func several() async throws {
    let net = Net()
    let server = try net.system.lines { event, connection, _ in
      if case .received(let line) = event { connection.write(line) }
    }
    let count = 20
    let story = Story()
    net.system.spawn { Several(endpoint: server.endpoint, count: count, story: story) }
    await until { story.all.count == count * 50 }
    for index in 0..<count {
      #expect(story.all.filter { $0.hasPrefix("\(index):") } == (0..<50).map { "\(index):\($0)" })
    }
    await net.end()
  }

  private struct Several: Behavior {
    typealias Message = (Int, ConnectionEvent<String>)
    let endpoint: Endpoint
    let count: Int
    let story: Story
    func started(in context: Context<Message>) {
      for index in 0..<count {
        let connection = context.connect(to: endpoint, codec: LineCodec()) { (index, $0) }
        for number in 0..<50 { connection.write("\(number)") }
      }
    }
    func receive(_ message: consuming Message, in context: Context<Message>) {
      if case .received(let line) = message.1 { story.trail.append("\(message.0):\(line)") }
    }
  }

  @Test("Connections of asynchronous actors handle one frame at a time, and in order")
  func asynchronous() async throws {
    let net = Net()
    let server = try net.system.listen(on: .loopback(0), codec: LineCodec()) { AsyncEcho(connection: $0) }
    let lines = (0..<300).map { "line \($0)\n" }.joined()
    let client = RawSocket(port: server.port)
    let answer = await onThread { () -> [UInt8] in
      client.send(lines)
      client.endOutput()
      return client.receiveAll()
    }
    #expect(String(decoding: answer, as: UTF8.self) == lines)
    await net.end(client)
  }

  private struct AsyncEcho: AsyncBehavior {
    let connection: Connection<LineCodec>
    private var isBusy = false
    init(connection: Connection<LineCodec>) { self.connection = connection }
    mutating func receive(
      _ event: consuming ConnectionEvent<String>, in context: Context<ConnectionEvent<String>>
    ) async {
      precondition(!isBusy)
      isBusy = true
      await Task.yield()
      if case .received(let line) = event { _ = await connection.deliver(line) }
      isBusy = false
    }
  }

  @Test("What many threads write meanwhile comes whole, and each thread's in order")
  func writers() async throws {
    let net = Net()
    let found = Later<Connection<LineCodec>>()
    let server = try net.system.lines { event, connection, _ in
      if case .received = event { found.set(connection) }
    }
    let client = RawSocket(port: server.port)
    client.send("go\n")
    let connection = await found.value
    let count = Scale.count(20_000)
    async let text = onThread { String(decoding: client.receiveAll(), as: UTF8.self) }
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask { for number in 0..<count { _ = await connection.deliver("\(writer) \(number)") } }
      }
    }
    connection.close()
    let lines = await text.split(separator: "\n")
    for writer in 0..<4 {
      #expect(lines.filter { $0.hasPrefix("\(writer) ") } == (0..<count).map { "\(writer) \($0)" })
    }
    #expect(lines.count == 4 * count)
    await net.end(client)
  }
}
