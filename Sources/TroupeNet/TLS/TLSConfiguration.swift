#if TLS
  internal import CTroupeTLS
  internal import Troupe
  internal import TroupeChannels

  /// How a connection is encrypted by TLS. It is there with the trait `TLS` of the package, and needs OpenSSL 3.
  ///
  /// ```swift
  /// var options = ServerOptions()
  /// options.tls = .server(certificateFile: "/etc/service/chain.pem", privateKeyFile: "/etc/service/key.pem")
  /// let server = try system.listen(on: .port(7443), codec: LineCodec(), options: options) { $1.write($0) }
  /// ```
  /// A client checks the certificate of the server and its name unless it is told not to. The files are read once, when
  /// the configuration or a copy of it is first used: by `listen`, which throws if that fails, or by `connect`. To have
  /// new files read, make a new configuration.
  public struct TLSConfiguration: Sendable {
    /// A version of TLS.
    public enum Version: Sendable, Hashable { case v1_2, v1_3 }

    /// The file with the certificate of this side and those between it and the authority, in that order, as PEM. A
    /// server must have one.
    public var certificateFile: String? { didSet { shared = Shared() } }
    /// The file with the private key of the certificate, as PEM; nil if it is in the same file.
    public var privateKeyFile: String? { didSet { shared = Shared() } }
    /// The file with the certificates of the authorities that a client trusts, as PEM; nil for those of the system.
    public var authorityFile: String? { didSet { shared = Shared() } }
    /// The protocols that this side speaks above TLS, for ALPN, the best first, such as `["h2", "http/1.1"]`. A server
    /// takes the first of its own that the client speaks too, and refuses a client that names only others. A name has
    /// between 1 and 255 bytes.
    public var applicationProtocols: [String] = [] { didSet { shared = Shared() } }
    /// The oldest version that this side accepts.
    public var minimumVersion = Version.v1_2 { didSet { shared = Shared() } }
    /// Whether a client refuses a server whose certificate is not signed by an authority that it trusts, is out of
    /// date, or is for another name. Without this the connection is secret only from those who cannot change what is
    /// sent. A server does not look at this, and asks no client for a certificate.
    public var verifiesPeer = true { didSet { shared = Shared() } }
    /// The name that a client asks for (SNI), and that must be in the certificate; nil for the host of the endpoint. A
    /// client of a Unix-domain socket must give one.
    public var serverName: String?
    /// How long a server lets a client take for the handshake, from when it was accepted; nil for as long as it likes.
    /// Then the connection is closed, with an error. It guards against clients that connect and say nothing. A client
    /// does not look at this: the timeout of `connect` includes its handshake.
    public var handshakeTimeout: Duration? = .seconds(10)

    private var shared = Shared()

    /// Makes the configuration of a client that trusts the authorities of the system.
    public init() {}

    /// The configuration of a client.
    public static func client(authorityFile: String? = nil) -> TLSConfiguration {
      var configuration = TLSConfiguration()
      configuration.authorityFile = authorityFile
      return configuration
    }

    /// The configuration of a server.
    public static func server(certificateFile: String, privateKeyFile: String? = nil) -> TLSConfiguration {
      var configuration = TLSConfiguration()
      configuration.certificateFile = certificateFile
      configuration.privateKeyFile = privateKeyFile
      return configuration
    }

    /// What the copies of a configuration share. Sendable because what changes is under the lock.
    private final class Shared: @unchecked Sendable {
      let lock = FutexLock()
      var contexts: [Bool: TLSContext] = [:]
    }

    /// The context of OpenSSL, which is made when it is first asked for.
    func context(forServer isServer: Bool, _ endpoint: Endpoint) throws(NetworkError) -> TLSContext {
      let result = shared.lock.withLock { () -> Result<TLSContext, NetworkError> in
        if let context = shared.contexts[isServer] { return .success(context) }
        do throws(NetworkError) {
          let context = try TLSContext(self, isServer: isServer, endpoint)
          shared.contexts[isServer] = context
          return .success(context)
        } catch {
          return .failure(error)
        }
      }
      return try result.get()
    }
  }

  /// What the connections of one configuration share. Sendable because OpenSSL has locks of its own for it.
  final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer

    init(_ configuration: TLSConfiguration, isServer: Bool, _ endpoint: Endpoint) throws(NetworkError) {
      if isServer && configuration.certificateFile == nil {
        throw NetworkError(.secure, endpoint, reason: "the configuration of a server lacks a certificate file")
      }
      var protocols: [UInt8] = []
      for name in configuration.applicationProtocols {
        guard let length = UInt8(exactly: name.utf8.count), length > 0 else {
          throw NetworkError(
            .secure, endpoint, reason: "the name of a protocol for ALPN has \(name.utf8.count) bytes, not 1 to 255")
        }
        protocols.append(length)
        protocols += name.utf8
      }
      var reason = [CChar](repeating: 0, count: 512)
      let context = protocols.withUnsafeBufferPointer { protocols in
        Self.with(configuration.certificateFile) { certificate in
          Self.with(configuration.privateKeyFile) { key in
            Self.with(configuration.authorityFile) { authority in
              var settings = troupe_tls_settings(
                is_server: isServer, certificate_file: certificate, key_file: key, authority_file: authority,
                protocols: protocols.baseAddress, protocols_count: protocols.count,
                minimum_version: configuration.minimumVersion == .v1_3 ? 3 : 2,
                verifies_peer: configuration.verifiesPeer)
              return troupe_tls_context_create(&settings, &reason, reason.count)
            }
          }
        }
      }
      guard let context else { throw NetworkError(.secure, endpoint, reason: Self.text(reason)) }
      raw = context
    }

    deinit { troupe_tls_context_free(raw) }

    /// The text in a buffer that C code has filled.
    static func text(_ buffer: [CChar]) -> String {
      String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func with<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
      if let string { string.withCString { body($0) } } else { body(nil) }
    }
  }
#endif
