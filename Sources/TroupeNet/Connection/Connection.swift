internal import Synchronization
public import Troupe

/// One end of a stream between two programs: a TCP or Unix-domain connection, whose bytes a `Codec` turns into frames.
///
/// A connection belongs to an actor, which is told of it by messages (`ConnectionEvent`). It is read in the
/// turns of that actor, and the next frame is decoded only when the handler has returned, so a slow handler
/// holds the peer and not the memory. What is written is kept in a buffer and sent when the actor has nothing
/// more in hand that came before, many frames with one call of the system.
///
/// ```swift
/// struct Echo: Behavior {
///   typealias Message = ConnectionEvent<String>
///   let connection: Connection<LineCodec>
///
///   mutating func receive(_ event: consuming Message, in context: Context<Message>) {
///     if case .received(let line) = event { connection.write(line) }
///   }
/// }
/// ```
/// This is a handle, which may be copied and kept, and used on any thread. When the actor ends, the
/// connection is closed after what was written has been sent.
public struct Connection<C: Codec>: Sendable {
  @usableFromInline let core: ConnectionCore
  @usableFromInline let box: CodecBox<C>

  @usableFromInline init(_ core: ConnectionCore, _ box: CodecBox<C>) {
    self.core = core
    self.box = box
  }

  /// The endpoint of the other side. For a Unix-domain socket it is usually without a path.
  public var peer: Endpoint { core.peer }
  /// The endpoint of this side.
  public var local: Endpoint { core.local }

  #if TLS
    /// The protocol that both sides have agreed on by ALPN, one of `TLSConfiguration.applicationProtocols`; nil if they
    /// have agreed on none. A client knows it when it is told `connected`, and a server when the first frame comes.
    public var applicationProtocol: String? { core.applicationProtocol }
  #endif

  /// Writes a frame, and never waits. It is sent soon; see `Connection`.
  ///
  /// If the peer reads slowly the frames wait, up to `ConnectionOptions.outputLimit`. To wait for the peer instead, use
  /// `deliver`. Frames that one thread writes are sent in that order. Any thread may call this; it costs a lock, and
  /// the copy of the bytes.
  @inlinable @discardableResult public func write(_ frame: consuming C.Outbound) -> WriteOutcome {
    let outcome = core.beginWrite()
    guard outcome == .written else { return outcome }
    box.encoder.encode(frame, into: &core.output)
    core.endWrite()
    return .written
  }

  /// Writes whatever `encode` puts at the end of the output, as one frame; see `write(_:)`. The closure must not write
  /// to the connection itself, and must be quick.
  @inlinable @discardableResult public func write(encoding encode: (inout OutputBuffer) -> Void) -> WriteOutcome {
    let outcome = core.beginWrite()
    guard outcome == .written else { return outcome }
    encode(&core.output)
    core.endWrite()
    return .written
  }

  /// Writes a frame as soon as fewer than `ConnectionOptions.outputMark` bytes wait to be sent, and suspends the task
  /// until then.
  ///
  /// The frame is not written if the connection is closed, the timeout passes, or the task is cancelled before there is
  /// room; the outcome says so.
  nonisolated(nonsending) public func deliver(
    _ frame: consuming sending C.Outbound, timeout: Duration? = nil
  ) async -> WriteOutcome {
    let deadline = core.deadline(after: timeout)
    while true {
      // Others that waited too may have filled the room again.
      if let outcome = core.beginDelivery() {
        guard outcome == .written else { return outcome }
        box.encoder.encode(frame, into: &core.output)
        core.endWrite()
        return .written
      }
      let outcome = await core.waitForRoom(until: deadline)
      guard outcome == .written else { return outcome }
    }
  }

  /// Holds further frames back, beginning with the one after that in hand. The peer is held by TCP when its and this
  /// side's buffers are full. A connection whose reading is paused counts as one with work under way when its server
  /// stops.
  public func pauseReading() { core.pauseReading() }
  /// Lets frames come again after `pauseReading`.
  public func resumeReading() { core.resumeReading() }

  /// Closes the connection after what was written is sent. No further frame comes. The actor is told by
  /// `ConnectionEvent.closed`; what is unsent then has `ConnectionOptions.closeTimeout` to be sent.
  public func close() { core.close() }
  /// Ends this side after what was written is sent, so that the peer reads the end of the stream. Frames still come in;
  /// when the peer ends its side too the connection is closed.
  public func endOutput() { core.endOutput() }
  /// Closes the connection at once. What is unsent is lost, and the peer is told of an abort.
  public func abort() { core.abort() }

  /// The number of bytes that have been written and not yet been handed to the system.
  public var pendingBytes: Int { core.pendingBytes }

  /// Has the next frame decoded by another codec, for a protocol that changes to another one. Only the handlers of the
  /// connection's actor may call this. What is written is still encoded by the first codec; use
  /// `write(encoding:)` for what that cannot do.
  public func changeCodec(_ codec: C) {
    box.decoder = codec
    core.codecChanged()
  }
}

extension Connection {
  /// Has `body` called in place of the connection's own way to finish, when the server stops: at once if that has begun
  /// already, and on any thread. Whoever takes it over must close the connection when what is under way is finished.
  /// `body` is called again, with true, when half of the time for that has passed; afterwards the connection is
  /// aborted. Only the handlers of the connection's actor may call this.
  package func takeOverDraining(_ body: @escaping @Sendable (_ isLate: Bool) -> Void) { core.takeOverDraining(body) }
  /// Whether something has come in that was not read, or not decoded. Only the handlers of the connection's actor may
  /// ask this, and only while reading is not paused.
  package var hasUnreadInput: Bool {
    let news = Signals.readable | Signals.ended | Signals.resume
    // Relaxed: what has come in is looked at by a turn, which takes the signals over.
    return core.isInputFresh || core.canRead || core.signals.load(ordering: .relaxed) & news != 0
  }
}

/// The codec of one connection. Sendable because only the turns of the connection's actor touch `decoder`.
@usableFromInline final class CodecBox<C: Codec>: @unchecked Sendable {
  @usableFromInline @exclusivity(unchecked) var decoder: C
  @usableFromInline let encoder: C

  @usableFromInline init(_ codec: C) {
    decoder = codec
    encoder = codec
  }

  /// Makes what asks the connection for the next message. It is inlined where the types are known.
  @inlinable func step<Message: ~Copyable>(
    _ core: ConnectionCore, _ message: @escaping @Sendable (consuming ConnectionEvent<C.Inbound>) -> Message
  ) -> (inout Message?) -> SourceStep {
    { next in
      while true {
        switch core.nextStep() {
        case .decode:
          do {
            if let frame = try self.decoder.decode(&core.input) {
              core.decoded()
              next = message(.received(frame))
              return .message
            }
            core.decodedNothing()
          } catch {
            core.decodingFailed(error)
          }
          continue
        case .connected: next = message(.connected)
        case .inputEnded: next = message(.inputEnded)
        case .inputFailed(let error): next = message(.inputFailed(error))
        case .drained: next = message(.drained)
        case .closed(let end):
          next = message(.closed(end))
          return core.isActorsOwn ? .stop : .last
        case .nothing: return .nothing
        case .later: return .later
        }
        return .message
      }
    }
  }
}
