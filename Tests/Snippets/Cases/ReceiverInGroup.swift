// expect: noncopyable 'receiver' cannot be consumed when captured by an escaping closure
// The way to do this is `Handover`; see the table at `Receiver`.
import TroupeChannels

func sum(_ receiver: consuming Receiver<Int>) async -> Int { 0 }

func total(_ receiver: consuming Receiver<Int>) async -> Int? {
  await withTaskGroup(of: Int.self) { group in
    group.addTask { await sum(receiver) }
    return await group.next()
  }
}
