// expect: switch must be exhaustive
// A refused element has to be looked at.
import TroupeChannels

struct Handle: ~Copyable {
  var fd: Int32
}

func transfer(_ sender: BoundedSender<Handle>) {
  switch sender.trySend(Handle(fd: 1)) {
  case .sent: break
  case .closed: break
  }
}
