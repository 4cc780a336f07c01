import Synchronization
import Testing
import TroupeModel

@testable import TroupeChannels

extension ModelTests {
  /// The lock and the place to wait, by themselves.
  @Suite struct Waiting {
    /// Plain memory, so that the thread sanitizer would see two at a time.
    private final class Guarded {
      let lock = FutexLock()
      var inside = 0
      var overlaps = 0
      var count = 0
      func enter() {
        lock.lock()
        work()
        lock.unlock()
      }
      func tryToEnter() {
        if lock.tryLock() {
          work()
          lock.unlockSequentially()
        }
      }
      private func work() {
        inside += 1
        // A step at which the others may come in.
        if place.load(ordering: .relaxed) != 0 || inside != 1 { overlaps += 1 }
        inside -= 1
        count += 1
      }
      let place = TroupeModel.Atomic<Int>(0)
    }

    @Test func `three threads and one lock`() {
      Check.all("lock, 3 threads") {
        let guarded = Guarded()
        return Execution([
          { guarded.enter() },
          {
            guarded.enter()
            guarded.enter()
          },
          {
            guarded.enter()
            guarded.tryToEnter()
          },
        ]) {
          guarded.overlaps == 0 && (4...5).contains(guarded.count)
            ? nil : "\(guarded.count) were in, \(guarded.overlaps) not alone"
        }
      }
    }

    private final class Place {
      let parker = Parker()
      let flag = TroupeModel.Atomic<Int>(0)
      var seen = false
      var timedOut = false
    }

    @Test func `two signals and one that waits`() {
      Check.all("parker, 2 signals", fewer: -1) {
        let place = Place()
        let signal = {
          _ = place.flag.wrappingAdd(1, ordering: .acquiringAndReleasing)
          place.parker.signal()
        }
        return Execution([
          signal, signal,
          {
            while true {
              place.parker.reset()
              if place.flag.load(ordering: .acquiring) == 2 { break }
              _ = place.parker.wait(until: .never, spinning: false, call: "test")
            }
            place.seen = true
          },
        ]) { place.seen ? nil : "not woken" }
      }
    }

    @Test func `a wait that ends by time or by a signal`() {
      Check.all("parker, timeout", fewer: -1) {
        let place = Place()
        return Execution([
          {
            _ = place.flag.wrappingAdd(1, ordering: .acquiringAndReleasing)
            place.parker.signal()
          },
          {
            place.timedOut = !place.parker.wait(until: Deadline(after: .nanoseconds(5)), spinning: false, call: "test")
            // A signal came after what it tells of.
            place.seen = place.timedOut || place.flag.load(ordering: .acquiring) == 1
          },
        ]) { place.seen ? nil : "signalled before the signal" }
      }
    }

    @Test func `a weak sender is raised, or the channel is closed`() {
      Check.all("weak sender") {
        let account = Account()
        let channel = Channel.unbounded(of: Small.self)
        let sending = [Sending(), Sending()]
        let receiving = Receiving()
        let strong = Hand(channel.sender)
        let weak = channel.sender.weak
        let receiver = Hand(channel.receiver)
        return Execution([
          { send(strong.take(), 0, account, sending[0]) },
          { if let sender = weak.upgrade() { send(sender, 4, account, sending[1]) } },
          { receiveAll(receiver, receiving) },
        ]) {
          if !sending[1].returned.isEmpty { return "a sender that was raised found the channel closed" }
          return ModelTests.verify(account, sending, receiving)
        }
      }
    }
  }
}

private func send(_ sender: consuming Sender<Small>, _ id: Int, _ account: Account, _ log: Sending) {
  _ = log.note(id, sender.send(Small(id, account)))
}

private func receiveAll(_ hand: Hand<Receiver<Small>>, _ log: Receiving) {
  var receiver = hand.take()
  while let element = receiver.receive() { log.add(element.id) }
  log.sawEnd = true
}
