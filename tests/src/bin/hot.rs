//! Hot requests, again and again, over one connection in memory and on one thread: what an instruction counter is held
//! against (`tests/system/hot.rs`), and what a profiler shows without a network beside it.
//!
//! `hot KIND REQUESTS` with a kind of: record, revalidate, head, list, random.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use stoa_runtime::app::AppFolder;
use stoa_runtime::cache::Counts;
use stoa_runtime::http::{Origins, Place, Service, Tables, converse};
use stoa_sync::Store;
use stoa_sync::store::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::sync::CancellationToken;

const PRODUCTS: usize = 100;
const CACHE_BYTES: u64 = 32_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, requests] = arguments.as_slice() else { return Err("usage: hot KIND REQUESTS".into()) };
    let requests: usize = requests.parse()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(kind, requests))
}

async fn run(kind: &str, requests: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let app = AppFolder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/app"));
    let schema = app.schema().map_err(|error| error.to_string())?.schema;
    let options = Options { folder: folder.path().to_owned(), readers: 1, sweep: false, retention: None };
    let (store, catalog) = Store::open(&options, schema)?;
    let tables = Tables::new(catalog, CACHE_BYTES, Arc::new(Counts::default()));
    let origins = Origins { local_only: true, ..Origins::default() };
    let service = Arc::new(Service::new(store.clone(), tables, origins, folder.path().join("web"), Place::default()));
    let (mine, theirs) = tokio::io::duplex(64 << 10);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(converse(theirs, service, shutdown.clone()));
    let mut connection = Connection { stream: mine, buffer: Vec::new() };
    let etag = connection.fill().await?;
    let asked = match kind {
        "record" => vec![get("GET", "/Product/prod7", "")],
        "revalidate" => vec![get("GET", "/Product/prod7", &format!("If-None-Match: {etag}\r\n"))],
        "head" => vec![get("HEAD", "/Product/prod7", "")],
        "list" => vec![get("GET", "/Product/?categoryId=cat1&inStock=true&limit=20", "")],
        "random" => (0..PRODUCTS).map(|at| get("GET", &format!("/Product/prod{at}"), "")).collect(),
        other => return Err(format!("there is no kind {other:?}").into()),
    };
    // Once for the answer to be kept, once more for what is made at the first hit.
    for request in asked.iter().chain(&asked) {
        connection.ask(request).await?;
    }
    for request in asked.iter().cycle().take(requests) {
        let answer = connection.ask(request).await?;
        if !answer.contains("cache;desc=hit") {
            return Err(format!("this is no hit: {answer}").into());
        }
    }
    shutdown.cancel();
    drop(connection);
    serving.await?;
    store.close().await;
    Ok(())
}

fn get(method: &str, url: &str, headers: &str) -> String {
    format!("{method} {url} HTTP/1.1\r\nHost: localhost:9926\r\n{headers}\r\n")
}

struct Connection {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Stores the products; the tag of one of them.
    async fn fill(&mut self) -> Result<String, Box<dyn Error>> {
        let mut tag = String::new();
        for at in 0..PRODUCTS {
            let body = format!(
                r#"{{"name":"Product {at}","description":"{}","price":{at}.5,"categoryId":"cat{}","inStock":true,"stockQuantity":1000,"imageUrl":"https://img.example/{at}.png","createdAt":"2024-08-05T10:30:00Z"}}"#,
                "x".repeat(100),
                at % 5,
            );
            let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
            let request = get("PUT", &format!("/Product/prod{at}"), &head) + &body;
            let answer = self.ask(&request).await?;
            if at == 7 {
                tag = value(&answer, "etag: ").ok_or("a record without a tag")?.to_owned();
            }
        }
        Ok(tag)
    }

    /// Sends a request; the head of its answer.
    async fn ask(&mut self, request: &str) -> Result<String, Box<dyn Error>> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection has ended".into());
            }
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?;
            let length = value(head, "content-length: ").map_or(Ok(0), str::parse::<usize>)?;
            let bodiless = request.starts_with("HEAD") || head.starts_with("HTTP/1.1 304");
            if bodiless || self.buffer.len() >= end + 4 + length {
                return Ok(head.to_owned());
            }
        }
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name))
}
