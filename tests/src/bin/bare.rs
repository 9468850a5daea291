//! The upper limit of the load figures: hyper and nothing else.
//!
//! `bare --listen 127.0.0.1:PORT [--description BYTES]` answers every GET with one product as Stoa shows it, the same
//! bytes under the same headers, and every GET of `/list…` with twenty of them. It looks nothing up, so what it reaches on
//! a machine is what a server over hyper could reach there; `tests/load` prints Stoa's figures as parts of that.
//! `--description` is the length of the product's text (100), for the loads with larger records.

use std::{convert::Infallible, env, error::Error, net::SocketAddr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, VARY},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const STOA_SEQ: HeaderName = HeaderName::from_static("stoa-seq");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Records in one list, as in the list loads.
const PAGE: usize = 20;

struct Options {
    listen: SocketAddr,
    description_bytes: usize,
}

/// The two bodies. They live as long as the process, so that sending one shares no counter between the threads.
#[derive(Clone, Copy)]
struct Answers {
    record: &'static str,
    list: &'static str,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = options(env::args().skip(1))?;
    let answers = Answers::new(options.description_bytes);
    let listener = TcpListener::bind(options.listen).await?;
    serve(listener, answers).await
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let mut listen = None;
    let mut description_bytes = 100;
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => listen = Some(value.parse()?),
            "--description" => description_bytes = value.parse()?,
            _ => return Err(format!("unknown argument {name}").into()),
        }
    }
    let listen = listen.ok_or("usage: bare --listen ADDRESS:PORT [--description BYTES]")?;
    Ok(Options { listen, description_bytes })
}

impl Answers {
    fn new(description_bytes: usize) -> Self {
        let record = record(description_bytes);
        let list = format!("[{}]", vec![record.as_str(); PAGE].join(","));
        Self { record: record.leak(), list: list.leak() }
    }
}

/// Product 7 of `tests/bench/products.py`, attributes in the order of the schema.
fn record(description_bytes: usize) -> String {
    let description = "x".repeat(description_bytes);
    format!(
        r#"{{"id":"prod00000000007","name":"Product 03943","description":"{description}","price":45.36,"categoryId":"cat7","inStock":true,"stockQuantity":1007,"imageUrl":"https://img.example/7.png","createdAt":"2024-08-05T10:30:00Z"}}"#
    )
}

/// Accepts until accepting fails; the set owns the connections.
async fn serve(listener: TcpListener, answers: Answers) -> Result<(), Box<dyn Error>> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                connections.spawn(converse(stream, answers));
            }
            Some(ended) = connections.join_next() => ended?,
        }
    }
}

async fn converse(stream: TcpStream, answers: Answers) {
    let service = service_fn(move |request| async move { Ok::<_, Infallible>(answer(&request, answers)) });
    let conversation = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = conversation.await {
        eprintln!("{error}");
    }
}

fn answer(request: &Request<Incoming>, answers: Answers) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        let mut refused = Response::new(Full::default());
        *refused.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return refused;
    }
    let body = if request.uri().path().starts_with("/list") { answers.list } else { answers.record };
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    let headers = response.headers_mut();
    headers.reserve(6);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ETAG, HeaderValue::from_static("\"h7k2m9x4q1\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding, Origin, Prefer"));
    headers.insert(STOA_SEQ, HeaderValue::from_static("k7f2-10000"));
    headers.insert(X_REQUEST_ID, HeaderValue::from_static("5f0c2a9be41d7736"));
    response
}
