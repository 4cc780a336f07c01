/// Tells the compiler that nothing else refers to `value`, which it cannot see in a handler: every message came by a
/// `sending` parameter, so its handler is the only owner and may send it on. The patterns have a function of their own
/// for that because they use nothing but the public API, as a user's own pattern would.
func assumeDisconnected<Value: ~Copyable>(_ value: consuming Value) -> sending Value {
  nonisolated(unsafe) let value = value
  return value
}
