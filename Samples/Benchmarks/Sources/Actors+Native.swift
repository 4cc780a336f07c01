import Troupe

// Actors of the language on `TroupeExecutor`s.

private actor NativePonger {
  private nonisolated let executor: TroupeExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var calls = 0
  init(_ executor: TroupeExecutor) { self.executor = executor }

  func ping(_ value: Int) -> Int {
    calls += 1
    return value + 1
  }
}

/// Calls the other in a loop. Each call changes the state of both, so that the compiler cannot leave out the way back.
private actor NativePinger {
  private nonisolated let executor: TroupeExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var value = 0
  init(_ executor: TroupeExecutor) { self.executor = executor }

  func run(_ ponger: NativePonger, _ n: Int) async -> Int {
    for _ in 0..<n { value = await ponger.ping(value) }
    return value
  }
}

/// Has no isolation, so that the compiler leaves out the way back between two calls, as it does on the language's own
/// executor.
@concurrent private func call(_ ponger: NativePonger, _ n: Int) async -> Int {
  var value = 0
  for _ in 0..<n { value = await ponger.ping(value) }
  return value
}

extension Actors {
  /// A task of the system calls one actor, in a function without isolation.
  func nativeCall(_ n: Int) throws -> Measured {
    let ponger = NativePonger(system.serialExecutor("ponger"))
    let result = results { done in
      system.task { _ = done.send(await call(ponger, n)) }
    }
    try check(result == [n], "native_call \(result)")
    return .operations(n)
  }

  /// The same, but the task calls the actor itself, and goes back to its own executor after each call.
  func nativeCallTask(_ n: Int) throws -> Measured {
    let ponger = NativePonger(system.serialExecutor("ponger"))
    let result = results { done in
      system.task {
        var value = 0
        for _ in 0..<n { value = await ponger.ping(value) }
        _ = done.send(value)
      }
    }
    try check(result == [n], "native_call_task \(result)")
    return .operations(n)
  }

  /// - Parameter shared: Whether both actors are on one executor.
  func nativePair(_ n: Int, shared: Bool) throws -> Measured {
    let executor = system.serialExecutor("pinger")
    let ponger = NativePonger(shared ? executor : system.serialExecutor("ponger"))
    let pinger = NativePinger(executor)
    let result = results { done in
      system.task { _ = done.send(await pinger.run(ponger, n)) }
    }
    try check(result == [n], "native_pair \(result)")
    return .operations(n)
  }
}
