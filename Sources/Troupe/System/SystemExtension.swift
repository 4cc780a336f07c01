/// A service of which each system has one, made when it is first asked for: a directory, a shared event stream.
///
/// ```swift
/// struct Metrics: SystemExtension {
///   let address: Address<MetricsActor.Message>
///   init(in system: ActorSystem) { address = system.spawn("metrics") { MetricsActor() } }
/// }
/// system.shared(Metrics.self).address.send(.started)
/// ```
public protocol SystemExtension: Sendable {
  /// Makes the instance of a system. It runs once, while other threads that ask for it are blocked, as with a lazy
  /// global: it should spawn actors and return. If it asks for its own type, it waits for itself for ever.
  init(in system: ActorSystem)
}

extension ActorSystem {
  /// The one instance of this type that the system has, which the first call makes. From any thread.
  ///
  /// A system that has been shut down keeps none: then each call makes another one, whose actors have ended from the
  /// start.
  public func shared<Extension: SystemExtension>(_ type: Extension.Type) -> Extension {
    guard let slot = core.extensions.slot(for: ObjectIdentifier(type)) else { return Extension(in: self) }
    return slot.value { Extension(in: self) }
  }
}

/// The extensions that were made for a system so far.
final class SystemExtensions: @unchecked Sendable {
  private let lock = FutexLock()
  // It is touched under the lock. It is nil after the system's end, since what is kept refers back to the system.
  private var slots: [ObjectIdentifier: ExtensionSlot]? = [:]

  /// The slot for an extension of this type; nil after `close`.
  func slot(for type: ObjectIdentifier) -> ExtensionSlot? {
    lock.withLock {
      guard slots != nil else { return nil }
      if let slot = slots?[type] { return slot }
      let slot = ExtensionSlot()
      slots?[type] = slot
      return slot
    }
  }

  func close() {
    let dropped = lock.withLock { () -> [ObjectIdentifier: ExtensionSlot]? in
      defer { slots = nil }
      return slots
    }
    // The slots are released outside the lock, since this may be the last reference to an actor's memory.
    _ = dropped
  }
}

/// Holds one extension, and makes it once.
final class ExtensionSlot: @unchecked Sendable {
  /// It is held while the value is made. This is the one place where foreign code runs under a lock; it guards nothing
  /// but this value, and waiting for it is what the caller asks for.
  private let once = FutexLock()
  private var made: (any SystemExtension)?

  func value<Extension: SystemExtension>(_ make: () -> Extension) -> Extension {
    once.lock()
    defer { once.unlock() }
    if let made = made as? Extension { return made }
    let value = make()
    made = value
    return value
  }
}
