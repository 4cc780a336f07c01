/// The actor behind `Receptionist`.
struct ReceptionistActor: Behavior {
  typealias Message = ReceptionistRequest

  private var services: [ErasedServiceKey: AnyService] = [:]
  /// The services in which an actor is entered, as a member or as a subscriber.
  private var entries: [ActorID: [AnyService]] = [:]

  mutating func receive(_ message: consuming ReceptionistRequest, in context: Context<ReceptionistRequest>) {
    message.apply(to: &self, in: context)
  }

  mutating func signal(_ signal: Signal, in context: Context<ReceptionistRequest>) {
    guard case .terminated(let end) = signal else { return }
    for service in entries.removeValue(forKey: end.actor) ?? [] {
      service.remove(end.actor)
      forgetIfEmpty(service)
    }
  }

  fileprivate func existing<Message: ~Copyable>(_ key: ServiceKey<Message>) -> Service<Message>? {
    services[key.erased] as? Service<Message>
  }

  fileprivate mutating func service<Message: ~Copyable>(_ key: ServiceKey<Message>) -> Service<Message> {
    if let service = existing(key) { return service }
    let service = Service(key)
    services[key.erased] = service
    return service
  }

  fileprivate mutating func note<Other: ~Copyable>(
    _ address: Address<Other>, in service: AnyService, _ context: Context<ReceptionistRequest>
  ) {
    let actor = address.actor
    if entries[actor] == nil { context.watch(address) }
    if entries[actor]?.contains(where: { $0 === service }) != true { entries[actor, default: []].append(service) }
  }

  fileprivate mutating func removed<Other: ~Copyable>(
    _ address: Address<Other>, from service: AnyService, _ context: Context<ReceptionistRequest>
  ) {
    let actor = address.actor
    forgetIfEmpty(service)
    if service.contains(actor) { return }
    entries[actor]?.removeAll { $0 === service }
    guard entries[actor]?.isEmpty == true else { return }
    entries[actor] = nil
    context.unwatch(address)
  }

  private mutating func forgetIfEmpty(_ service: AnyService) {
    if service.isEmpty { services[service.key] = nil }
  }
}

/// What is registered under a key, without the type of its messages.
class AnyService {
  let key: ErasedServiceKey
  init(_ key: ErasedServiceKey) { self.key = key }
  var isEmpty: Bool { fatalError("Troupe: a subclass must override this.") }
  func contains(_ actor: ActorID) -> Bool { fatalError("Troupe: a subclass must override this.") }
  func remove(_ actor: ActorID) { fatalError("Troupe: a subclass must override this.") }
}

/// The members that are registered under a key, and those who have subscribed to it. Only the directory's actor touches
/// it.
final class Service<Message: ~Copyable>: AnyService {
  private let typedKey: ServiceKey<Message>
  private var members = AddressList<Message>()
  private var subscribers = AddressList<Listing<Message>>()

  init(_ key: ServiceKey<Message>) {
    typedKey = key
    super.init(key.erased)
  }

  override var isEmpty: Bool { members.isEmpty && subscribers.isEmpty }
  override func contains(_ actor: ActorID) -> Bool { members.contains(actor) || subscribers.contains(actor) }
  override func remove(_ actor: ActorID) {
    subscribers.remove(actor)
    if !members.remove(actor).isEmpty { tellAll() }
  }

  var listing: Listing<Message> { Listing(key: typedKey, addresses: members.all) }

  func insert(_ member: Address<Message>) { if members.insert(member) { tellAll() } }
  func remove(_ member: Address<Message>) { if members.remove(member) { tellAll() } }
  func subscribe(_ subscriber: Address<Listing<Message>>) {
    if subscribers.insert(subscriber) { subscriber.send(listing) }
  }
  func unsubscribe(_ subscriber: Address<Listing<Message>>) { subscribers.remove(subscriber) }

  private func tellAll() {
    if subscribers.isEmpty { return }
    let listing = listing
    for subscriber in subscribers.all { subscriber.send(listing) }
  }
}

/// A message of the directory's actor. Each call has a subclass of its own, since a message of one type cannot have
/// type parameters.
class ReceptionistRequest: @unchecked Sendable {
  fileprivate func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    fatalError("Troupe: a subclass must override this.")
  }
}

/// Sendable, as the other requests are, because a request belongs to its sender and then to the directory's actor.
final class Register<Message: ~Copyable>: ReceptionistRequest, @unchecked Sendable {
  private let key: ServiceKey<Message>
  private let member: Address<Message>
  init(_ key: ServiceKey<Message>, _ member: Address<Message>) { (self.key, self.member) = (key, member) }

  fileprivate override func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    let service = directory.service(key)
    directory.note(member, in: service, context)
    service.insert(member)
  }
}

final class Deregister<Message: ~Copyable>: ReceptionistRequest, @unchecked Sendable {
  private let key: ServiceKey<Message>
  private let member: Address<Message>
  init(_ key: ServiceKey<Message>, _ member: Address<Message>) { (self.key, self.member) = (key, member) }

  fileprivate override func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    guard let service = directory.existing(key) else { return }
    service.remove(member)
    directory.removed(member, from: service, context)
  }
}

final class Find<Message: ~Copyable>: ReceptionistRequest, @unchecked Sendable {
  private let key: ServiceKey<Message>
  private var reply: Reply<[Address<Message>]>?
  init(_ key: ServiceKey<Message>, _ reply: consuming Reply<[Address<Message>]>) {
    self.key = key
    self.reply = consume reply
  }

  fileprivate override func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    reply.take()?.send(directory.existing(key)?.listing.addresses ?? [])
  }
}

final class Subscribe<Message: ~Copyable>: ReceptionistRequest, @unchecked Sendable {
  private let key: ServiceKey<Message>
  private let subscriber: Address<Listing<Message>>
  init(_ key: ServiceKey<Message>, _ subscriber: Address<Listing<Message>>) {
    (self.key, self.subscriber) = (key, subscriber)
  }

  fileprivate override func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    let service = directory.service(key)
    directory.note(subscriber, in: service, context)
    service.subscribe(subscriber)
  }
}

final class Unsubscribe<Message: ~Copyable>: ReceptionistRequest, @unchecked Sendable {
  private let key: ServiceKey<Message>
  private let subscriber: Address<Listing<Message>>
  init(_ key: ServiceKey<Message>, _ subscriber: Address<Listing<Message>>) {
    (self.key, self.subscriber) = (key, subscriber)
  }

  fileprivate override func apply(to directory: inout ReceptionistActor, in context: Context<ReceptionistRequest>) {
    guard let service = directory.existing(key) else { return }
    service.unsubscribe(subscriber)
    directory.removed(subscriber, from: service, context)
  }
}
