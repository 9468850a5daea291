//! Many who follow, measured from outside: see `tests/bench/README.md`. Prints one `name<TAB>value` a line.
#![expect(clippy::expect_used, reason = "a measurement ends on the first surprise")]

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream as Blocking};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

const USAGE: &str = "follow latency|fan-out|idle ADDRESS:PORT stoa|pocketbase FOLLOWERS
follow bare FOLLOWERS

latency   each follower on a product of its own, 200 changes a second for 10 s: from the request to what its follower gets
fan-out   all on one product, 20 changes: from the request until the last follower has it
idle      each on a product of its own from the 10,000th on, says `ready` and waits until its input ends
bare      a loop that writes the same frame to all sockets, as fan-out";

/// The first product that `idle` follows: the ones before it are those that change.
const IDLE: usize = 10_000;

/// About what Stoa sends of a product.
const FRAME_BYTES: usize = 420;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Stoa,
    PocketBase,
    /// Sends frames without being asked.
    Bare,
}

/// What has arrived.
struct Arrived {
    /// When the change of each product was sent, in nanoseconds of `clock`.
    sent: Vec<AtomicU64>,
    clock: Instant,
    /// From there to its follower, in nanoseconds.
    took: std::sync::Mutex<Vec<u64>>,
    count: AtomicUsize,
    more: Notify,
}

