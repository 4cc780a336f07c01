// expect: use `await reserve()` in an async function or in a closure typed `async`
// The signature of the closure says `throws` and not `async`, so that `await` is of no use in it.
import TroupeChannels

func wait(_ sender: BoundedSender<Int>) -> Task<Void, any Error> {
  Task { () throws -> Void in _ = try await sender.reserve() }
}
