// expect: 'reply' used after consume
// M10
import Troupe

func answer(_ reply: consuming Reply<Int>) -> Bool {
  reply.send(1)
  return reply.isAbandoned
}
