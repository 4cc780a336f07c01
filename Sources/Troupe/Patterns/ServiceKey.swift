/// What a service is registered and found by: a name, and the type of its messages, so that what is found can be sent to.
/// Two keys are equal if both are.
public struct ServiceKey<Message: ~Copyable>: Sendable {
  /// The name.
  public let name: String

  /// Makes a key. Any number of equal ones may be made.
  public init(_ name: String) { self.name = name }

  /// The key without its type; the type stands in it as the metatype of a class over it, since there is no `Any` of a noncopyable type.
  var erased: ErasedServiceKey { ErasedServiceKey(name: name, type: ObjectIdentifier(Service<Message>.self)) }
}

extension ServiceKey: Hashable where Message: ~Copyable {}

struct ErasedServiceKey: Hashable, Sendable {
  let name: String
  let type: ObjectIdentifier
}

/// Who is registered under a key at a moment, in the order of registration.
public struct Listing<Message: ~Copyable>: Sendable {
  /// The key.
  public let key: ServiceKey<Message>
  /// The addresses, as they were registered.
  public let addresses: [Address<Message>]
}
