// Channel workloads over tokio::sync::mpsc between tokio tasks (multi_thread runtime, 2 workers).
// Producers, consumer and driver are tasks in the pool; no other thread takes part.
// Usage: peer-tokio-task WORKLOAD IMPL [scale]   prints: workload,impl,ops,seconds,ns_per_op
use std::time::Instant;
use tokio::sync::mpsc::{channel, unbounded_channel};

type V = i64;

// `producers` tasks send `per` values each; one task receives and sums them.
// A macro, because the unbounded `send` is a plain call and the bounded one a future.
macro_rules! stream {
    ($channel:expr, $producers:expr, $per:expr, |$tx:ident, $v:ident| $send:expr) => {{
        let (producers, per): (i64, i64) = ($producers, $per);
        let (tx, mut rx) = $channel;
        let mut handles = Vec::new();
        for p in 0..producers {
            let $tx = tx.clone();
            handles.push(tokio::spawn(async move {
                for i in 0..per {
                    let $v = p * per + i;
                    $send.unwrap();
                }
            }));
        }
        drop(tx);
        let consumer = tokio::spawn(async move {
            let (mut sum, mut count) = (0i64, 0i64);
            while let Some(v) = rx.recv().await {
                sum += v;
                count += 1;
            }
            (sum, count)
        });
        let (sum, count) = consumer.await.unwrap();
        for h in handles {
            h.await.unwrap();
        }
        let n = producers * per;
        assert_eq!(count, n);
        assert_eq!(sum, n * (n - 1) / 2);
        n
    }};
}

// One task receives `n` values with a `select!` of some receivers, each fed by a task of its own.
macro_rules! select {
    ($total:expr, $($rx:ident)+) => {{
        let total: i64 = $total;
        let producers = [$(stringify!($rx)),+].len() as i64;
        let per = total / producers;
        let n = per * producers;
        let mut handles = Vec::new();
        let mut keep = Vec::new();
        let mut first = 0;
        $(
            let (tx, mut $rx) = unbounded_channel::<V>();
            keep.push(tx.clone());
            let from = first;
            first += per;
            handles.push(tokio::spawn(async move { for i in from..from + per { tx.send(i).unwrap(); } }));
        )+
        assert_eq!(first, n);
        let consumer = tokio::spawn(async move {
            let mut sum = 0i64;
            for _ in 0..n {
                tokio::select! { $( v = $rx.recv() => sum += v.unwrap(), )+ }
            }
            sum
        });
        assert_eq!(consumer.await.unwrap(), n * (n - 1) / 2);
        for h in handles {
            h.await.unwrap();
        }
        n
    }};
}

async fn pingpong(n: i64) -> i64 {
    let (atx, mut arx) = unbounded_channel::<V>();
    let (btx, mut brx) = unbounded_channel::<V>();
    let b = tokio::spawn(async move {
        while let Some(v) = arx.recv().await {
            btx.send(v + 1).unwrap();
        }
    });
    let a = tokio::spawn(async move {
        let mut v = 0;
        for _ in 0..n {
            atx.send(v).unwrap();
            v = brx.recv().await.unwrap();
        }
        v
    });
    let v = a.await.unwrap();
    b.await.unwrap();
    assert_eq!(v, n);
    n
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (wl, im) = (a[1].clone(), a[2].clone());
    let scale: f64 = a.get(3).map_or(1.0, |x| x.parse().unwrap());
    let s = move |n: i64| (n as f64 * scale) as i64;
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let t = Instant::now();
    let ops = rt.block_on(async {
        let wl = wl.clone();
        tokio::spawn(async move {
            match wl.as_str() {
                "chan.spsc" => stream!(unbounded_channel::<V>(), 1, s(5_000_000), |tx, v| tx.send(v)),
                "chan.mpsc4" => stream!(unbounded_channel::<V>(), 4, s(1_250_000), |tx, v| tx.send(v)),
                "chan.bounded1024.spsc" => stream!(channel::<V>(1024), 1, s(5_000_000), |tx, v| tx.send(v).await),
                "chan.bounded1024.mpsc4" => stream!(channel::<V>(1024), 4, s(1_250_000), |tx, v| tx.send(v).await),
                "chan.select2" => select!(s(2_000_000), a b),
                "chan.select8" => select!(s(2_000_000), a b c d e f g h),
                "chan.pingpong" => pingpong(s(200_000)).await,
                _ => std::process::exit(3),
            }
        })
        .await
        .unwrap()
    });
    let d = t.elapsed().as_secs_f64();
    println!("{wl},{im},{ops},{d:.6},{:.3}", d * 1e9 / ops as f64);
    std::process::exit(0); // do not time or wait for tear-down
}
