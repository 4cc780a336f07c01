// expect: expression is 'async' but is not marked with 'await'
// C50: in asynchronous code a plain `ask` is the asynchronous form.
import Troupe

func total(_ address: Address<Reply<Int>>) async throws -> Int {
  try address.ask { $0 }
}
