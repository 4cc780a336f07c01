// expect: expression is 'async' but is not marked with 'await'
// C50
import TroupeChannels

func wait(_ sender: BoundedSender<Int>) async throws {
  _ = try sender.reserve()
}
