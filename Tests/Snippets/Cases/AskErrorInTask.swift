// expect: nothing
// The error of an ask is an `AskError` where the `do` says so, in the closure of a task too.
import Troupe

func total(_ address: Address<Reply<Int>>) -> Task<AskError.Reason?, Never> {
  Task {
    do throws(AskError) {
      _ = try await address.ask { $0 }
      return nil
    } catch {
      return error.reason
    }
  }
}
