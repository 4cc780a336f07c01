import Foundation
import TroupeHTTP
import TroupeNet

// Mutates requests and WebSocket frames by a seed, and has the codec and the router deal with them.
//
//     http-fuzz [RUNS] [SEED]
//
// Each run takes one or two entries of the corpus, mutates them, and feeds them to a codec in parts. What is checked
// besides that nothing crashes: the parts do not matter (the same stream in one piece gives the same frames), no frame
// is larger than its limit, and a codec that has refused its input gives nothing more. It ends with code 1 if one of
// them fails, with the seed and the input. Build it with the address sanitizer.
//
// The work is in a function, since the top level is isolated to the main actor.
Fuzz.main()

enum Fuzz {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
    let runs = arguments.first ?? 100_000
    let seed = arguments.dropFirst().first ?? 1
    let site = site()
    var tally = Tally()
    let clock = ContinuousClock()
    let time = clock.measure {
      for run in 0..<runs {
        var random = Random(state: seed &* 0x9e37_79b9_7f4a_7c15 &+ run)
        check(&random, run, seed, site, &tally)
      }
    }
    print("runs=\(runs) seed=\(seed) seconds=\(time) \(tally)")
  }

  /// Routes of all kinds that answer at once. A handler reads what handlers usually read.
  static func site() -> OfflineSite {
    OfflineSite { routes in
      routes.get("/") { _ in .text("hello") }
      routes.get("/books/:id") { request in
        var response = Response.text("\(request["id"]) \(request.query("x") ?? "")")
        response["X-Echo"] = request.headers["Accept"]
        return response
      }
      routes.post("/form") { request in .json(request.headers["Content-Type"] ?? "") }
      routes.on(.put, "/:any/*rest") { request in .redirect(to: request["rest"]) }
      routes.files("/static", in: "/usr/share/common-licenses")
      routes.webSocket("/chat", protocols: ["a"]) { socket in for try await _ in socket.messages {} }
    }
  }

  struct Tally: CustomStringConvertible {
    var heads = 0, bodies = 0, messages = 0, refused = 0, answers = 0
    var description: String {
      "heads=\(heads) bodies=\(bodies) messages=\(messages) refused=\(refused) answers=\(answers)"
    }
  }

  /// SplitMix64.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() % UInt64(max(1, bound))) }
  }

  static let http: [[UInt8]] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /books/17?x=1&y=%20 HTTP/1.1\r\nHost: example.org:8080\r\nAccept: text/html, */*;q=0.8\r\n\r\n",
    "HEAD /static/a/b.css HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", W/\"y\"\r\nRange: bytes=0-5\r\n\r\n",
    "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\nhello world",
    "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
      + "1F\r\n0123456789012345678901234567890\r\n0\r\n\r\n",
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
      + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a.b/c?d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "DELETE /books/%2e%2e/%c3%a4 HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nX-Long: 0123456789abcdefghijklmnop\r\n\r\n",
  ].map { Array($0.utf8) }

  static let webSocket: [[UInt8]] = [
    [0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e], [0x82, 0x80, 9, 9, 9, 9],
    [0x01, 0x82, 0, 0, 0, 0, 0xe2, 0x82, 0x89, 0x81, 1, 1, 1, 1, 7, 0x80, 0x81, 0, 0, 0, 0, 0xac],
    [0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, 0x62, 0x79, 0x65], [0x8a, 0x80, 0, 0, 0, 0],
    [0x82, 0xfe, 0x00, 0x80, 5, 6, 7, 8] + [UInt8](repeating: 0x55, count: 128),
  ]

  /// What is put in by mutations, beside single bytes.
  static let words: [[UInt8]] = [
    "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", ";", ",", "0", "ffffffffffffffff", "-1", "99999999999999999999",
    "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "HTTP/1.1", "HTTP/9.9", "%", "%00", "%2f",
    "..", "/../", "/", "?", "*", "\u{0}", "\u{ff}", "Connection: close\r\n", "Expect: x\r\n", "bytes=-", "bytes=9-1",
  ].map { Array($0.utf8) }

  static func mutated(_ corpus: [[UInt8]], _ random: inout Random) -> [UInt8] {
    var bytes = corpus[random.below(corpus.count)]
    if random.below(3) == 0 { bytes += corpus[random.below(corpus.count)] }
    for _ in 0..<random.below(6) {
      if bytes.isEmpty { break }
      let place = random.below(bytes.count)
      switch random.below(9) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] ^= 1 << UInt8(random.below(8))
      case 2: bytes.remove(at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(20)))
      case 4, 5: bytes.insert(contentsOf: words[random.below(words.count)], at: place)
      case 6: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(40))], at: place)
      case 7:
        let repeated = [UInt8](repeating: bytes[place], count: 1 + random.below(200))
        bytes.insert(contentsOf: repeated, at: place)
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  static func check(_ random: inout Random, _ run: UInt64, _ seed: UInt64, _ site: OfflineSite, _ tally: inout Tally) {
    var limits = HTTPLimits()
    limits.requestLine = 200
    limits.headers = 300
    limits.headerCount = 12
    limits.webSocketMessage = 300
    let isWebSocket = random.below(4) == 0
    let bytes = mutated(isWebSocket ? webSocket : http, &random)
    let codec = isWebSocket ? HTTPCodec.webSocket(limits: limits) : HTTPCodec(limits: limits)

    var cuts: [Int] = []
    if !bytes.isEmpty {
      for _ in 0..<random.below(6) { cuts.append(random.below(bytes.count)) }
      if random.below(8) == 0 { cuts = Array(0..<bytes.count) }
    }
    let whole = Outcome(codec, bytes, [], site)
    let split = Outcome(codec, bytes, cuts.sorted(), site)
    guard whole == split, !whole.isWrong, !split.isWrong else {
      print("run \(run) of seed \(seed) fails for \(bytes) cut at \(cuts.sorted())\nwhole: \(whole)\nsplit: \(split)")
      exit(1)
    }
    tally.heads += whole.heads.count
    tally.bodies += whole.bodyCount
    tally.messages += whole.messages.count
    tally.answers += whole.answers
    if !whole.refusal.isEmpty { tally.refused += 1 }
  }

  /// What a codec made of a stream.
  struct Outcome: Equatable {
    var heads: [String] = []
    var body: [UInt8] = []
    var bodyCount = 0
    var messages: [WebSocketFrame] = []
    var refusal = ""
    var answers = 0
    var isWrong = false

    init(_ codec: HTTPCodec, _ bytes: [UInt8], _ cuts: [Int], _ site: OfflineSite) {
      var codec = codec
      var rest: [UInt8] = []
      var start = 0
      for end in cuts + [bytes.count] {
        var input = InputBuffer(rest + bytes[start..<end])
        start = end
        do {
          while let frame = try codec.decode(&input) {
            if !refusal.isEmpty { isWrong = true }
            take(frame, site)
          }
        } catch {
          // The words may differ, since a long line without its end is refused before it is looked into.
          refusal = (error as? HTTPError).map { "\($0.status)" } ?? "\(error)"
          // The connection throws the input away; whatever else comes must give nothing.
          var more = InputBuffer(bytes)
          if (try? codec.decode(&more)) != nil { isWrong = true }
          return
        }
        rest = input.takeBytes(input.count)
        if rest.count > 600 { isWrong = true }
      }
    }

    mutating func take(_ frame: HTTPFrame, _ site: OfflineSite) {
      switch frame {
      case .head(let request):
        heads.append("\(request.method) \(request.path) \(request.query ?? "") \(request.headers.map { $0.0 + $0.1 })")
        answers += site.answer(request) == nil ? 0 : 1
      case .body(let bytes, let isLast):
        body += bytes
        if isLast { bodyCount += 1 }
      case .webSocket(let frame):
        if case .binary(let bytes) = frame, bytes.count > 300 { isWrong = true }
        messages.append(frame)
      }
    }
  }
}
