//! What regions cost and give: writes, live updates and reads over links that take time, a real sqld behind them, all on this
//! machine over loopback. One markdown table; see `tests/bench/README.md`.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement ends on the first surprise")]

use serde_json::json;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stoa_tests::client::Client;
use stoa_tests::live::Follower;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Proxy;
use stoa_tests::server::{Server, Start};

const SCHEMA: &str =
    "type Product @table @export { id: ID @primaryKey name: String @indexed price: Float @indexed stock: Int }";
const USAGE: &str = "regions [--records N | --clients]\n\nN: how many records the first filling has (100000)\n--clients: only many clients that write through one region";

/// A region and its link.
struct Region {
    server: Server,
    client: Client,
    _link: Proxy,
    _app: tempfile::TempDir,
}

impl Region {
    fn of(address: &str, one_way: Duration) -> Self {
        let app = tempfile::tempdir().expect("a folder");
        std::fs::write(app.path().join("schema.graphql"), SCHEMA).expect("a schema");
        let link = Proxy::to(address, one_way);
        let server = Server::start(app.path(), Start { primary: Some(link.url()), ..Start::default() });
        let client = Client::new(&server.base);
        Self { server, client, _link: link, _app: app }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let records = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => 100_000,
        ["--records", number] => number.parse().expect(USAGE),
        ["--clients"] => {
            many(0);
            many(20);
            return ExitCode::SUCCESS;
        }
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    println!("| | measured | asked |\n|---|---:|---:|");
    for one_way in [0, 10, 20, 80] {
        writes(one_way);
    }
    told(20, 80);
    told(20, 150);
    many(0);
    many(20);
    compacting();
    fill(records);
    reads();
    ExitCode::SUCCESS
}

fn row(what: &str, measured: &str, asked: &str) {
    println!("| {what} | {measured} | {asked} |");
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The median and the 99th percentile, in milliseconds.
fn percentiles(mut all: Vec<Duration>) -> (f64, f64) {
    all.sort_unstable();
    (ms(all[all.len() / 2]), ms(all[all.len() * 99 / 100]))
}

fn put(client: &Client, id: &str, stock: usize) -> Duration {
    let began = Instant::now();
    let answer = client.json("PUT", &format!("/Product/{id}"), &json!({"name": "n", "price": 1.5, "stock": stock}));
    assert!(answer.status < 300, "{}", answer.text());
    began.elapsed()
}

fn writes(one_way_ms: u64) {
    let primary = Primary::start();
    let region = Region::of(primary.address(), Duration::from_millis(one_way_ms));
    (0..20).for_each(|at| _ = put(&region.client, "warm", at));
    let (median, worst) = percentiles((0..200).map(|at| put(&region.client, &format!("p{}", at % 50), at)).collect());
    let what = format!("write, one client, RTT {} ms: p50 (p99)", 2 * one_way_ms);
    row(&what, &format!("{median:.1} ms ({worst:.1})"), &format!("≤ {} ms", 2 * one_way_ms + 15));
}

fn told(one_way_a: u64, one_way_b: u64) {
    let primary = Primary::start();
    let a = Region::of(primary.address(), Duration::from_millis(one_way_a));
    let b = Region::of(primary.address(), Duration::from_millis(one_way_b));
    put(&a.client, "p", 0);
    let mut follower = Follower::socket(&b.server, "/Product/");
    follower.until_ready();
    let mut all = Vec::new();
    for at in 1..=60 {
        let began = std::thread::scope(|scope| {
            let began = Instant::now();
            let writing = scope.spawn(|| put(&a.client, "p", at));
            while follower.heard()["value"]["stock"] != at {}
            all.push(began.elapsed());
            _ = writing.join();
            began
        });
        std::thread::sleep(Duration::from_millis(20).saturating_sub(began.elapsed()));
    }
    let (median, worst) = percentiles(all);
    let what = format!("commit in A → message in B, {one_way_a} + {one_way_b} ms one way: p50 (p99)");
    row(&what, &format!("{median:.1} ms ({worst:.1})"), &format!("≤ {} ms", one_way_a + one_way_b + 15));
}

/// Clients that write as fast as they are answered; how many commits there were a second, and their latencies.
fn hammer(client: &Client, clients: usize, time: Duration) -> (f64, Vec<Duration>) {
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let all: Vec<Duration> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..clients)
            .map(|number| {
                let (client, over) = (client.clone(), &over);
                scope.spawn(move || {
                    let mut took = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        took.push(put(&client, &format!("c{number}"), took.len()));
                    }
                    took
                })
            })
            .collect();
        std::thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        running.into_iter().flat_map(|one| one.join().expect("a client")).collect()
    });
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let rate = all.len() as f64 / began.elapsed().as_secs_f64();
    (rate, all)
}

