internal import CTroupeSockets
import Synchronization
public import Troupe
internal import TroupeChannels

/// What has happened to a connection or was asked of it since its actor's turn looked last.
enum Signals {
  // What the poller tells of a descriptor.
  static var readable: UInt32 { UInt32(TROUPE_READABLE) }
  static var writable: UInt32 { UInt32(TROUPE_WRITABLE) }
  static var broken: UInt32 { UInt32(TROUPE_BROKEN) }
  static var ended: UInt32 { UInt32(TROUPE_ENDED) }
  /// The output has something new.
  static let flush: UInt32 = 16
  static let resume: UInt32 = 32
  static let close: UInt32 = 64
  static let abort: UInt32 = 128
  static let overflow: UInt32 = 256
  static let timer: UInt32 = 512
  static let drain: UInt32 = 1024
  static let halfClose: UInt32 = 2048
  /// The envelope is on its way to the actor, or its turn is asking the source now.
  static let posted: UInt32 = 1 << 30
  /// The actor has done with the connection, and what is left to do is done by whoever hears of something.
  static let lingers: UInt32 = 1 << 31
}

/// What an actor's turn has to do next for a connection.
@usableFromInline enum ConnectionStep {
  /// Have the codec look at the input.
  case decode
  case connected
  case inputEnded
  case inputFailed(any Error)
  case drained
  case closed(ConnectionEnd)
  case nothing
  case later
}

/// One connection: the state that does not depend on its codec.
///
/// The socket is read and written in the turn of the connection's actor, which the poller, a timer, or whoever writes
/// sets going by `signal`. Output may be written from any thread, into a buffer under the lock. When the actor has done
/// with the connection, or has ended, what is left lingers: the rest of the output is sent, the sending side is ended,
/// and what the peer still sends is thrown away until it ends its side, because a socket that is closed with unread
/// input would have the peer lose what it has not read yet. Lingering happens under the lock, on whatever thread hears
/// of something.
///
/// Sendable because each property says who may touch it.
@usableFromInline final class ConnectionCore: PollerClient, MessageSource, @unchecked Sendable {
  // What every turn needs comes first, so that it lies together in few cache lines.

  /// The bits of `Signals`. It begins as posted, so that nobody posts the envelope before it is attached.
  let signals = Atomic<UInt32>(Signals.posted)
  /// Whether frames are held back, because somebody asked for that.
  let isPaused = Atomic<Bool>(false)
  /// The number of bytes that wait for being sent. It is written under the lock.
  let pendingOutput = Atomic<Int>(0)

  // MARK: Under the lock

  let lock = FutexLock()
  /// Posts the envelope. It is nil before `attach`, and after the connection is closed.
  @exclusivity(unchecked) var post: (@Sendable () -> Void)?
  /// Whether the socket may take output: it is connected, and has not said otherwise.
  @exclusivity(unchecked) var canWrite: Bool
  /// Whether output is sent at once by whoever writes it, and not in a turn of the actor. It is set before anybody
  /// writes. The turn of an asynchronous handler may last for as long as that awaits something, and what it has written
  /// must not wait for its end.
  @exclusivity(unchecked) var sendsAtOnce = false
  /// Whether nothing may be written any more.
  @exclusivity(unchecked) var isClosedForOutput = false
  /// Whether the output was signalled since it was flushed last.
  @exclusivity(unchecked) var isFlushSignalled = false
  @exclusivity(unchecked) var isTransportClosed = false
  @exclusivity(unchecked) var hasEndedOutput = false
  /// Whether the connection was asked to finish what is under way.
  @exclusivity(unchecked) var isDrainAsked = false
  /// Whether it was told besides that little time is left for that.
  @exclusivity(unchecked) var isDrainLate = false
  /// The error with which output failed outside of the actor's turn, which looks here.
  @exclusivity(unchecked) var outputFailure: Int32 = 0
  @usableFromInline @exclusivity(unchecked) var output = OutputBuffer()
  @exclusivity(unchecked) var roomWaiters: [RoomWaiter] = []

  // MARK: Touched by the actor's turn alone, until the connection lingers, and then under the lock

