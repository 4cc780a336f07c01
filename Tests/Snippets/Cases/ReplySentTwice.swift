// expect: 'reply' consumed more than once
// M10
import Troupe

func answer(_ reply: consuming Reply<Int>) {
  reply.send(1)
  reply.send(2)
}
