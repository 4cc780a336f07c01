/// The routes of a server as a tree: each node is a segment of a path.
///
/// A segment that a route spells out is preferred to a parameter, and that to the rest of a path. Looking a path up is
/// O(n) in its length, times the number of routes that share its beginning.
struct Router: Sendable {
  private struct Node: Sendable {
    var literals: [(segment: [UInt8], node: Int)] = []
    var parameter: Int?
    var rest: Int?
    /// The names of the parameters on the way are those of the route, since routes may name them differently.
    var routes: [(method: Method, names: [String], route: Route)] = []
  }

  enum Found {
    case route(Route, [String: String])
    case notFound
    /// The path exists, with these methods.
    case otherMethods([Method])
    /// No route has the method, and the server does not know it.
    case unknownMethod
  }

  private var nodes = [Node()]
  private var methods: Set<Method> = []

  // MARK: Adding

  mutating func add(_ method: Method, _ path: String, _ route: Route) {
    guard path.hasPrefix("/") else { fatalError("Troupe: the path of a route must begin with a '/', and is \(path)") }
    var node = 0
    var names: [String] = []
    let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for (index, segment) in segments.enumerated() {
      switch segment.first {
      case UInt8(ascii: ":"):
        names.append(String(decoding: segment.dropFirst(), as: UTF8.self))
        node = child(of: node, \.parameter)
      case UInt8(ascii: "*"):
        guard index == segments.count - 1 else {
          fatalError("Troupe: a '*' must be the last part of a route's path, which is \(path)")
        }
        names.append(String(decoding: segment.dropFirst(), as: UTF8.self))
        node = child(of: node, \.rest)
      default: node = literal(of: node, Array(segment))
      }
    }
    if nodes[node].routes.contains(where: { $0.method == method }) {
      fatalError("Troupe: there are two routes for \(method) \(path)")
    }
    nodes[node].routes.append((method, names, route))
    methods.insert(method)
  }

  private mutating func child(of node: Int, _ place: WritableKeyPath<Node, Int?>) -> Int {
    if let child = nodes[node][keyPath: place] { return child }
    nodes.append(Node())
    nodes[node][keyPath: place] = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func literal(of node: Int, _ segment: [UInt8]) -> Int {
    if let child = nodes[node].literals.first(where: { $0.segment == segment }) { return child.node }
    nodes.append(Node())
    nodes[node].literals.append((segment, nodes.count - 1))
    return nodes.count - 1
  }

  // MARK: Finding

  func find(_ request: Request) -> Found {
    request.head.withUnsafeBytes { head in
      let path = head.part(request.pathStart, request.pathEnd)
      var values: [Range<Int>] = []
      // The path of `http://host` is empty, and means the root.
      guard let node = find(path, path.isEmpty ? 0 : 1, 0, &values) else {
        return isUnknown(request.method) ? .unknownMethod : .notFound
      }
      let routes = nodes[node].routes
      guard
        let found = routes.first(where: { $0.method == request.method })
          ?? (request.method == .head ? routes.first { $0.method == .get } : nil)
      else {
        return isUnknown(request.method) ? .unknownMethod : .otherMethods(routes.map(\.method))
      }
      if values.isEmpty { return .route(found.route, [:]) }
      var parameters: [String: String] = [:]
      for (name, place) in zip(found.names, values) {
        guard let value = path[place].percentDecoded() else { return .notFound }
        parameters[name] = value
      }
      return .route(found.route, parameters)
    }
  }

  private func isUnknown(_ method: Method) -> Bool { !Method.isKnown(method.rawValue) && !methods.contains(method) }

  /// The node with routes for what the path has from `start` on.
  private func find(
    _ path: UnsafeRawBufferPointer, _ start: Int, _ node: Int, _ values: inout [Range<Int>]
  ) -> Int? {
    var end = start
    while end < path.count && path[end] != UInt8(ascii: "/") { end += 1 }
    let segment = path.part(start, end)
    let isLast = end == path.count
    for (literal, child) in nodes[node].literals where Self.isSame(segment, literal) {
      if isLast {
        if !nodes[child].routes.isEmpty { return child }
      } else if let found = find(path, end + 1, child, &values) {
        return found
      }
    }
    if let child = nodes[node].parameter, !segment.isEmpty {
      values.append(start..<end)
      if isLast {
        if !nodes[child].routes.isEmpty { return child }
      } else if let found = find(path, end + 1, child, &values) {
        return found
      }
      values.removeLast()
    }
    if let child = nodes[node].rest {
      values.append(start..<path.count)
      return child
    }
    return nil
  }

  private static func isSame(_ segment: UnsafeRawBufferPointer, _ literal: [UInt8]) -> Bool {
    if segment.count == literal.count && segment.elementsEqual(literal) { return true }
    // A character may be encoded although it need not be.
    guard segment.contains(UInt8(ascii: "%")), let decoded = segment.percentDecoded() else { return false }
    return decoded.utf8.elementsEqual(literal)
  }
}
