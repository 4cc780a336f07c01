// Network peers on tokio: a task a connection, on as many workers as there are processors.
//
//     peer-net-tokio resp|echo|work --port N
mod resp;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0u8; 4096];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

// Sends each byte back after as many milliseconds of work.
async fn work(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0u8; 4096];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        for byte in &buffer[..n] {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(u64::from(*byte)) {}
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

// Accepts for ever. An error of one connection ends that connection alone.
async fn serve<F, R>(listener: TcpListener, handle: F)
where
    F: Fn(TcpStream) -> R,
    R: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(handle(stream));
            }
            Err(error) => {
                eprintln!("accept: {error}");
                tokio::task::yield_now().await;
            }
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, port) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [kind, "--port", port] => (kind.to_string(), port.parse::<u16>().expect("a port")),
        _ => panic!("usage: peer-net-tokio resp|echo|work --port N"),
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async move {
        // The default of tokio for the queue of connections not yet accepted is 1024.
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        match kind.as_str() {
            "echo" => serve(listener, echo).await,
            "work" => serve(listener, work).await,
            "resp" => {
                let store = Arc::new(resp::Store::new());
                serve(listener, |stream| resp::serve(stream, store.clone())).await
            }
            _ => panic!("there is no server {kind}"),
        }
    });
}
