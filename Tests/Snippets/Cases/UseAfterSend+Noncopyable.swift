// expect: 'handle' used after consume
import TroupeChannels

struct Handle: ~Copyable {
  var fd: Int32
}

func transfer(_ sender: BoundedSender<Handle>) -> Int32 {
  let handle = Handle(fd: 1)
  _ = sender.trySend(handle)
  return handle.fd
}
