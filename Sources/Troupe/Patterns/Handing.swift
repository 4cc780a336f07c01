/// Says that nothing else refers to `value`, which the compiler cannot see in a handler: every message came by a `sending`
/// parameter, so its handler owns it alone and may send it on.
func handingOn<Value: ~Copyable>(_ value: consuming Value) -> sending Value {
  nonisolated(unsafe) let value = value
  return value
}
