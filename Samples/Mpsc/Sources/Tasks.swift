import TroupeChannels

func inTasks() throws {
  section(11, "The same in tasks")
  // Waits for the task with a channel: one end is a task's, the other a thread's.
  let done = Channel.unbounded(of: Void.self)
  Task { [done = done.sender] in
    await relay()
    _ = done.send(())
  }
  var receiver = done.receiver
  receiver.receive()
}

/// The calls have the same names; those that wait say `await`, and suspend the task where the others block the thread.
/// Without the `await` they do not compile here.
func relay() async {
  let numbers = Channel.bounded(2, of: Int.self)
  let squares = Channel.bounded(2, of: Int.self)

  Task { [sender = numbers.sender] in
    for number in 1...4 { _ = await sender.send(number) }
  }
  // A closure cannot take a receiver out of its captures, as it could run twice; a sequence that holds one it can use.
  let elements = numbers.receiver.elements()
  Task { [sender = squares.sender] in
    for await number in elements { _ = await sender.send(number * number) }
  }

  for await square in squares.receiver.elements() { print("got: \(square)") }
}
