// actor.timer_lateness.MS: one timer at a time, and how late each fires.
use std::time::Duration;
use tokio::time::{sleep_until, Instant};

/// Prints p50 and p99 in microseconds. `None`: no such workload.
pub async fn run(workload: &str, implementation: &str, scale: f64) -> Option<()> {
    let ms = workload.strip_prefix("actor.timer_lateness.")?.parse::<u64>().ok().filter(|ms| *ms > 0)?;
    let start = Instant::now();
    let count = ((300.0 * scale) as usize).max(1);
    let mut late = Vec::with_capacity(count);
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..count {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Spread over a millisecond, so that the timers are not in step with the ticks of whatever moves them.
        let start = Instant::now() + Duration::from_nanos(random % 1_000_000);
        while Instant::now() < start {}
        let deadline = Instant::now() + Duration::from_millis(ms);
        sleep_until(deadline).await;
        late.push(Instant::now().checked_duration_since(deadline).expect("a timer was early").as_nanos());
    }
    late.sort_unstable();
    let percentile = |p| late[(count * p + 99) / 100 - 1] as f64 / 1e3; // by nearest rank
    let seconds = start.elapsed().as_secs_f64();
    println!("{workload},{implementation},{count},{seconds:.6},{:.3},{:.3}", percentile(50), percentile(99));
    Some(())
}
