//! Regions of one primary, a real sqld, over links that tests make slow, lossy or dead.

mod behind;
mod failures;
mod history;
mod queued;
mod rebuilt;
mod replies;
mod schema;
mod writes;

use std::time::{Duration, Instant};
use stoa_tests::client::{Answer, Client};
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Proxy;
use stoa_tests::server::{Server, Start};

/// One region: its server, and its link to the primary.
struct Region {
    server: Server,
    client: Client,
    link: Proxy,
    app: tempfile::TempDir,
}

impl Region {
    /// A region of a primary at this address, over a link that takes so long each way.
    fn of(address: &str, schema: &str, one_way_ms: u64) -> Self {
        Self::with(address, schema, one_way_ms, &[])
    }

    fn with(address: &str, schema: &str, one_way_ms: u64, arguments: &[&str]) -> Self {
        let app = tempfile::tempdir().unwrap();
        std::fs::write(app.path().join("schema.graphql"), schema).unwrap();
        let link = Proxy::to(address, Duration::from_millis(one_way_ms));
        let server = serve(&app, &link, arguments);
        let client = Client::new(&server.base);
        Self { server, client, link, app }
    }

    /// The same region, stopped and started again.
    fn restarted(self, arguments: &[&str]) -> Self {
        let Self { server, link, app, .. } = self;
        assert!(server.stop().success());
        let server = serve(&app, &link, arguments);
        let client = Client::new(&server.base);
        Self { server, client, link, app }
    }

    /// The same region, killed and started again.
    fn killed(self) -> Self {
        let Self { server, link, app, .. } = self;
        server.kill();
        let server = serve(&app, &link, &[]);
        let client = Client::new(&server.base);
        Self { server, client, link, app }
    }

    fn health(&self) -> serde_json::Value {
        self.client.get("/_stoa/health").body_json()
    }

    /// Waits until an answer is as it should be.
    fn wait(&self, path: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.client.get(path);
            if is_it(&answer) {
                return answer;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{path}: {} {}\n{}",
                answer.status,
                answer.text(),
                self.server.output()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn serve(app: &tempfile::TempDir, link: &Proxy, arguments: &[&str]) -> Server {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Server::start(app.path(), Start { primary: Some(link.url()), arguments, ..Start::default() })
}

/// A primary and two regions of it.
fn two(schema: &str) -> (Primary, Region, Region) {
    let primary = Primary::start();
    let (one, two) = (Region::of(primary.address(), schema, 0), Region::of(primary.address(), schema, 0));
    (primary, one, two)
}

/// A primary and three regions of it, at different distances.
fn three(schema: &str) -> (Primary, [Region; 3]) {
    let primary = Primary::start();
    let regions = [20, 80, 150].map(|one_way| Region::of(primary.address(), schema, one_way));
    (primary, regions)
}

const SHOP: &str = r#"
type Product @table @export { id: ID @primaryKey  name: String @indexed  stock: Int @check(min: 0) }
type Booking @table @export @noOverlap(start: start, end: end, by: [room], name: "one_at_a_time") {
  id: ID @primaryKey  room: String @indexed  start: String  end: String
}
type Order @table @export { id: Int @primaryKey  product: String @indexed  note: String @check(pattern: "^[a-z ]*$") }
type Line @table @export { id: ID @primaryKey  orderId: Int @indexed }
"#;
