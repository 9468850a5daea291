//! Visitors who come whether or not those before them were served, beside others who ask for much.
//!
//! A request is measured from the time when it was due. Were it measured from when it was sent, a server that stands still
//! would be asked less, and so look fast (coordinated omission).

use crate::arguments::OpenOptions;
use crate::catalogue;
use crate::connection::{self, Connection};
use crate::tally::{Errors, Latencies, Ms, Span, all_ended};
use std::cell::RefCell;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use stoa_tests::dice::Dice;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// What a scan is to take when nothing else runs.
const SCAN: Duration = Duration::from_millis(300);

/// Conditions of the query that is timed first.
const TRIED_CONDITIONS: u32 = 8;

/// A query may have 100.
const MOST_CONDITIONS: f64 = 90.0;

/// A request, and when it is to be sent.
struct Due {
    at: Instant,
    record: usize,
}

struct Shop {
    address: SocketAddr,
    span: Span,
    reads: RefCell<Latencies>,
    scans: RefCell<Latencies>,
    rows: RefCell<usize>,
    errors: RefCell<Errors>,
}

/// A query without an index that no answer to an earlier one helps with.
struct Scan {
    conditions: u32,
    /// How many were made.
    number: u32,
}

/// Prints what was measured; returns the number of errors.
pub(crate) async fn run(options: OpenOptions) -> Result<u64> {
    let visit = options.visit;
    let calibrated = if options.scan { Some(Scan::calibrated(visit.address).await?) } else { None };
    let alone = calibrated.as_ref().map(|(scan, alone)| (scan.conditions, alone.as_secs_f64() * 1e3));
    let mut connections = Vec::new();
    for _ in 0..visit.connections {
        connections.push(Connection::open(visit.address).await?);
    }
    let shop = Rc::new(Shop {
        address: visit.address,
        span: Span::from_now(visit.warm_up, visit.measured),
        reads: RefCell::default(),
        scans: RefCell::default(),
        rows: RefCell::default(),
        errors: RefCell::default(),
    });
    let (pace, due) = paced(options, visit.warm_up + visit.measured);
    let due = Rc::new(Mutex::new(due));
    let mut visits = JoinSet::new();
    for connection in connections {
        visits.spawn_local(read(Rc::clone(&shop), connection, Rc::clone(&due)));
    }
    drop(due);
    if let Some((scan, _)) = calibrated {
        visits.spawn_local(search(Rc::clone(&shop), scan));
    }
    if options.rows_per_second > 0 {
        visits.spawn_local(write(Rc::clone(&shop), options.rows_per_second, visit.records));
    }
    all_ended(visits, shop.span, &shop.errors).await;
    if pace.join().is_err() {
        return Err(Error::other("the clock of the requests has failed"));
    }
    Ok(shop.report(options, alone))
}

/// Says when requests are due. A thread of its own, because timers of the runtime are a millisecond late.
fn paced(options: OpenOptions, lasts: Duration) -> (std::thread::JoinHandle<()>, mpsc::Receiver<Due>) {
    let (rate, records) = (f64::from(options.rate), options.visit.records);
    let count = (lasts.as_secs_f64() * rate) as usize;
    let (send, due) = mpsc::channel(count.max(1));
    let began = Instant::now();
    let thread = std::thread::spawn(move || {
        let mut dice = Dice::new(1);
        for number in 0..count {
            let at = began + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            // Fails when every connection is broken, which is told already.
            if send.blocking_send(Due { at, record: dice.below(records) }).is_err() {
                return;
            }
        }
    });
    (thread, due)
}

/// Takes what is due next, whenever this connection is free.
async fn read(shop: Rc<Shop>, mut connection: Connection, due: Rc<Mutex<mpsc::Receiver<Due>>>) -> Result<()> {
    loop {
        let next = due.lock().await.recv().await;
        let Some(Due { at, record }) = next else { return Ok(()) };
        let path = catalogue::product(record);
        let answer = connection.exchange(connection::get(shop.address, &path, None).as_bytes()).await?;
        if answer.status != 200 {
            shop.errors.borrow_mut().add(format_args!("GET {path} is answered with {}", answer.status));
        } else if shop.span.counts(at) {
            shop.reads.borrow_mut().add(at.elapsed());
        }
    }
}

