//! From a request to its answer, in one fixed order: who asks, what for, which method, then the work.

use super::body::AnswerBody;
use super::commit;
use super::encode;
use super::files;
use super::headers::{self, REPLICA_AGE, REQUEST_ID, STOA_SEQ};
use super::kept::{self, Present};
use super::live;
use super::metrics::{self, Requests};
use super::origin::Origins;
use super::pages::{self, Document};
use super::problem::Problem;
use super::queued::{self, Queueing};
use super::read::{self, Reading};
use super::request_body;
use super::respond::{self, Answer, Position, Template, header};
use super::route::{Target, nothing_here, route};
use super::write::Writing;
use crate::cache::{Cache, Counts};
use crate::data::format::Renderer;
use crate::data::record::Records;
use crate::data::write::Intent;
use crate::limits;
use crate::live::Hub;
use arc_swap::ArcSwap;
use futures_util::future::{Either, Ready, ready};
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CONNECTION, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request};
use hyper::body::{Body as _, Incoming};
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use stoa_schema::model::TableId;
use stoa_schema::query::RecordQuery;
use stoa_sync::{Catalog, Store};

/// What is served now: a schema with all that is made from it once. `dev` puts another in its place.
#[derive(Debug)]
pub struct Tables {
    /// The schema and its statements.
    pub catalog: Arc<Catalog>,
    pub(super) records: Records,
    /// The answers that are kept.
    pub(super) cache: Arc<Cache>,
    cache_control: Vec<HeaderValue>,
    /// What answers out of the cache begin with, for each table.
    templates: Vec<Template>,
    /// Whether answers may be kept, for each table.
    keeps: Vec<bool>,
    document: Document,
}

impl Tables {
    /// Everything that a catalog needs to be served; its answers are kept in so many bytes, and counted.
    pub fn new(catalog: Arc<Catalog>, cache_bytes: u64, counts: Arc<Counts>) -> Self {
        Self::of(Arc::new(Renderer::new(catalog)), cache_bytes, counts)
    }

    fn of(renderer: Arc<Renderer>, cache_bytes: u64, counts: Arc<Counts>) -> Self {
        let catalog = Arc::clone(renderer.catalog());
        let tables = || catalog.schema.tables.iter();
        let cache_control = tables().map(|table| header(table.cache_control.as_deref().unwrap_or("no-cache")));
        let cache_control: Vec<HeaderValue> = cache_control.collect();
        // RFC 9111 §5.2.2.5: no cache may keep these.
        let no_store = |text: &str| text.split(',').any(|it| it.trim().eq_ignore_ascii_case("no-store"));
        Self {
            templates: cache_control.iter().map(Template::new).collect(),
            cache_control,
            keeps: tables().map(|table| !table.cache_control.as_deref().is_some_and(no_store)).collect(),
            document: Document::new(&catalog),
            cache: Cache::new(Arc::clone(&renderer), cache_bytes, counts),
            records: Records::new(renderer),
            catalog,
        }
    }

    /// The same of another catalog.
    fn with_catalog(&self, catalog: Arc<Catalog>) -> Self {
        Self::new(catalog, self.cache.capacity(), Arc::clone(self.cache.counts()))
    }

    /// The same with nothing kept.
    fn emptied(&self) -> Self {
        Self::of(Arc::clone(self.records.renderer()), self.cache.capacity(), Arc::clone(self.cache.counts()))
    }

    /// Whether answers that show this table's records may be kept.
    pub(super) fn keeps(&self, table: TableId) -> bool {
        self.keeps[table.0]
    }

    pub(super) fn template(&self, table: TableId) -> &Template {
        &self.templates[table.0]
    }

    pub(super) fn cache_control(&self, table: TableId) -> &HeaderValue {
        &self.cache_control[table.0]
    }
}

/// An answer, there or on its way.
pub(super) type Answering =
    Either<Ready<Result<Answer, Infallible>>, Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>>;

/// Where a server stands among others of the same app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What its region is called.
    pub name: Option<String>,
    /// How old what it reads may be for it to count as ready.
    pub oldest: Duration,
}

/// The server's side of every connection.
pub struct Service {
    pub(super) store: Store,
    place: Place,
    tables: Arc<ArcSwap<Tables>>,
    live: Arc<Hub>,
    origins: Origins,
    /// The folder of the app's own files.
    web: PathBuf,
    /// First half of the ids given to requests: tells one run of the server from another.
    run: u32,
    requests: AtomicU64,
    answered: Requests,
    queueing: Queueing,
}

