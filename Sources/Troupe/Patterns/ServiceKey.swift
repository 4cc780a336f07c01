/// What a service is registered and found by: a name, and the type of its messages, so that what is found can be sent
/// to. Two keys are equal if both their names and their types are.
public struct ServiceKey<Message: ~Copyable>: Sendable {
  /// The name of the service.
  public let name: String

  /// Makes a key. It is equal to each other key with this name and type.
  public init(_ name: String) { self.name = name }

  /// The key without its type parameter. The metatype of a class over the type stands for it, since there is no `Any`
  /// of a noncopyable type.
  var erased: ErasedServiceKey { ErasedServiceKey(name: name, type: ObjectIdentifier(Service<Message>.self)) }
}

extension ServiceKey: Hashable where Message: ~Copyable {}

struct ErasedServiceKey: Hashable, Sendable {
  let name: String
  let type: ObjectIdentifier
}

/// Those who are registered under a key at a moment, in the order of registration.
public struct Listing<Message: ~Copyable>: Sendable {
  /// The key of the service.
  public let key: ServiceKey<Message>
  /// The addresses as they were registered, adapters included.
  public let addresses: [Address<Message>]
}