async fn search(shop: Rc<Shop>, mut scan: Scan) -> Result<()> {
    let mut connection = Connection::open(shop.address).await?;
    while !shop.span.is_over() {
        let began = Instant::now();
        let took = scan.run(&mut connection, shop.address).await?;
        if shop.span.counts(began) {
            shop.scans.borrow_mut().add(took);
        }
    }
    Ok(())
}

async fn write(shop: Rc<Shop>, rows_per_second: u32, records: usize) -> Result<()> {
    let mut connection = Connection::open(shop.address).await?;
    let mut clock = tokio::time::interval(Duration::from_secs(1) / rows_per_second);
    // What one slow commit held up is made up for.
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut dice = Dice::new(2);
    while !shop.span.is_over() {
        clock.tick().await;
        let json = format!(
            r#"{{"productId":"prod{:011}","sessionId":"s{}","quantity":1,"addedAt":"2024-08-05T10:30:00Z"}}"#,
            dice.below(records),
            dice.below(500)
        );
        let began = Instant::now();
        let request = connection::send("POST", shop.address, "/CartItem/", &json);
        let answer = connection.exchange(request.as_bytes()).await?;
        if answer.status != 201 {
            shop.errors.borrow_mut().add(format_args!("POST /CartItem/ is answered with {}", answer.status));
        } else if shop.span.counts(began) {
            *shop.rows.borrow_mut() += 1;
        }
    }
    Ok(())
}

impl Scan {
    /// One with as many conditions as it needs to take long enough here, and what it takes.
    async fn calibrated(address: SocketAddr) -> Result<(Self, Duration)> {
        let mut connection = Connection::open(address).await?;
        let mut scan = Self { conditions: TRIED_CONDITIONS, number: 0 };
        let took = scan.fastest(&mut connection, address).await?;
        let wanted = f64::from(TRIED_CONDITIONS) * SCAN.as_secs_f64() / took.as_secs_f64();
        scan.conditions = wanted.round().clamp(1.0, MOST_CONDITIONS) as u32;
        let alone = scan.fastest(&mut connection, address).await?;
        Ok((scan, alone))
    }

    /// The fastest of a few: whoever else uses the machine can only add to it.
    async fn fastest(&mut self, connection: &mut Connection, address: SocketAddr) -> Result<Duration> {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            fastest = fastest.min(self.run(connection, address).await?);
        }
        Ok(fastest)
    }

    async fn run(&mut self, connection: &mut Connection, address: SocketAddr) -> Result<Duration> {
        let path = self.next();
        let began = Instant::now();
        let status = connection.exchange(connection::get(address, &path, None).as_bytes()).await?.status;
        if status == 200 { Ok(began.elapsed()) } else { Err(Error::other(format!("{path} is answered with {status}"))) }
    }

    /// Texts that no product has, other ones each time.
    fn next(&mut self) -> String {
        self.number += 1;
        let condition = |text| format!("description=ct=zzz-{}-{text}", self.number);
        format!("/Product/?({})", (0..self.conditions).map(condition).collect::<Vec<_>>().join("|"))
    }
}

impl Shop {
    fn report(&self, options: OpenOptions, scan_alone: Option<(u32, f64)>) -> u64 {
        let (mut reads, scans, rows) = (self.reads.borrow_mut(), self.scans.borrow(), self.rows.borrow());
        let due = (self.span.seconds() * f64::from(options.rate)) as usize;
        let mut errors = self.errors.borrow_mut();
        // One at either edge may count or not.
        if reads.count() + 2 < due && errors.count() == 0 {
            errors.add(format_args!("{} of {due} requests were answered", reads.count()));
        }
        let (p50, p99, max): (Ms, Ms, Ms) = (reads.percentile(500), reads.percentile(990), reads.percentile(1_000));
        let alone = scan_alone
            .map(|(conditions, ms)| format!(" ({ms:.0} ms alone, {conditions} conditions)"))
            .unwrap_or_default();
        println!(
            "open: rate {:.0} /s; p50 {p50}; p99 {p99}; max {max}; scan {}{alone}; rows {:.0} /s; errors {}",
            reads.count() as f64 / self.span.seconds(),
            scans.mean(),
            *rows as f64 / self.span.seconds(),
            errors.count(),
        );
        errors.count()
    }
}
