import TroupeChannels

func inTasks() throws {
  section(11, "The same in tasks")
  // A channel is used to wait for the task: a task has one end, and a thread has the other.
  let done = Channel.unbounded(of: Void.self)
  Task { [done = done.sender] in
    await relay()
    _ = done.send(())
  }
  var receiver = done.receiver
  receiver.receive()
}

/// In tasks the calls have the same names. Those that wait are written with `await`, and suspend the task where the
/// others block the thread. Without the `await` they do not compile here.
func relay() async {
  let numbers = Channel.bounded(2, of: Int.self)
  let squares = Channel.bounded(2, of: Int.self)

  Task { [sender = numbers.sender] in
    for number in 1...4 { _ = await sender.send(number) }
  }
  // A closure cannot take a receiver out of its captures, since it could run twice. It can use a sequence that holds
  // one.
  let elements = numbers.receiver.elements()
  Task { [sender = squares.sender] in
    for await number in elements { _ = await sender.send(number * number) }
  }

  for await square in squares.receiver.elements() { print("got: \(square)") }
}
