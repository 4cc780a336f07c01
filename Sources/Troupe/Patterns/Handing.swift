/// Tells the compiler that nothing else refers to `value`, which it cannot see in a handler. Every message came by a
/// `sending` parameter, so its handler is the only owner and may send it on.
func handingOn<Value: ~Copyable>(_ value: consuming Value) -> sending Value {
  nonisolated(unsafe) let value = value
  return value
}
