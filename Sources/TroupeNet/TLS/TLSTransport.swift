#if TLS
  internal import CTroupeSockets
  internal import CTroupeTLS
  internal import Troupe
  internal import TroupeChannels

  /// A transport that encrypts what goes through another one.
  ///
  /// Everything happens in the calls of the connection, and so in the turns of its actor: each call to connect, read or
  /// write first goes on with the handshake. Only the rest of what is encrypted is sent by whoever hears that the
  /// socket takes more.
  ///
  /// Sendable because what changes is under the lock. The connection's calls are by one thread at a time, but those of
  /// the poller come at any time, and so may writes of an asynchronous actor.
  final class TLSTransport: Transport, PollerClient, @unchecked Sendable {
    private enum Stage {
      /// The transport below is not connected yet.
      case connecting
      case handshaking, open, failed, closed
    }

    private let inner: any Transport
    private let peer: Endpoint
    private let lock = FutexLock()
    private var stage: Stage
    private var tls: OpaquePointer?
    private var context: TLSContext?
    private var reason: NetworkError?
    private var agreedProtocol: String?
    /// The connection. It is kept from when the socket is there until `close`, as a poller keeps the owner of a socket.
    private var client: (any PollerClient)?
    private weak var connectingClient: (any PollerClient)?

    /// How many bytes of the connection's output are encrypted and not sent. They count as written only when they are
    /// sent, so that a connection without output has nothing left to lose.
    private var unacknowledged = 0
    /// The error with which the transport below refused output.
    private var writeError = 0
    /// Whether the transport below is known to have no input.
    private var isInnerEmpty = false
    private var hasPeerEnded = false
    /// Whether nothing is read because the peer does not take what it makes this side answer.
    private var isReadHeld = false
    private var wantsEnd = false
    /// Whether the transport below is to be told of the end of output when everything is sent.
    private var endsInner = false

    /// How much is encrypted before it is sent.
    private static let batch = 64 * 1024
    /// From so many encrypted bytes on nothing is read. It is more than a batch has, so that two sides that both write
    /// do not wait for each other.
    private static let most = 4 * batch
    /// What calls return when TLS has failed; `failure` says more.
    private static let failed = SystemError.connectionAborted

    /// Makes a transport encrypt, if the options say so.
    static func wrap(
      _ transport: any Transport, _ peer: Endpoint, _ options: ConnectionOptions, isServer: Bool
    ) -> any Transport {
      guard let configuration = options.tls else { return transport }
      return TLSTransport(transport, peer, configuration, isServer: isServer)
    }

    private init(_ inner: any Transport, _ peer: Endpoint, _ configuration: TLSConfiguration, isServer: Bool) {
      self.inner = inner
      self.peer = peer
      stage = isServer ? .handshaking : .connecting
      do throws(NetworkError) {
        let context = try configuration.context(forServer: isServer, peer)
        self.context = context
        var name: String?
        if !isServer {
          name = configuration.serverName
          if name == nil, case .tcp(let host, _) = peer { name = host }
          if name == nil && configuration.verifiesPeer {
            throw NetworkError(.secure, peer, reason: "the configuration lacks the name that the certificate must have")
          }
        }
        let isAddress = name.map { SocketAddress(.tcp(host: $0, port: 0)) != nil } ?? false
        // The zone of a link-local address is no matter of the certificate.
        if isAddress { name = name.map { String($0.prefix { $0 != "%" }) } }
        let source: troupe_tls_source = { owner, bytes, count in
          let transport = Unmanaged<TLSTransport>.fromOpaque(owner!).takeUnretainedValue()
          return transport.readInner(UnsafeMutableRawBufferPointer(start: bytes, count: count))
        }
        let owner = Unmanaged.passUnretained(self).toOpaque()
        tls =
          if let name {
            troupe_tls_create(context.raw, name, isAddress, source, owner)
          } else {
            troupe_tls_create(context.raw, nil, false, source, owner)
          }
        if tls == nil {
          throw NetworkError(.secure, peer, reason: "OpenSSL makes no connection for the name \(name ?? "")")
        }
      } catch {
        reason = error
        if isServer { stage = .failed }
      }
    }

    deinit { if let tls { troupe_tls_free(tls) } }

    // MARK: The transport below. All of this is under the lock.

    private func readInner(_ room: UnsafeMutableRawBufferPointer) -> Int64 {
      if isInnerEmpty { return Int64(TROUPE_TLS_WAIT) }
      while true {
        let count = inner.read(room)
        if count == SystemError.interrupted { continue }
        if count == SystemError.wouldBlock {
          isInnerEmpty = true
          return Int64(TROUPE_TLS_WAIT)
        }
        if count > 0 && count < room.count && !hasPeerEnded && inner.isEmptiedByShortRead { isInnerEmpty = true }
        return Int64(count)
      }
    }

    private var unsentCount: Int {
      guard let tls else { return 0 }
      var count = 0
      _ = troupe_tls_output(tls, &count)
      return count
    }

    /// Sends what is encrypted. Returns whether all of it is sent.
    private func flush() -> Bool {
      guard let tls, writeError == 0 else { return false }
      while true {
        var count = 0
        let bytes = troupe_tls_output(tls, &count)
        if count == 0 { break }
        let piece = UnsafeRawBufferPointer(start: bytes, count: count)
        let sent = withUnsafePointer(to: piece) { inner.write(UnsafeBufferPointer(start: $0, count: 1)) }
        if sent == SystemError.interrupted { continue }
        if sent < 0 && sent != SystemError.wouldBlock {
          writeError = sent
          return false
        }
        if sent > 0 { troupe_tls_output_sent(tls, sent) }
        if sent < count {
          if Poller.isTold { inner.want(Signals.writable) }
          return false
        }
      }
      if endsInner {
        endsInner = false
        inner.endOutput()
      }
      return true
    }

    /// Goes on with the handshake. Returns whether it is over.
    private func shakeHands() -> Bool {
      guard let tls else { return true }
      let result = troupe_tls_handshake(tls)
      _ = flush()
      if result == 1 {
        stage = .open
        var name: UnsafePointer<UInt8>?
        let count = troupe_tls_protocol(tls, &name)
        let bytes = UnsafeBufferPointer(start: name, count: count)
        if count > 0 { agreedProtocol = String(decoding: bytes, as: UTF8.self) }
        if wantsEnd { endNow() }
        return true
      }
      if result == Int64(TROUPE_TLS_WAIT) && writeError == 0 {
        if Poller.isTold { inner.want(Signals.readable) }
        return false
      }
      if result == Int64(TROUPE_TLS_WAIT) {
        stage = .failed
        reason = NetworkError(.secure, peer, code: Int32(-writeError))
      } else {
        fail(.secure)
      }
      return true
    }

    private func fail(_ operation: NetworkError.Operation) {
      guard let tls, stage != .failed else { return }
      // An alert for the peer may have been written.
      _ = flush()
      var words = [CChar](repeating: 0, count: 256)
      let code = troupe_tls_reason(tls, &words, words.count)
      let isShaking = stage == .handshaking
      stage = .failed
      reason =
        if code < 0 {
          NetworkError(operation, peer, code: Int32(-code))
        } else if code == 0 {
          NetworkError(isShaking ? .secure : operation, peer, reason: "TLS failed: \(TLSContext.text(words))")
        } else if isShaking {
          NetworkError(.secure, peer, reason: "the peer closed the connection during the handshake of TLS")
        } else {
          NetworkError(
            operation, peer, reason: "the peer ended the stream without the end of TLS, so its rest may be missing")
        }
    }

    private func endNow() {
      guard let tls else { return }
      troupe_tls_end_output(tls)
      endsInner = true
      _ = flush()
    }

    // MARK: For the poller

    func becameReady(_ events: UInt32) {
      lock.lock()
      if events & (Signals.readable | Signals.ended | Signals.broken) != 0 { isInnerEmpty = false }
      if events & Signals.ended != 0 { hasPeerEnded = true }
      var told = events
      switch stage {
      case .connecting, .failed: break
      case .closed: told = 0
      // Whatever the connection calls then goes on with the handshake, whichever of the two that waits for.
      case .handshaking: told = Signals.readable | Signals.writable
      case .open:
        if events & Signals.writable != 0, flush(), isReadHeld {
          isReadHeld = false
          told |= Signals.readable
        }
      }
      let client = client ?? connectingClient
      lock.unlock()
      if told != 0 { client?.becameReady(told) }
    }

    // MARK: For the connection

    func open(_ client: any PollerClient) -> Int32 {
      lock.withLock { if stage == .connecting { connectingClient = client } else { self.client = client } }
      return inner.open(self)
    }

    func connect() -> ConnectProgress {
      lock.withLock {
        if stage == .connecting {
          if let reason { return .failed(reason) }
          switch inner.connect() {
          case .pending: return .pending
          case .failed(let error): return .failed(error)
          case .done:
            client = connectingClient
            stage = .handshaking
          }
        }
        if stage == .handshaking && !shakeHands() { return .pending }
        return stage == .open ? .done : .failed(reason ?? NetworkError(.secure, peer, code: troupe_error_aborted()))
      }
    }

    func read(_ room: UnsafeMutableRawBufferPointer) -> Int {
      lock.withLock {
        if stage == .handshaking { _ = shakeHands() }
        guard stage == .open, let tls else {
          return stage == .connecting || stage == .handshaking ? SystemError.wouldBlock : Self.failed
        }
        if unsentCount > Self.most {
          isReadHeld = true
          return SystemError.wouldBlock
        }
        let count = troupe_tls_read(tls, room.baseAddress, room.count)
        // What came in may want an answer of TLS itself.
        if unsentCount > 0 { _ = flush() }
        if count >= 0 { return Int(count) }
        if count == Int64(TROUPE_TLS_WAIT) { return SystemError.wouldBlock }
        fail(.read)
        return Self.failed
      }
    }

    func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
      lock.withLock {
        if stage == .handshaking { _ = shakeHands() }
        guard stage == .open, let tls else {
          return stage == .connecting || stage == .handshaking ? SystemError.wouldBlock : Self.failed
        }
        var accepted = 0
        func sendBatch() -> Bool {
          guard flush() else { return false }
          accepted += unacknowledged
          unacknowledged = 0
          return true
        }
        func blocked() -> Int { writeError != 0 ? writeError : accepted > 0 ? accepted : SystemError.wouldBlock }
        // The pieces begin with the bytes that were encrypted before and could not be sent.
        var skipped = unacknowledged
        if !sendBatch() { return blocked() }
        for piece in pieces {
          var rest = piece[...]
          if skipped > 0 {
            let part = min(skipped, rest.count)
            skipped -= part
            rest = rest.dropFirst(part)
          }
          while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.batch - unacknowledged))
            if troupe_tls_write(tls, part.baseAddress, part.count) != Int64(part.count) {
              fail(.write)
              return Self.failed
            }
            unacknowledged += part.count
            rest = rest.dropFirst(part.count)
            if unacknowledged == Self.batch && !sendBatch() { return blocked() }
          }
        }
        return sendBatch() ? accepted : blocked()
      }
    }

    func endOutput() {
      lock.withLock {
        wantsEnd = true
        if stage == .open { endNow() }
      }
    }

    func close(abort: Bool) {
      lock.lock()
      if stage == .open && !abort && unacknowledged == 0, let tls {
        troupe_tls_end_output(tls)
        _ = flush()
      }
      stage = .closed
      inner.close(abort: abort)
      if let tls { troupe_tls_free(tls) }
      tls = nil
      let client = client
      self.client = nil
      lock.unlock()
      // It may be the last reference, and must not go under the lock.
      withExtendedLifetime(client) {}
    }

    func want(_ events: UInt32) {
      lock.withLock {
        switch stage {
        case .connecting, .open: inner.want(unsentCount > 0 ? events | Signals.writable : events)
        // The handshake says for itself what it waits for.
        case .handshaking, .failed, .closed: break
        }
      }
    }

    var local: Endpoint { inner.local }
    var isEmptiedByShortRead: Bool { false }
    var hasUnsent: Bool { lock.withLock { stage == .open && writeError == 0 && unsentCount > 0 } }
    var isAgreeing: Bool { lock.withLock { stage == .handshaking } }
    var failure: NetworkError? { lock.withLock { reason } }
    var applicationProtocol: String? { lock.withLock { agreedProtocol } }
  }
#endif