impl Service {
    /// A service of these tables, and of the files in the folder `web`.
    pub fn new(store: Store, tables: Tables, origins: Origins, web: PathBuf, place: Place) -> Self {
        let run = xxhash_rust::xxh3::xxh3_64(uuid::Uuid::now_v7().as_bytes()) as u32;
        let live = Hub::new(store.clone(), Arc::clone(tables.records.renderer()));
        let tables = Arc::new(ArcSwap::from_pointee(tables));
        let served = Arc::clone(&tables);
        store.set_witness(Box::new(move |seen| served.load().cache.witness(seen)));
        Self {
            store,
            place,
            tables,
            live,
            origins,
            web,
            run,
            requests: AtomicU64::new(0),
            answered: Requests::new(),
            queueing: Queueing::new(),
        }
    }

    /// Serves other tables from now on, with nothing kept of the answers before; requests under way end with those they
    /// began with, and what is followed ends.
    pub async fn replace_catalog(&self, catalog: Arc<Catalog>) {
        let tables = self.tables().with_catalog(catalog);
        let renderer = Arc::clone(tables.records.renderer());
        // Before the other tables are served: from then on their cache alone sees what is committed.
        self.tables().cache.close();
        self.tables.store(Arc::new(tables));
        self.live.replace(renderer).await;
    }

    /// The history of the database is another one: nothing is kept of the answers before, and who follows begins anew.
    pub(super) async fn begin_anew(&self) {
        self.tables().cache.close();
        self.tables.store(Arc::new(self.tables().emptied()));
        self.live.begin_anew().await;
    }

    /// What is served now.
    pub(super) fn tables(&self) -> Arc<Tables> {
        self.tables.load_full()
    }

    /// What is counted of requests.
    pub(super) fn requests(&self) -> &Requests {
        &self.answered
    }

    /// Requests that wait for the primary.
    pub(super) fn queueing(&self) -> &Queueing {
        &self.queueing
    }

