// expect: conformance of 'OneShotChannel<Value>' to 'Sendable' is unavailable
// The value that holds both ends stays where it was made; the ends may go anywhere.
import TroupeChannels

func check<Value: Sendable & ~Copyable>(_ type: Value.Type) {}

func use() {
  check(OneShotSender<Int>.self)
  check(OneShotReceiver<Int>.self)
  check(OneShotChannel<Int>.self)
}
