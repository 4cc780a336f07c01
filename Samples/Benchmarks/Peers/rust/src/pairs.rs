// actor.pairs.N.WORK.outside and .inside: pairs of tasks that play ping-pong, WORK nanoseconds in the handler of every message.
use std::collections::HashMap;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{unbounded_channel as mailbox, UnboundedSender};

/// A chain of steps, each of which needs the result of the one before. Never inlined, so that what is calibrated
/// is what the pairs do.
#[inline(never)]
fn perform(steps: u64, mut value: u64) -> u64 {
    for _ in 0..steps {
        value = (value ^ (value >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    value
}

/// As many steps as this machine does in so many nanoseconds when nothing else takes its processor.
fn steps_lasting(nanoseconds: u64) -> u64 {
    if nanoseconds == 0 {
        return 0;
    }
    let sample = std::hint::black_box(20_000);
    let (mut value, mut shortest) = (1, f64::INFINITY);
    for _ in 0..400 {
        let start = Instant::now();
        value = std::hint::black_box(perform(sample, value));
        shortest = shortest.min(start.elapsed().as_nanos() as f64);
    }
    assert!(value != 0 && shortest > 0.0);
    ((nanoseconds as f64 * sample as f64 / shortest).round() as u64).max(1)
}

/// Processor time of all threads of this process: `CLOCK_PROCESS_CPUTIME_ID` of 64-bit Linux, declared here because
/// the peers have no `libc` crate.
fn cpu_seconds() -> f64 {
    extern "C" {
        fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
    }
    let mut time = [0; 2];
    assert_eq!(unsafe { clock_gettime(2, &mut time) }, 0);
    time[0] as f64 + time[1] as f64 / 1e9
}

/// What one player of a pair has done.
struct End {
    rounds: i64,
    handled: i64,
    result: u64,
}

fn start_pair(rounds: i64, steps: u64, done: UnboundedSender<End>) {
    let (atx, mut arx) = mailbox::<i64>();
    let (btx, mut brx) = mailbox::<i64>();
    let done2 = done.clone();
    // Serves, and counts the rounds.
    tokio::spawn(async move {
        let mut end = End { rounds: 0, handled: 0, result: 1 };
        let _ = btx.send(0);
        while let Some(value) = arx.recv().await {
            end.handled += 1;
            if steps > 0 {
                end.result = perform(steps, end.result);
            }
            if value == rounds {
                end.rounds = value;
                break;
            }
            let _ = btx.send(value);
        }
        let _ = done.send(end);
    });
    tokio::spawn(async move {
        let mut end = End { rounds: 0, handled: 0, result: 1 };
        while end.handled < rounds {
            let value = brx.recv().await.unwrap();
            end.handled += 1;
            if steps > 0 {
                end.result = perform(steps, end.result);
            }
            end.rounds = value + 1;
            let _ = atx.send(end.rounds);
        }
        let _ = done2.send(end);
    });
}

fn start(count: i64, rounds: i64, steps: u64, done: UnboundedSender<End>) {
    for pair in 0..count {
        start_pair(rounds / count + i64::from(pair < rounds % count), steps, done.clone());
    }
}

/// Prints the processors used as a sixth field. `None`: no such workload.
pub fn run(rt: &Runtime, workload: &str, implementation: &str, scale: f64) -> Option<()> {
    let parts: Vec<&str> = workload.split('.').collect();
    let [_, _, count, work, place] = parts[..] else { return None };
    let (count, work) = (count.parse::<i64>().ok()?, work.parse::<u64>().ok()?);
    if count < 1 || !["outside", "inside"].contains(&place) {
        return None;
    }
    // Of all pairs together.
    let rounds = ((scale * (1_000_000_000 / (work + 50)) as f64) as i64 / 2).max(count);
    let steps = steps_lasting(work);
    let (done, mut ends) = mailbox::<End>();
    let (begin, used) = (Instant::now(), cpu_seconds());
    if place == "outside" {
        let _in = rt.enter();
        start(count, rounds, steps, done);
    } else {
        rt.spawn(async move { start(count, rounds, steps, done) });
    }
    let (mut results, mut received, mut handled) = (HashMap::new(), 0, 0);
    while let Some(end) = ends.blocking_recv() {
        assert_eq!(end.handled, end.rounds);
        // Players of as many rounds have done the same work.
        assert_eq!(*results.entry(end.rounds).or_insert(end.result), end.result);
        received += 1;
        handled += end.handled;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let processors = (cpu_seconds() - used) / seconds;
    assert_eq!(received, 2 * count);
    assert_eq!(handled, 2 * rounds);
    let ns = seconds * 1e9 / handled as f64;
    println!("{workload},{implementation},{handled},{seconds:.6},{ns:.3},{processors:.2}");
    Some(())
}