  enum Phase { case connecting, open, lingering, closed }
  @exclusivity(unchecked) var phase: Phase
  /// Whether the input has bytes that the codec has not seen, or more than one frame.
  @exclusivity(unchecked) var isInputFresh = false
  @exclusivity(unchecked) var canRead = false
  /// Whether there is news of the attempt to connect.
  @exclusivity(unchecked) var hasConnectNews = false
  /// Whether the system has said that the peer's side has ended. Then a read that takes in less than it could is not
  /// the last.
  @exclusivity(unchecked) var hasPeerEnded = false
  @exclusivity(unchecked) var isInputEndTold = false
  /// Whether output has reached the mark, and has not been sent to half of that.
  @exclusivity(unchecked) var isCongested = false
  @exclusivity(unchecked) var isDraining = false
  @exclusivity(unchecked) var wantsHalfClose = false
  /// Whether the turn has nothing to do with the socket any more.
  @exclusivity(unchecked) var isDone = false
  @exclusivity(unchecked) var isEndTold = false
  @exclusivity(unchecked) var isInputFailureTold = false
  /// Whether somebody has written since the output was sent last.
  @exclusivity(unchecked) var isFlushDue = false
  /// How many more frames and reads there may be before others have their turn.
  @exclusivity(unchecked) var framesLeft = ConnectionCore.frameLimit
  @exclusivity(unchecked) var readsLeft = ConnectionCore.readLimit
  @usableFromInline @exclusivity(unchecked) var input = InputBuffer()
  /// How the connection ends, once that is decided.
  @exclusivity(unchecked) var end: ConnectionEnd?
  /// Why no more frames come, while the actor has not been told, and after it has been.
  @exclusivity(unchecked) var inputFailure: (any Error)?
  /// When the first byte of the frame came that is not complete. It is kept only if the options have a timeout for
  /// frames. 0 stands for no frame.
  @exclusivity(unchecked) var frameBegan: Int64 = 0

  // MARK: For ever the same

  let transport: any Transport
  let options: ConnectionOptions
  let system: ActorSystem
  /// Whether the actor stops when the connection is closed, and keeps the connection when it is restarted, as the
  /// actors of a server do.
  @usableFromInline let isActorsOwn: Bool
  let peer: Endpoint
  /// Called once, when the socket is closed.
  let whenClosed: @Sendable (ConnectionCore) -> Void

  // MARK: What few turns need

  /// When reading was resumed last. It is kept only if the options have a timeout for frames or for TLS.
  let lastResumed = Atomic<Int64>(0)
  /// When something was sent or received last. It is kept only if the options have an idle timeout.
  let lastActivity = Atomic<Int64>(0)
  /// Under the lock.
  @exclusivity(unchecked) var localEndpoint: Endpoint
  /// Under the lock. It is called in place of the connection's own way to drain, with `isDrainLate`.
  @exclusivity(unchecked) var drainInstead: (@Sendable (Bool) -> Void)?
  /// Under the lock.
  @exclusivity(unchecked) var timer: ActionTimer?
  /// When an attempt to connect is given up, or a server's client that has not agreed on TLS. The turn's.
  @exclusivity(unchecked) var connectDeadline: Int64 = .max
  /// Under the lock. When a connection that lingers is cut off.
  @exclusivity(unchecked) var lingerDeadline: Int64 = .max

  static let frameLimit = 256
  static let readLimit = 16

  /// Makes a connection on a transport that is open, or is about to be if there is a `connectTimeout`.
  init(
    _ transport: any Transport, peer: Endpoint, system: ActorSystem, options: ConnectionOptions,
    connectTimeout: Duration? = nil, isConnecting: Bool, isActorsOwn: Bool,
    whenClosed: @escaping @Sendable (ConnectionCore) -> Void
  ) {
    self.transport = transport
    self.peer = peer
    self.system = system
    self.options = options
    self.isActorsOwn = isActorsOwn
    self.whenClosed = whenClosed
    localEndpoint = isConnecting ? .unix(path: "") : transport.local
    phase = isConnecting ? .connecting : .open
    // What the peer has sent at once is read without waiting to be told of it.
    canRead = !isConnecting
    canWrite = !isConnecting
    noteActivity()
    let timeout = isConnecting ? connectTimeout : agreementTimeout
    if let timeout { connectDeadline = system.scheduler.deadline(after: timeout) }
  }

  /// Gives the connection to the actor whose envelope `post` posts. It is called once, before anything else. The caller
  /// attaches the envelope after this.
  @usableFromInline func attach(sendsAtOnce: Bool, _ post: @escaping @Sendable () -> Void) {
    lock.withLock {
      self.post = post
      self.sendsAtOnce = sendsAtOnce
    }
    let error = transport.open(self)
    if error < 0 { end = .failed(NetworkError(.register, peer, code: -error)) }
    armTimer()
  }
}
