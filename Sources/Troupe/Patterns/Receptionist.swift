/// The directory of a system: actors are registered under typed keys, and found by them.
///
/// ```swift
/// let printers = ServiceKey<Printer.Message>("printers")
/// system.receptionist.register(printer, as: printers)
/// for printer in try await system.receptionist.find(printers) { printer.send(.selfTest) }
/// ```
/// An actor that ends is removed. What one sender registers, finds and subscribes takes effect in the order of its calls.
/// From any thread; nothing here waits but `find`.
public struct Receptionist: SystemExtension {
  private let address: Address<ReceptionistRequest>

  /// Part of the runtime: use `ActorSystem.receptionist`.
  public init(in system: ActorSystem) { address = system.spawn { Directory() } }

  /// Registers an actor, or one of its adapters. To do it twice is to do it once; under several keys it may stand.
  public func register<Message: ~Copyable>(_ service: Address<Message>, as key: ServiceKey<Message>) {
    address.send(Register(key, service))
  }

  /// Takes a registration back. Does nothing if there is none.
  public func deregister<Message: ~Copyable>(_ service: Address<Message>, from key: ServiceKey<Message>) {
    address.send(Deregister(key, service))
  }

  /// Who is registered under the key, in the order of registration. One of them may have ended just now.
  /// See `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func find<Message: ~Copyable>(
    _ key: ServiceKey<Message>, timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line
  ) async throws(AskError) -> [Address<Message>] {
    try await address.ask(timeout: timeout, fileID: fileID, line: line) { reply in Find(key, reply) }
  }

  /// Sends the listing of a key as it is, and again after each change, until the subscriber ends or unsubscribes.
  ///
  /// An actor subscribes with an adapter: `context.address.contramap { .printers($0) }`. Each listing is a message, O(n) to make.
  public func subscribe<Message: ~Copyable>(_ subscriber: Address<Listing<Message>>, to key: ServiceKey<Message>) {
    address.send(Subscribe(key, subscriber))
  }

  /// No listing is sent any more; one may be on its way. Takes the same address that was subscribed.
  public func unsubscribe<Message: ~Copyable>(_ subscriber: Address<Listing<Message>>, from key: ServiceKey<Message>) {
    address.send(Unsubscribe(key, subscriber))
  }
}

extension ActorSystem {
  /// The directory of this system, started when it is first asked for.
  public var receptionist: Receptionist { shared(Receptionist.self) }
}
