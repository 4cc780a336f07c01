import Foundation
import Synchronization
import TestSupport
import Testing
import Troupe
import TroupeHTTP
import TroupeNet

/// The code of `Docs/HTTP.md`, which is compiled and run here.
@Suite struct HTTPExamples {
  struct ChatSocket: Behavior {
    typealias Message = WebSocketEvent
    let socket: WebSocket
    mutating func receive(_ event: consuming WebSocketEvent, in context: Context<WebSocketEvent>) {
      if case .text(let text) = event { socket.send("you said \(text)") }
    }
  }

  enum Question: ~Copyable {
    case page(Request, Reply<Response>)
    case order(String, Reply<Int>)
  }

  @Test func `The page's server answers`() async throws {
    let system = ActorSystem("page")
    let books = ["17": "a book"]
    let folder = "/usr/share"
    let counter = system.spawn("counter", state: 0) { (count: inout Int, question: consuming Question, _) in
      count += 1
      switch consume question {
      case .page(let request, let reply): reply.send(.text("\(request.path) \(count)"))
      case .order(let text, let reply): reply.send(text.count + count)
      }
    }
    let shop = counter
    let server = try system.serveHTTP(on: .loopback(0)) { routes in
      routes.get("/health") { _ in .text("ok") }
      routes.get("/books/:id") { request in
        guard let book = books[request["id"]] else { throw HTTPError(.notFound) }
        return .text(book)
      }
    }
    let more = try system.serveHTTP(on: .loopback(0)) { routes in
      routes.post("/orders") { request async throws -> Response in
        let number = try await shop.ask { .order(request.text, $0) }
        return .json("{\"number\": \(number)}", status: .created)
      }
      routes.get("/count", asking: counter) { request, reply in .page(request, reply) }
      routes.post("/size") { request, body in
        var count = 0
        for try await part in body { count += part.count }
        return .text("\(count) bytes")
      }
      routes.get("/numbers") { _ in
        .stream(type: "text/csv") { body in
          for number in 1...3 { try await body.write("\(number)\n") }
        }
      }
      routes.get("/events") { _ in
        .events { events in
          try await events.send("begun", event: "state")
        }
      }
      routes.files("/static", in: folder)
      routes.webSocket("/chat") { socket in ChatSocket(socket: socket) }
      routes.webSocket("/echo") { socket in
        for try await message in socket.messages { await socket.deliver(message) }
      }
    }
    try await onThread {
      let client = try RawClient(port: server.port)
      let health = try client.ask("GET", "/health")
      #expect(health.body == "ok")
      #expect(try client.ask("GET", "/books/17").body == "a book")
      #expect(try client.ask("GET", "/books/18").status == 404)
      let other = try RawClient(port: more.port)
      let order = try other.ask("POST", "/orders", "", "tea")
      #expect(order.status == 201 && order.body == "{\"number\": 4}")
      #expect(try other.ask("GET", "/count").body == "/count 2")
      #expect(try other.ask("POST", "/size", "", "hello").body == "5 bytes")
      #expect(try other.ask("GET", "/numbers").body == "1\n2\n3\n")
      #expect(try other.ask("GET", "/events").body == "event: state\ndata: begun\n\n")
      #expect(try other.ask("GET", "/static/none").status == 404)
      try other.send(WebSocketTests.handshake.replacing("/socket", with: "/chat") + "\r\n")
      #expect(try other.answer().status == 101)
      try other.send(WebSocketTests.frame(0x81, "hi"))
      #expect(try WebSocketTests.next(other) == (0x81, Array("you said hi".utf8)))
    }
    await system.shutdown()
  }

  @Test func `Each line of code on the page is compiled`() throws { try expectCode(of: "HTTP.md", atLeast: 39) }
}
