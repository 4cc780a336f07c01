import TroupeNet

/// Routes without a server, for tests and for the fuzzer: it answers what needs no task and no connection.
package struct OfflineSite: Sendable {
  private let router: Router

  package init(_ routes: (inout Routes) -> Void) {
    var collected = Routes()
    routes(&collected)
    router = collected.router
  }

  /// The bytes of the answer; nil if a task would make it.
  package func answer(_ request: Request) -> [UInt8]? {
    guard let response = response(request) else { return nil }
    var output = OutputBuffer()
    let transmission = Transmission(
      isHead: request.method == .head, isHTTP10: request.isHTTP10, closes: !request.notes.isPersistent)
    response.encode(transmission, into: &output)
    return output.takeBytes()
  }

  private func response(_ request: Request) -> Response? {
    do {
      switch router.find(request) {
      case .route(.handler(let handler), let parameters):
        var request = request
        request.parameters = parameters
        return try handler(request)
      case .route(.webSocket(let route), _):
        try route.accept(request)
        return try WebSocketHandshake.answer(request, route.protocols).response
      case .route: return nil
      case .notFound: return Response(HTTPError(.notFound))
      case .unknownMethod: return Response(HTTPError(.notImplemented))
      case .otherMethods(let methods): return ServerConnection.allow(methods, request)
      }
    } catch {
      return Response(error as? HTTPError ?? HTTPError(.internalServerError))
    }
  }
}
