/// The directory of a system, in which actors are registered under typed keys and found by them.
///
/// ```swift
/// let printers = ServiceKey<Printer.Message>("printers")
/// system.receptionist.register(printer, as: printers)
/// for printer in try await system.receptionist.find(printers) { printer.send(.selfTest) }
/// ```
/// Use it where actors do not know each other's addresses. An actor that ends is removed. What one sender registers,
/// finds and subscribes to takes effect in the order of its calls. It may be used from any thread, and only `find`
/// waits.
public struct Receptionist: SystemExtension {
  private let address: Address<ReceptionistRequest>

  /// Part of the runtime: use `ActorSystem.receptionist`.
  public init(in system: ActorSystem) { address = system.spawn { ReceptionistActor() } }

  /// Registers an actor, or one of its adapters. It may be registered under several keys; doing it twice under one key
  /// is the same as doing it once.
  public func register<Message: ~Copyable>(_ service: Address<Message>, as key: ServiceKey<Message>) {
    address.send(Register(key, service))
  }

  /// Removes a registration. Does nothing if there is none.
  public func deregister<Message: ~Copyable>(_ service: Address<Message>, from key: ServiceKey<Message>) {
    address.send(Deregister(key, service))
  }

  /// Those who are registered under the key, in the order of registration. Any of them may have ended just now. It
  /// waits for an answer of the directory's actor; see `Address.ask` for errors and cancellation.
  public nonisolated(nonsending) func find<Message: ~Copyable>(
    _ key: ServiceKey<Message>, timeout: Duration? = .seconds(5), fileID: StaticString = #fileID, line: UInt = #line
  ) async throws(AskError) -> [Address<Message>] {
    try await address.ask(timeout: timeout, fileID: fileID, line: line) { reply in Find(key, reply) }
  }

  /// Sends the present listing of a key, and a new one after each change, until the subscriber ends or unsubscribes.
  ///
  /// An actor subscribes with an adapter: `context.address.contramap { .printers($0) }`. Each listing is one message,
  /// which takes O(n) to make for n services.
  public func subscribe<Message: ~Copyable>(_ subscriber: Address<Listing<Message>>, to key: ServiceKey<Message>) {
    address.send(Subscribe(key, subscriber))
  }

  /// Ends a subscription. No listing is sent any more, but one may be on its way. The address must be the one that was
  /// subscribed.
  public func unsubscribe<Message: ~Copyable>(_ subscriber: Address<Listing<Message>>, from key: ServiceKey<Message>) {
    address.send(Unsubscribe(key, subscriber))
  }
}

extension ActorSystem {
  /// The directory of this system, started when it is first asked for.
  public var receptionist: Receptionist { shared(Receptionist.self) }
}
