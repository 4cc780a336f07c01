/// Something of which each system has one, made when it is first asked for: a directory, a shared event stream.
///
/// ```swift
/// struct Metrics: SystemExtension {
///   let address: Address<MetricsActor.Message>
///   init(in system: ActorSystem) { address = system.spawn("metrics") { MetricsActor() } }
/// }
/// system.shared(Metrics.self).address.send(.started)
/// ```
public protocol SystemExtension: Sendable {
  /// Makes the one of a system. It runs once, while other threads that ask for it wait, as with a lazy global: it should
  /// spawn and return. To ask for itself in it would wait for ever.
  init(in system: ActorSystem)
}

extension ActorSystem {
  /// The one of this system. From any thread.
  ///
  /// After a shutdown nothing is kept: then each call makes another one, whose actors have ended from the start.
  public func shared<Extension: SystemExtension>(_ type: Extension.Type) -> Extension {
    guard let slot = core.extensions.slot(for: ObjectIdentifier(type)) else { return Extension(in: self) }
    return slot.value { Extension(in: self) }
  }
}

/// What was made for a system so far.
final class SystemExtensions: @unchecked Sendable {
  private let lock = FutexLock()
  // Under the lock. Nil after the system's end: what is kept refers back to the system.
  private var slots: [ObjectIdentifier: ExtensionSlot]? = [:]

  /// Nil after `close`.
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
    // Outside the lock: it may be the last that holds an actor's memory.
    _ = dropped
  }
}

/// One extension, made once.
final class ExtensionSlot: @unchecked Sendable {
  /// Held while the value is made. The one place where foreign code runs under a lock: it guards nothing but this value, and to
  /// wait for it is what the caller asks for.
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