impl Arrived {
    fn new(products: usize) -> Arc<Self> {
        Arc::new(Self {
            sent: (0..products).map(|_| AtomicU64::new(0)).collect(),
            clock: Instant::now(),
            took: std::sync::Mutex::default(),
            count: AtomicUsize::new(0),
            more: Notify::new(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn one(&self, product: usize) {
        let sent = self.sent[product].swap(0, Ordering::AcqRel);
        if sent > 0 {
            self.took.lock().expect("no panic").push(self.now() - sent);
        }
        self.count.fetch_add(1, Ordering::AcqRel);
        self.more.notify_one();
    }

    async fn wait_for(&self, count: usize) {
        let all = async {
            while self.count.load(Ordering::Acquire) < count {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("everything arrives within a minute");
    }
}

fn main() {
    rlimit::increase_nofile_limit(u64::MAX).expect("room for sockets");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    match arguments.as_slice() {
        ["bare-server", followers] => bare_server(number(followers)),
        ["bare", followers] => runtime.block_on(bare(number(followers))),
        [what, address, server, followers] => {
            let server = if *server == "stoa" { Server::Stoa } else { Server::PocketBase };
            runtime.block_on(measure(what, address, server, number(followers)));
        }
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number of followers")
}

async fn measure(what: &str, address: &str, server: Server, followers: usize) {
    let single = what == "fan-out";
    let first = if what == "idle" { IDLE } else { 0 };
    let arrived = Arrived::new(first + followers);
    for follower in 0..followers {
        let product = if single { 0 } else { first + follower };
        follow(address, server, product, &arrived).await;
    }
    match what {
        "idle" => {
            println!("ready");
            std::io::stdin().lock().lines().for_each(drop);
        }
        "latency" => latency(address, server, followers, &arrived).await,
        _ => fan_out(address, server, followers, &arrived).await,
    }
}

/// The id of a product, as `products.py` makes it.
fn id(product: usize) -> String {
    format!("prod{product:011}")
}

/// Follows a product; returns when the server has said that it listens.
async fn follow(address: &str, server: Server, product: usize, arrived: &Arc<Arrived>) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = match server {
        Server::Stoa => format!(
            "GET /Product/{} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            id(product)
        ),
        Server::PocketBase => format!("GET /api/realtime HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        Server::Bare => String::new(),
    };
    stream.write_all(request.as_bytes()).await.expect("a request");
    let wanted: &[u8] = match server {
        Server::Stoa => b"\"ready\"",
        Server::PocketBase => b"\n\n",
        Server::Bare => b"",
    };
    let mut begun = Vec::new();
    while !begun.windows(wanted.len().max(1)).any(|window| window == wanted) && server != Server::Bare {
        assert!(stream.read_buf(&mut begun).await.expect("an answer") > 0, "{}", String::from_utf8_lossy(&begun));
    }
    if server == Server::PocketBase {
        let begun = String::from_utf8_lossy(&begun).into_owned();
        let (_, rest) = begun.split_once("\"clientId\":\"").expect("a client id");
        let client = rest.split('"').next().unwrap_or_default();
        let body = format!("{{\"clientId\":\"{client}\",\"subscriptions\":[\"Product/{}\"]}}", id(product));
        send(&mut TcpStream::connect(address).await.expect("a connection"), "POST", "/api/realtime", address, &body)
            .await;
    }
    let arrived = Arc::clone(arrived);
    tokio::spawn(async move {
        let mut bytes = vec![0; 2_048];
        // Messages are shorter than a read and come one at a time.
        while let Ok(1..) = stream.read(&mut bytes).await {
            arrived.one(product);
        }
    });
}

/// Sends a request and reads its answer.
async fn send(stream: &mut TcpStream, method: &str, path: &str, address: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("a request");
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.expect("an answer");
    let status = String::from_utf8_lossy(&answer[..read.min(12)]).into_owned();
    assert!(status.starts_with("HTTP/1.1 2"), "{method} {path}: {status}");
}

async fn change(writer: &mut TcpStream, address: &str, server: Server, product: usize, round: usize) {
    let path = match server {
        Server::PocketBase => format!("/api/collections/Product/records/{}", id(product)),
        Server::Stoa | Server::Bare => format!("/Product/{}", id(product)),
    };
    send(writer, "PATCH", &path, address, &format!("{{\"stockQuantity\":{round}}}")).await;
}

async fn latency(address: &str, server: Server, products: usize, arrived: &Arc<Arrived>) {
    const ROUNDS: usize = 2_000;
    let mut writer = TcpStream::connect(address).await.expect("a connection");
    writer.set_nodelay(true).expect("no delay");
    let mut clock = tokio::time::interval(Duration::from_millis(5));
    let (mut late, began) = (0, arrived.count.load(Ordering::Acquire));
    for round in 0..ROUNDS {
        late += usize::from(clock.tick().await.elapsed() > Duration::from_millis(5));
        let product = round * 7 % products;
        arrived.sent[product].store(arrived.now(), Ordering::Release);
        change(&mut writer, address, server, product, 1_000 + round).await;
    }
    arrived.wait_for(began + ROUNDS).await;
    let mut took = std::mem::take(&mut *arrived.took.lock().expect("no panic"));
    took.sort_unstable();
    let percentile = |share: usize| took[(took.len() * share / 1_000).min(took.len() - 1)] as f64 / 1e6;
    println!("p50 ms\t{:.2}\np99 ms\t{:.2}\nmost ms\t{:.2}", percentile(500), percentile(990), percentile(1_000));
    println!("changes that were late\t{late}");
}

async fn fan_out(address: &str, server: Server, followers: usize, arrived: &Arc<Arrived>) {
    let mut writer = TcpStream::connect(address).await.expect("a connection");
    let mut rounds = Vec::new();
    for round in 0..20 {
        let (began, count) = (Instant::now(), arrived.count.load(Ordering::Acquire));
        change(&mut writer, address, server, 0, 1_000 + round).await;
        arrived.wait_for(count + followers).await;
        rounds.push(began.elapsed());
    }
    print_rounds(rounds);
}

fn print_rounds(mut rounds: Vec<Duration>) {
    rounds.sort_unstable();
    let ms = |at: usize| rounds[at].as_secs_f64() * 1e3;
    println!(
        "all have it, median ms\t{:.1}\nleast ms\t{:.1}\nmost ms\t{:.1}",
        ms(rounds.len() / 2),
        ms(0),
        ms(rounds.len() - 1)
    );
}

async fn bare(followers: usize) {
    let mut server = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["bare-server", &followers.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("this program again");
    let mut address = String::new();
    std::io::BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
    let address = address.trim();
    let arrived = Arrived::new(followers);
    let mut control = TcpStream::connect(address).await.expect("a connection");
    for _ in 0..followers {
        follow(address, Server::Bare, 0, &arrived).await;
    }
    let mut rounds = Vec::new();
    for _ in 0..20 {
        let (began, count) = (Instant::now(), arrived.count.load(Ordering::Acquire));
        control.write_u8(1).await.expect("a byte");
        arrived.wait_for(count + followers).await;
        rounds.push(began.elapsed());
    }
    print_rounds(rounds);
    drop(control);
    server.wait().expect("it ends");
}

/// Accepts a connection that commands and then the followers; writes a frame to all for each byte it gets.
fn bare_server(followers: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let (mut control, _) = listener.accept().expect("the one that commands");
    let mut sockets: Vec<Blocking> = (0..followers).map(|_| listener.accept().expect("a follower").0).collect();
    sockets.iter().for_each(|socket| socket.set_nodelay(true).expect("no delay"));
    let frame = [b'x'; FRAME_BYTES];
    let mut byte = [0];
    while let Ok(()) = control.read_exact(&mut byte) {
        sockets.iter_mut().for_each(|socket| socket.write_all(&frame).expect("a frame"));
    }
}
