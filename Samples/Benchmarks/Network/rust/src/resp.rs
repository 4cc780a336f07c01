// A store that speaks Redis' protocol (RESP2): GET, SET, PING, ECHO, DBSIZE and what redis-benchmark asks for.
use bytes::{Buf, Bytes, BytesMut};
use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::RwLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

// The limits of Redis itself.
const MAX_ARGUMENTS: usize = 1 << 20;
const MAX_BULK: usize = 512 << 20;
const MAX_INLINE: usize = 64 << 10;
const SHARDS: usize = 64;

// A map in shards, each under a lock of its own and in cache lines of its own.
pub struct Store {
    hasher: RandomState,
    shards: Vec<Shard>,
}

#[repr(align(64))]
struct Shard(RwLock<HashMap<Bytes, Bytes>>);

impl Store {
    pub fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Shard(RwLock::new(HashMap::new()))).collect();
        Store { hasher: RandomState::new(), shards }
    }

    fn shard(&self, key: &[u8]) -> &RwLock<HashMap<Bytes, Bytes>> {
        let mut hasher = self.hasher.build_hasher();
        key.hash(&mut hasher);
        &self.shards[hasher.finish() as usize % SHARDS].0
    }

    fn get(&self, key: &[u8]) -> Option<Bytes> {
        self.shard(key).read().unwrap().get(key).cloned()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        // Copies: a slice of the connection's buffer would hold the whole buffer.
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.shard(&key).write().unwrap().insert(key, value);
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.read().unwrap().len()).sum()
    }
}

// One command after another. The answers go out when no whole command is left of what has been read.
pub async fn serve(mut stream: TcpStream, store: std::sync::Arc<Store>) -> io::Result<()> {
    let mut input = BytesMut::with_capacity(16 << 10);
    let mut output = Vec::with_capacity(16 << 10);
    let mut parser = Parser::default();
    loop {
        let ends = loop {
            match parser.next(&input) {
                Ok(None) => break false,
                Ok(Some(used)) => {
                    let ends = answer(&mut output, &store, &input, &parser.arguments);
                    input.advance(used);
                    parser.reset();
                    if ends {
                        break true;
                    }
                    if output.len() >= 64 << 10 {
                        stream.write_all(&output).await?;
                        output.clear();
                    }
                }
                Err(error) => {
                    write!(output, "-ERR Protocol error: {error}\r\n")?;
                    break true;
                }
            }
        };
        if !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
        }
        input.reserve(4 << 10); // goes back to the start of its memory when all of that is used up
        if ends || stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

// Goes on where it stopped when more has come in, so that a large command is not read again from its start.
#[derive(Default)]
struct Parser {
    arguments: Vec<Range<usize>>,
    at: usize,
    count: Option<usize>,
    length: Option<usize>,
}

impl Parser {
    fn reset(&mut self) {
        self.arguments.clear();
        self.at = 0;
        self.count = None;
        self.length = None;
    }

    // The number of bytes of the command, once all of it is there.
    fn next(&mut self, input: &[u8]) -> Result<Option<usize>, &'static str> {
        let count = match self.count {
            Some(count) => count,
            None => {
                let Some(line) = self.line(input)? else { return Ok(None) };
                if input.get(line.start) != Some(&b'*') {
                    self.split_words(input, line);
                    return Ok(Some(self.at));
                }
                let count = number(&input[line.start + 1..line.end], MAX_ARGUMENTS);
                *self.count.insert(count.ok_or("invalid multibulk length")?)
            }
        };
        while self.arguments.len() < count {
            let length = match self.length {
                Some(length) => length,
                None => {
                    let Some(line) = self.line(input)? else { return Ok(None) };
                    if input.get(line.start) != Some(&b'$') {
                        return Err("expected '$'");
                    }
                    let length = number(&input[line.start + 1..line.end], MAX_BULK);
                    *self.length.insert(length.ok_or("invalid bulk length")?)
                }
            };
            let end = self.at + length;
            match input.get(end..end + 2) {
                None => return Ok(None),
                Some(b"\r\n") => {}
                Some(_) => return Err("expected CRLF after a bulk string"),
            }
            self.arguments.push(self.at..end);
            self.at = end + 2;
            self.length = None;
        }
        Ok(Some(self.at))
    }

    // The next line without its end.
    fn line(&mut self, input: &[u8]) -> Result<Option<Range<usize>>, &'static str> {
        let rest = &input[self.at..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(n) => {
                let start = self.at;
                let end = start + n - usize::from(n > 0 && rest[n - 1] == b'\r');
                self.at = start + n + 1;
                Ok(Some(start..end))
            }
            None if rest.len() >= MAX_INLINE => Err("too big inline request"),
            None => Ok(None),
        }
    }

    fn split_words(&mut self, input: &[u8], line: Range<usize>) {
        let mut start = line.start;
        for word in input[line].split(|byte| byte.is_ascii_whitespace()) {
            if !word.is_empty() {
                self.arguments.push(start..start + word.len());
            }
            start += word.len() + 1;
        }
    }
}

fn number(digits: &[u8], limit: usize) -> Option<usize> {
    if digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0'));
    Some(n).filter(|&n| n <= limit)
}

// Returns true if the connection ends with this answer.
fn answer(output: &mut Vec<u8>, store: &Store, input: &[u8], arguments: &[Range<usize>]) -> bool {
    let argument = |i: usize| &input[arguments[i].clone()];
    if arguments.is_empty() {
        return false;
    }
    let is = |name: &str, count: usize| arguments.len() == count && argument(0).eq_ignore_ascii_case(name.as_bytes());
    if is("get", 2) {
        match store.get(argument(1)) {
            Some(value) => bulk(output, &value),
            None => output.extend_from_slice(b"$-1\r\n"),
        }
    } else if is("set", 3) {
        store.set(argument(1), argument(2));
        output.extend_from_slice(b"+OK\r\n");
    } else if is("ping", 1) {
        output.extend_from_slice(b"+PONG\r\n");
    } else if is("ping", 2) || is("echo", 2) {
        bulk(output, argument(1));
    } else if is("config", 3) && argument(1).eq_ignore_ascii_case(b"get") {
        output.extend_from_slice(b"*2\r\n");
        bulk(output, argument(2));
        bulk(output, b"");
    } else if is("dbsize", 1) {
        let _ = write!(output, ":{}\r\n", store.len());
    } else if argument(0).eq_ignore_ascii_case(b"command") {
        output.extend_from_slice(b"*0\r\n");
    } else if argument(0).eq_ignore_ascii_case(b"quit") {
        output.extend_from_slice(b"+OK\r\n");
        return true;
    } else {
        let name = &argument(0)[..argument(0).len().min(64)];
        let _ = write!(output, "-ERR unknown command '{}', or a wrong number of arguments\r\n", name.escape_ascii());
    }
    false
}

fn bulk(output: &mut Vec<u8>, value: &[u8]) {
    let _ = write!(output, "${}\r\n", value.len());
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}
