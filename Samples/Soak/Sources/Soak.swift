import Troupe

/// Runs rounds of everything at once for some time. Everything that was made has to be accounted for after each
/// round, and nothing may grow.
struct Soak {
  let duration: Duration
  let seed: UInt64

  func run() async -> [String] {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: duration)
    let system = ActorSystem(
      "soak",
      options: ActorSystem.Options(
        supervision: .restart(limit: .max, backoff: .constant(.milliseconds(1))), log: { _ in }))
    var random = SplitMix(seed: seed)
    var samples: [Figures] = []
    var troubles: [String] = []
    var rounds = 0
    let actors = Tally()
    let channels = Tally()
    let bulk = BulkRound.Totals()
    while clock.now < end && troubles.isEmpty {
      rounds += 1
      let (first, second, third) = (random.next(), random.next(), random.next())
      async let actorRound: Void = ActorRound(system: system, tally: actors, seed: first).run()
      async let channelRound: Void = ChannelRound(tally: channels, seed: second).run()
      async let otherRound: Void = ChannelRound(tally: channels, seed: third).run()
      async let bulkRound = BulkRound(system: system, totals: bulk).run()
      _ = await (actorRound, channelRound, otherRound)
      troubles += await bulkRound
      troubles += check(actors, channels, bulk, await settled(system, actors))
      samples.append(Figures.now())
    }
    await system.shutdown()
    troubles += Figures.growth(samples)
    report(rounds, actors.counts, channels.counts, bulk, system.counts, samples)
    return troubles
  }

  /// Waits until the counts agree, and returns them. Workers add up their figures at the end of a turn, and memory
  /// goes a moment after an actor's end was announced.
  private func settled(_ system: ActorSystem, _ tally: Tally) async -> ActorSystem.Counts {
    var counts = system.counts
    let clock = ContinuousClock()
    let start = clock.now
    while clock.now - start < .seconds(300) {
      if tally.counts.gone == tally.counts.made && counts.topLevelActors == 0 && counts.failed == tally.counts.spoilt
        && counts.allDeadLetters == tally.counts.dropped + tally.counts.returned
      {
        break
      }
      await Task.yield()
      counts = system.counts
    }
    return counts
  }

  private func check(
    _ actors: Tally, _ channels: Tally, _ bulk: BulkRound.Totals, _ counts: ActorSystem.Counts
  ) -> [String] {
    var troubles: [String] = []
    for (name, tally) in [("actors", actors.counts), ("channels", channels.counts)] {
      if tally.made != tally.gone { troubles.append("\(name): \(tally.made) made, \(tally.gone) destroyed") }
      if tally.dropped < 0 { troubles.append("\(name): used more than were made: \(tally)") }
    }
    let own = actors.counts
    // Each message is handled, failed, or a dead letter. The ticks of timers are handled too, and are not envelopes.
    if counts.failed != own.spoilt { troubles.append("\(counts.failed) failed messages, by our count \(own.spoilt)") }
    if counts.handled < own.used + bulk.handled {
      troubles.append("\(counts.handled) handled, by our count \(own.used + bulk.handled)")
    }
    if counts.allDeadLetters != own.dropped + own.returned {
      troubles.append("\(counts.deadLetters) dead letters, by our count \(own.dropped)")
    }
    return troubles
  }

  private func report(
    _ rounds: Int, _ actors: Tally.Counts, _ channels: Tally.Counts, _ bulk: BulkRound.Totals,
    _ counts: ActorSystem.Counts, _ samples: [Figures]
  ) {
    print("rounds: \(rounds)")
    print("channels: \(channels.made) sent, \(channels.used) received, \(channels.returned) came back,")
    print("  \(channels.dropped) destroyed with their channel")
    print(
      "actors: \(actors.made) sent, \(actors.used) handled, \(actors.spoilt) failed, \(actors.dropped) dead letters")
    print("  \(counts.handled - actors.used - bulk.handled) ticks of timers, \(counts.restarts) restarts")
    print("in bulk: \(bulk.received) through channels, \(bulk.handled) to actors, \(bulk.actors) actors spawned")
    if let first = samples.dropFirst(samples.count / 4).first, let last = samples.last {
      print("memory: \(first.kilobytes) KiB after a quarter, \(last.kilobytes) KiB at the end")
      print("threads: \(first.threads), \(last.threads); open files: \(first.files), \(last.files)")
    }
  }
}
