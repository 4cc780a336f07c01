import Troupe

/// Two actors of the language on `TroupeExecutor`s, where one calls the other in a loop. Each call changes the state of
/// both, so that the compiler cannot leave out the way back.
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

extension Actors {
  /// - Parameter shared: Whether both actors are on one executor.
  func nativeCall(_ n: Int, shared: Bool = false) throws -> Measured {
    let executor = system.serialExecutor("pinger")
    let ponger = NativePonger(shared ? executor : system.serialExecutor("ponger"))
    let pinger = NativePinger(executor)
    let result = results { done in
      system.task { _ = done.send(await pinger.run(ponger, n)) }
    }
    try check(result == [n], "native_call \(result)")
    return .operations(n)
  }
}