fn many(one_way_ms: u64) {
    let primary = Primary::start();
    let region = Region::of(primary.address(), Duration::from_millis(one_way_ms));
    hammer(&region.client, 64, Duration::from_secs(1));
    let (rate, took) = hammer(&region.client, 64, Duration::from_secs(5));
    let (median, worst) = percentiles(took);
    let what = format!("64 clients through one region, RTT {} ms", 2 * one_way_ms);
    row(&what, &format!("{rate:.0} commits/s, p50 {median:.0} ms (p99 {worst:.0})"), "≥ 1,000/s");
}

fn compacting() {
    let folder = tempfile::tempdir().expect("a folder");
    let primary = Primary::start_at(&folder.path().join("data"), None, &["--max-log-size", "4"]);
    let region = Region::of(primary.address(), Duration::ZERO);
    let (rate, took) = hammer(&region.client, 4, Duration::from_secs(10));
    let longest = took.iter().max().copied().unwrap_or_default();
    let (median, worst) = percentiles(took);
    let what = "writes while sqld compacts its log every 4 MB: p99 (p50, longest)";
    row(what, &format!("{worst:.0} ms ({median:.1}, {:.0}), {rate:.0}/s", ms(longest)), "p99 ≤ 1,000 ms");
}

fn fill(records: usize) {
    let primary = Primary::start();
    let first = Region::of(primary.address(), Duration::ZERO);
    let line =
        |at: usize| format!("{{\"id\":\"product-{at}\",\"name\":\"Product {at}\",\"price\":{at}.5,\"stock\":{at}}}\n");
    let lines: String = (0..records).map(line).collect();
    let began = Instant::now();
    let report = first.client.send("POST", "/Product/", &[("content-type", "application/x-ndjson")], lines.as_bytes());
    assert_eq!(report.body_json()["inserted"], records, "{}", report.text());
    row(
        &format!("import of {records} records through a region"),
        &format!("{:.1} s", began.elapsed().as_secs_f64()),
        "",
    );
    let began = Instant::now();
    let second = Region::of(primary.address(), Duration::from_millis(20));
    second.client.get("/Product/product-1").expect(200);
    row(
        &format!("first filling, {records} records, RTT 40 ms, to the first answer"),
        &format!("{:.2} s", began.elapsed().as_secs_f64()),
        "≤ 15 s",
    );
}

/// Requests per second that wrk counts.
fn wrk(base: &str, path: &str) -> f64 {
    let run = Command::new("wrk").args(["-t1", "-c32", "-d3", &format!("{base}{path}")]).output().expect("wrk");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("Requests/sec:")).unwrap_or_else(|| panic!("{said}"));
    line.trim().parse().expect("a number")
}

fn reads() {
    if Command::new("wrk").arg("-v").output().is_err() {
        return row("reads in a region : single node", "needs wrk", "≥ 0.95");
    }
    let primary = Primary::start();
    let region = Region::of(primary.address(), Duration::from_millis(20));
    let app = tempfile::tempdir().expect("a folder");
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).expect("a schema");
    let single = Server::start(app.path(), Start { single: true, ..Start::default() });
    let local = Client::new(&single.base);
    for at in 0..500 {
        put(&local, &format!("p{at}"), at);
    }
    let body: Vec<_> =
        (0..500).map(|at| json!({"id": format!("p{at}"), "name": "n", "price": 1.5, "stock": at})).collect();
    region.client.json("PUT", "/Product/", &json!(body)).expect(200);
    for (what, path) in [("a record", "/Product/p7"), ("20 of a list", "/Product/?name=n&limit=20&sort=price")] {
        let (mut here, mut there) = (0.0, 0.0);
        for _ in 0..3 {
            there += wrk(&region.server.base, path) / 3.0;
            here += wrk(&single.base, path) / 3.0;
        }
        row(
            &format!("reads of {what}, region : single node"),
            &format!("{there:.0} : {here:.0} /s = {:.2}", there / here),
            "≥ 0.95",
        );
    }
}