    /// Live updates.
    pub fn live(&self) -> &Arc<Hub> {
        &self.live
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether the one who asks is the one who writes the app.
    pub(super) fn advises(&self) -> bool {
        self.origins.loopback
    }

    /// Answers a request: at once if the answer is kept, otherwise in a future that has room for all that may take.
    pub(super) fn call(self: &Arc<Self>, request: Request<Incoming>) -> Answering {
        let began = Instant::now();
        if let Some(mut answer) = self.at_once(&request) {
            self.tell_age(&mut answer);
            self.answered.count(request.method(), answer.status(), began.elapsed());
            return Either::Left(ready(Ok(answer)));
        }
        Either::Right(Box::pin(Arc::clone(self).work(request, began)))
    }

    /// The answer to a plain reading, if it is kept.
    fn at_once(&self, request: &Request<Incoming>) -> Option<Answer> {
        let headers = request.headers();
        let present = Present::of(headers);
        if present.foreign || !request.body().is_end_stream() {
            return None;
        }
        self.origins.check_host(request.version(), request.uri(), headers).ok()?;
        let mut answer = kept::at_once(self, request.method(), request.uri(), headers, present)?;
        let id = if present.named { self.request_id(headers) } else { self.next_id() };
        tracing::debug!(id = ?id, method = %request.method(), uri = %request.uri(), status = answer.status().as_u16());
        respond::name_request(&mut answer, id);
        Some(answer)
    }

    async fn work(self: Arc<Self>, request: Request<Incoming>, began: Instant) -> Result<Answer, Infallible> {
        let (parts, mut body) = request.into_parts();
        let id = self.request_id(&parts.headers);
        let mut answer = match self.origins.check(parts.version, &parts.uri, &parts.headers) {
            Ok(None) if queued::wants(&self, &parts) => match queued::answer(&self, &parts, &mut body).await {
                Ok(answer) => answer,
                Err(problem) => problem.response(),
            },
            Ok(None) => self.answer(&parts, &mut body).await,
            Ok(Some(origin)) => self.cross_origin(&parts, &mut body, origin).await,
            Err(problem) => problem.response(),
        };
        tracing::debug!(id = ?id, method = %parts.method, uri = %parts.uri, status = answer.status().as_u16());
        if parts.method == Method::HEAD
            && let AnswerBody::Streamed(_) = answer.body()
        {
            *answer.body_mut() = AnswerBody::EMPTY;
        }
        let mut answer = encode::finish(&parts.headers, answer).await;
        answer.headers_mut().insert(VARY, respond::VARIES);
        if !request_body::rest_is_read(&parts.headers, &mut body).await {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer.headers_mut().insert(REQUEST_ID, id);
        self.tell_age(&mut answer);
        self.answered.count(&parts.method, answer.status(), began.elapsed());
        Ok(answer)
    }

    /// Says of data in a region how old it may be, where that is not known to be all there is.
    fn tell_age(&self, answer: &mut Answer) {
        if let Some(age) = self.store.age()
            && answer.headers().contains_key(STOA_SEQ)
        {
            answer.headers_mut().insert(REPLICA_AGE, HeaderValue::from(age.as_secs()));
        }
    }

    async fn cross_origin(self: &Arc<Self>, parts: &Parts, body: &mut Incoming, origin: HeaderValue) -> Answer {
        let preflight = parts.method == Method::OPTIONS && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let mut answer = self.answer(parts, body).await;
        respond::allow_origin(answer.headers_mut(), origin, preflight.then_some(&parts.headers));
        answer
    }

    async fn answer(self: &Arc<Self>, parts: &Parts, body: &mut Incoming) -> Answer {
        let tables = self.tables.load_full();
        match self.routed(&tables, parts, body).await {
            Ok(answer) => answer,
            Err(problem) => problem.response(),
        }
    }

    async fn routed(
        self: &Arc<Self>,
        tables: &Tables,
        parts: &Parts,
        body: &mut Incoming,
    ) -> Result<Answer, Box<Problem>> {
        let present = Present::of(&parts.headers);
        let question = kept::question(&parts.method, &parts.uri, &parts.headers, present);
        if let Some(question) = &question
            && let Some(answer) = kept::find(self, tables, &parts.headers, question).await?
        {
            return Ok(answer);
        }
        let target = route(tables, &parts.method, &parts.uri)?;
        if let Some(way) = live::way(parts)?
            && let Some(answer) = live::follow(self, tables, parts, &target, way).await?
        {
            return Ok(answer);
        }
        let reading = matches!(parts.method, Method::GET | Method::HEAD);
        let asked = question.map(|question| question.asked);
        let read = |table| Reading { service: self, tables, parts, table, asked };
        match target {
            Target::Description(table) => read(table).description().await,
            Target::Collection { table, format, query } if reading => read(table).collection(format, query).await,
            Target::Record { table, id, attribute, format, query } if reading => {
                read(table).record(id, read::Wanted { attribute, format, query }).await
            }
            Target::Collection { table, query, .. } => {
                let writing = || Writing::new(self, tables, parts, table);
                match parts.method {
                    Method::POST => writing()?.collection(body, query, Intent::Insert).await,
                    Method::PUT => writing()?.collection(body, query, Intent::Put).await,
                    Method::PATCH | Method::DELETE => writing()?.matching(body, query).await,
                    Method::OPTIONS => Ok(respond::options(COLLECTION, true)),
                    _ => Err(Problem::method(COLLECTION)),
                }
            }
            Target::Record { table, id, query, .. } => {
                let writing = || Writing::new(self, tables, parts, table);
                match parts.method {
                    Method::PUT | Method::PATCH | Method::DELETE => writing()?.record(body, id, query).await,
                    Method::OPTIONS => Ok(respond::options(RECORD, true)),
                    _ => Err(not_for_a_record(tables, table, &parts.method, query)),
                }
            }
            Target::Commit { query } => match parts.method {
                Method::POST => commit::answer(self, tables, parts, query, body).await,
                Method::OPTIONS => Ok(respond::options(COMMIT, false)),
                _ => Err(Problem::method(COMMIT)),
            },
            Target::Live => match parts.method {
                Method::GET => Err(Problem::upgrade("many subscriptions go over one WebSocket: open one here")),
                Method::OPTIONS => Ok(respond::options(LIVE, false)),
                _ => Err(Problem::method(LIVE)),
            },
            Target::Queued(id) if reading => queued::result(self, parts, id).await,
            Target::Queued(_)
            | Target::OpenApi
            | Target::Docs(_)
            | Target::LiveModule(_)
            | Target::Health
            | Target::Ready
            | Target::Metrics
            | Target::ProblemPage(_) => match parts.method {
                Method::OPTIONS => Ok(respond::options(PAGE, false)),
                _ if !reading => Err(Problem::method(PAGE)),
                _ => self.page(tables, &target, &parts.headers),
            },
            Target::Elsewhere => self.file(tables, parts).await,
        }
    }

    /// A file of the app, if there is one at this path.
    async fn file(&self, tables: &Tables, parts: &Parts) -> Result<Answer, Box<Problem>> {
        let path = parts.uri.path();
        let found = files::find(&self.web, path).await?.ok_or_else(|| nothing_here(tables, path))?;
        match parts.method {
            Method::GET | Method::HEAD => found.answer(path, parts.uri.query(), &parts.headers),
            Method::OPTIONS => Ok(respond::options(PAGE, false)),
            _ => Err(Problem::method(PAGE)),
        }
    }

    fn page(&self, tables: &Tables, target: &Target<'_>, headers: &HeaderMap) -> Result<Answer, Box<Problem>> {
        match target {
            Target::OpenApi => pages::openapi(&tables.document, headers),
            Target::Docs(file) => pages::docs(*file, headers),
            Target::LiveModule(file) => pages::live_module(file, headers),
            Target::ProblemPage(name) => pages::problem(name, headers),
            Target::Metrics => Ok(metrics::answer(self)),
            Target::Ready => self.ready(),
            _ => Ok(respond::json(&self.health())),
        }
    }

    /// Whether requests should come here: a region, whether what it reads is not too old and of the schema that it serves.
    fn ready(&self) -> Result<Answer, Box<Problem>> {
        if let Some(region) = self.store.health() {
            let age = region.age.as_secs();
            if region.age > self.place.oldest {
                let detail = format!("what is read here is {age} s old: the primary is away");
                return Err(Problem::unavailable(detail).with("ageSeconds", age));
            }
            if !region.shape_is_known {
                let detail = "the primary has the tables of another schema: reads go on, writes do not";
                return Err(Problem::unavailable(detail));
            }
        }
        Ok(respond::json(&self.health()))
    }

    fn health(&self) -> serde_json::Value {
        let mut health = serde_json::json!({
            "status": "ok",
            "role": "single",
            "version": env!("CARGO_PKG_VERSION"),
            "log": self.store.log().as_str(),
            "position": self.store.position(),
            "tzdata": stoa_schema::time::tzdata_version(),
        });
        if let Some(region) = self.store.health() {
            health["role"] = "region".into();
            health["region"] = serde_json::json!({
                "name": self.place.name,
                "primary": region.primary,
                "reachable": region.reachable,
                "ageMs": u64::try_from(region.age.as_millis()).unwrap_or(u64::MAX),
                "behind": region.behind,
                "frame": region.frame,
                "rebuilds": region.rebuilds,
                "schema": if region.shape_is_known { "current" } else { "other" },
            });
        }
        health
    }

    /// What is served now, as long as it is looked at.
    pub(super) fn served(&self) -> arc_swap::Guard<Arc<Tables>> {
        self.tables.load()
    }

    /// Whether the position that the request asks for is reached; not, if it asks for none that there is.
    pub(super) fn is_reached(&self, headers: &HeaderMap) -> bool {
        match headers::asked_position(headers, &self.store.log()) {
            Ok(asked) => asked.is_none_or(|asked| self.store.position() >= asked),
            Err(_) => false,
        }
    }

    /// The position that every reading from now on includes.
    pub(super) fn position_now(&self) -> Position {
        Position::new(&self.store.log(), self.store.position())
    }

    /// Waits for the position that the request asks for.
    pub(super) async fn reach(&self, headers: &HeaderMap) -> Result<(), Box<Problem>> {
        match headers::asked_position(headers, &self.store.log())? {
            Some(asked) => self.wait_for(asked).await,
            None => Ok(()),
        }
    }

    /// The position that an answer to this request includes, once it includes the one that the request asks for.
    pub(super) async fn position(&self, headers: &HeaderMap) -> Result<Position, Box<Problem>> {
        self.reach(headers).await?;
        Ok(self.position_now())
    }

    async fn wait_for(&self, asked: u64) -> Result<(), Box<Problem>> {
        if self.store.position() >= asked {
            return Ok(());
        }
        let mut positions = self.store.positions();
        let reached = positions.wait_for(|position| *position >= asked);
        let waited = tokio::time::timeout(limits::POSITION_WAIT, reached).await;
        waited
            .map(|_| ())
            .map_err(|_| Problem::unavailable("this server has not seen the position that Stoa-Seq names"))
    }

    /// The id that the client gave, if it is a plain word; otherwise a new one.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        let plain = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=limits::REQUEST_ID_CHARS).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        if let Some(given) = headers.get(REQUEST_ID).filter(plain) {
            return given.clone();
        }
        self.next_id()
    }

    fn next_id(&self) -> HeaderValue {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        respond::hexadecimal(self.run, u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default())
    }
}

const COLLECTION: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
pub(super) const RECORD: &str = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";
const COMMIT: &str = "POST, OPTIONS";
const LIVE: &str = "GET, OPTIONS";
const PAGE: &str = "GET, HEAD, OPTIONS";

/// A query that cannot be read is told before a method that is not known.
fn not_for_a_record(tables: &Tables, table: TableId, method: &Method, query: &str) -> Box<Problem> {
    let problem = match RecordQuery::parse(&tables.catalog.schema, table, query) {
        Err(error) => error.into(),
        Ok(_) => Problem::method(RECORD),
    };
    if *method != Method::POST {
        return problem;
    }
    let export = tables.catalog.table(table).export.as_deref().unwrap_or_default();
    problem.hint(&format!("POST goes to /{export}/: what follows is read as an id, a suffix like .ndjson too"))
}
