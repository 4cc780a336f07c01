import Troupe

/// A room: who is in it, and what was said last.
struct Room: Behavior {
  enum Message: Sendable {
    case join(Member, after: Int?)
    case leave(ActorID)
    case say(ActorID, String)
    case rename(ActorID, String)
    case people(ActorID)
  }

  struct Member: Sendable {
    var name: String
    let session: Address<Session.Message>
  }

  /// How many posts are kept, and how many of them a client gets who is new.
  static let kept = 500
  static let shown = 50

  let name: String
  /// The milliseconds since 1970.
  let clock: @Sendable () -> Int
  private var members: [ActorID: Member] = [:]
  private var history: [Post] = []
  /// The number of the latest post that is not kept any more.
  private var lost = 0

  init(_ name: String, clock: @escaping @Sendable () -> Int) {
    self.name = name
    self.clock = clock
  }

  mutating func receive(_ message: consuming Message, in context: Context<Message>) {
    switch message {
    case .join(let member, let after): join(member, after, in: context)
    case .leave(let id):
      guard let member = members.removeValue(forKey: id) else { return }
      if !isHere(member.name) { tellAll(.went(room: name, name: member.name)) }
    case .say(let id, let text):
      guard let member = members[id] else { return }
      let time = clock()
      let post = Post(number: max((history.last?.number ?? 0) + 1, time), author: member.name, text: text, time: time)
      history.append(post)
      if history.count > Self.kept { lost = history.removeFirst().number }
      tellAll(.post(room: name, post))
    case .rename(let id, let new):
      guard let old = members[id]?.name else { return }
      members[id]?.name = new
      tellAll(.renamed(room: name, from: old, to: new))
    case .people(let id): members[id]?.session.send(.update(.people(room: name, people)))
    }
  }

  private mutating func join(_ member: Member, _ after: Int?, in context: Context<Message>) {
    let id = member.session.actor
    // A client whose connection has broken may be back before its last session has ended.
    let isNew = !isHere(member.name)
    members[id] = member
    if isNew { tellAll(.came(room: name, name: member.name), but: id) }
    let posts = after.map { after in history.filter { $0.number > after } } ?? history.suffix(Self.shown)
    let hasGap = after.map { $0 < lost } ?? false
    member.session.send(.update(.entered(room: name, people: people, posts: posts, hasGap: hasGap)))
    context.watch(member.session) { _ in .leave(id) }
  }

  private var people: [String] { Set(members.values.map(\.name)).sorted() }
  private func isHere(_ name: String) -> Bool { members.values.contains { $0.name == name } }

  private func tellAll(_ update: Update, but absent: ActorID? = nil) {
    for (id, member) in members where id != absent { member.session.send(.update(update)) }
  }
}
