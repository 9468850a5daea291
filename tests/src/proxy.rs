//! A link between two processes that a test can make slow, lossy or dead: a TCP proxy on loopback.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// It arrives.
    Up = 0,
    /// Connections end, and no other can be made.
    Cut = 1,
    /// Connections stay, and nothing arrives.
    BlackHole = 2,
    /// What is asked arrives; the connection ends before it is answered. Streams of frames are left alone.
    LosesAnswers = 3,
}

struct State {
    link: AtomicU8,
    one_way_us: AtomicU64,
    ended: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
    lost: AtomicU64,
    /// Bytes that have come from the far end.
    carried: AtomicU64,
}

impl State {
    fn link(&self) -> Link {
        match self.link.load(Ordering::SeqCst) {
            0 => Link::Up,
            1 => Link::Cut,
            2 => Link::BlackHole,
            _ => Link::LosesAnswers,
        }
    }
}

/// A link to one address.
pub struct Proxy {
    address: String,
    state: Arc<State>,
}

impl Proxy {
    /// A link to `127.0.0.1:PORT` that takes so long each way.
    pub fn to(address: &str, one_way: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").to_string();
        let micros = u64::try_from(one_way.as_micros()).unwrap_or(u64::MAX);
        let state = Arc::new(State {
            link: AtomicU8::new(Link::Up as u8),
            one_way_us: AtomicU64::new(micros),
            ended: AtomicBool::new(false),
            connections: Mutex::default(),
            lost: AtomicU64::new(0),
            carried: AtomicU64::new(0),
        });
        let (accepting, target) = (Arc::clone(&state), address.to_owned());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                if accepting.link() == Link::Cut {
                    continue;
                }
                if let Ok(far) = TcpStream::connect(&target) {
                    carry(&accepting, near, far);
                }
            }
        });
        Self { address: own, state }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what becomes of what is sent from now on.
    pub fn set(&self, link: Link) {
        self.state.link.store(link as u8, Ordering::SeqCst);
        if link == Link::Cut {
            self.state.end_all();
        }
    }

    /// Changes how long it takes each way.
    pub fn delay(&self, one_way: Duration) {
        self.state.one_way_us.store(u64::try_from(one_way.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Waits until so many bytes have come from the far end; `false`: none has come for a while.
    pub fn carries(&self, bytes: u64) -> bool {
        let mut last = (self.state.carried.load(Ordering::SeqCst), Instant::now());
        while last.0 < bytes && last.1.elapsed() < Duration::from_secs(1) {
            std::thread::yield_now();
            let now = self.state.carried.load(Ordering::SeqCst);
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
        last.0 >= bytes
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }
}

impl State {
    fn end_all(&self) {
        for stream in self.connections.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.state.end_all();
        // Wakes who accepts.
        _ = TcpStream::connect(&self.address);
    }
}

fn carry(state: &Arc<State>, near: TcpStream, far: TcpStream) {
    let copies = || Ok::<_, std::io::Error>((near.try_clone()?, near.try_clone()?, far.try_clone()?, far.try_clone()?));
    let Ok((near_kept, near_out, far_kept, far_out)) = copies() else { return };
    for stream in [&near, &far] {
        _ = stream.set_nodelay(true);
    }
    state.connections.lock().unwrap_or_else(PoisonError::into_inner).extend([near_kept, far_kept]);
    // A stream of frames begins with HTTP/2's own words.
    let is_feed = Arc::new(AtomicBool::new(false));
    pump(Arc::clone(state), near, far_out, Arc::clone(&is_feed), true);
    pump(Arc::clone(state), far, near_out, is_feed, false);
}

/// Carries bytes one way; those that are under way do not hold up those behind them.
fn pump(state: Arc<State>, mut from: TcpStream, to: TcpStream, is_feed: Arc<AtomicBool>, asks: bool) {
    let (sent, arriving) = sync_channel::<(Instant, Vec<u8>)>(4_096);
    let arrives = Arc::clone(&state);
    std::thread::spawn(move || deliver(&arrives, &arriving, to));
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            if asks && bytes.starts_with(b"PRI ") {
                is_feed.store(true, Ordering::SeqCst);
            }
            let loses = state.link() == Link::LosesAnswers && !asks && !is_feed.load(Ordering::SeqCst);
            if loses {
                state.lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if !asks {
                state.carried.fetch_add(length as u64, Ordering::SeqCst);
            }
            let due = Instant::now() + Duration::from_micros(state.one_way_us.load(Ordering::SeqCst));
            if sent.send((due, bytes.to_vec())).is_err() {
                break;
            }
        }
        _ = from.shutdown(Shutdown::Both);
    });
}

fn deliver(state: &State, arriving: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    while let Ok((due, bytes)) = arriving.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        while state.link() == Link::BlackHole && !state.ended.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    _ = to.shutdown(Shutdown::Both);
}
