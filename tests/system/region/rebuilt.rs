//! A primary that is made anew: of a replica, of an old copy; and one that asks for a token.

use super::{Region, SHOP, serve};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use stoa_tests::live::Follower;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::{Link, Proxy};
use stoa_tests::server::{self, Server, Start};

/// `stoa backup` of a server's data, as the database of a primary that is not started yet.
fn primary_of(data: &Path, folder: &Path) {
    let database = folder.join("dbs/default");
    std::fs::create_dir_all(&database).unwrap();
    let mut backup = Command::new(server::binary());
    let done = backup.args(["backup", "--data"]).arg(data).arg("--out").arg(database.join("data")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_lost_primary_is_made_anew_of_a_replica() {
    let lost = Primary::start();
    let one = Region::of(lost.address(), SHOP, 0);
    let two = Region::of(lost.address(), SHOP, 0);
    let mut last = None;
    for at in 0..20 {
        last = Some(one.client.json("PUT", &format!("/Product/p{at}"), &json!({"stock": at})).expect(201));
    }
    let seq = last.unwrap().header("stoa-seq").unwrap().to_owned();
    two.client.send("GET", "/Product/p19", &[("stoa-seq", &seq)], b"").expect(200);
    let address = lost.address().to_owned();
    drop(lost);
    let folder = tempfile::tempdir().unwrap();
    primary_of(two.server.data(), folder.path());
    let _made = Primary::start_at(folder.path(), Some(&address), &[]);
    for region in [&one, &two] {
        region.wait("/_stoa/health", |answer| answer.body_json()["region"]["rebuilds"] == 1);
        let read = region.client.send("GET", "/Product/p19", &[("stoa-seq", &seq)], b"").expect(200);
        assert_eq!(read.body_json()["stock"], 19);
    }
    let changed = two.client.json("PUT", "/Product/p19", &json!({"stock": 20})).expect(200);
    let seq = changed.header("stoa-seq").unwrap();
    assert_eq!(one.client.send("GET", "/Product/p19", &[("stoa-seq", seq)], b"").body_json()["stock"], 20);
}

#[test]
fn when_the_primary_lost_what_was_read_everybody_is_told() {
    let mut primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    region.client.json("PUT", "/Product/kept", &json!({"stock": 1})).expect(201);
    let folder = tempfile::tempdir().unwrap();
    primary_of(region.server.data(), folder.path());
    let lost = region.client.json("PUT", "/Product/lost", &json!({"stock": 1})).expect(201);
    region.client.get("/Product/lost").expect(200);
    let mut follower = Follower::socket(&region.server, "/Product/");
    follower.until_ready();
    let address = primary.address().to_owned();
    primary.stop();
    let restored = Primary::start_at(folder.path(), Some(&address), &[]);
    region.wait("/_stoa/health", |answer| answer.body_json()["region"]["rebuilds"] == 1);
    region.client.get("/Product/lost").expect(404);
    region.client.get("/Product/kept").expect(200);
    assert_eq!(follower.heard()["type"], "reset");
    follower.until_ready();
    // A token of the time before leads nowhere, here and in a region that never saw it.
    let token = lost.header("stoa-seq").unwrap();
    let name = token.split('-').next().unwrap();
    assert_ne!(region.health()["log"], name);
    let other = Region::of(restored.address(), SHOP, 0);
    assert_eq!(other.health()["log"], region.health()["log"]);
    other.client.send("GET", "/Product/kept", &[("stoa-seq", token)], b"").expect(200);
}

/// `docs/deploy.md`, as it is written there, up to the token.
const MAKE_TOKEN: &str = r#"
openssl genpkey -algorithm ed25519 -out primary.key
openssl pkey -in primary.key -pubout -out primary.pub
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
unsigned=$(printf '{"alg":"EdDSA","typ":"JWT"}' | b64).$(printf '{"a":"rw"}' | b64)
printf %s "$unsigned" > unsigned
token=$unsigned.$(openssl pkeyutl -sign -inkey primary.key -rawin -in unsigned | b64)
"#;

#[test]
fn a_primary_with_a_token_lets_in_who_has_it() {
    let page = std::fs::read_to_string(server::root().join("docs/deploy.md")).unwrap();
    assert!(page.contains(MAKE_TOKEN.trim()), "docs/deploy.md makes a token in another way");
    let folder = tempfile::tempdir().unwrap();
    let script = format!("set -e\n{MAKE_TOKEN}\nprintf %s \"$token\"");
    let made = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = String::from_utf8(made.stdout).unwrap();
    let key = folder.path().join("primary.pub");
    let primary = Primary::start_at(&folder.path().join("data"), None, &["--auth-jwt-key-file", key.to_str().unwrap()]);
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SHOP).unwrap();
    let start = |token: Option<&str>| {
        let environment = token.map(|token| ("STOA_PRIMARY_TOKEN".to_owned(), token.to_owned()));
        let environment = environment.into_iter().collect();
        Server::try_start(app.path(), Start { primary: Some(primary.url()), environment, ..Start::default() })
    };
    for wrong in [None, Some("eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJhIjoicncifQ.AAAA")] {
        let Err(output) = start(wrong) else { panic!("it started with {wrong:?}") };
        assert!(output.contains("the primary cannot be used"), "{output}");
        assert!(!output.contains("eyJ"), "the token is shown: {output}");
    }
    let server = start(Some(&token)).unwrap_or_else(|output| panic!("{output}"));
    let client = stoa_tests::client::Client::new(&server.base);
    client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
    client.get("/Product/p").expect(200);
    assert!(!server.output().contains(&token));
}

#[test]
fn folders_are_not_taken_for_what_they_are_not() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    let Region { server, app, .. } = region;
    assert!(server.stop().success());
    let alone =
        Command::new(server::binary()).args(["serve", "--listen", "127.0.0.1:0"]).arg(app.path()).output().unwrap();
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(!alone.status.success() && said.contains("name its primary with --primary"), "{said}");

    let own = tempfile::tempdir().unwrap();
    std::fs::write(own.path().join("schema.graphql"), SHOP).unwrap();
    assert!(Server::start(own.path(), Start { single: true, ..Start::default() }).stop().success());
    let start = Start { primary: Some(primary.url()), ..Start::default() };
    let Err(said) = Server::try_start(own.path(), start) else { panic!("it started") };
    assert!(said.contains("holds a database of its own"), "{said}");
}

#[test]
fn the_first_start_waits_for_the_primary() {
    let mut primary = Primary::start();
    primary.stop();
    let link = Proxy::to(primary.address(), std::time::Duration::ZERO);
    link.set(Link::Cut);
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SHOP).unwrap();
    std::thread::scope(|scope| {
        let started = scope.spawn(|| serve(&app, &link, &[]));
        primary.start_again();
        link.set(Link::Up);
        let server = started.join().unwrap();
        let client = stoa_tests::client::Client::new(&server.base);
        client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
    });
}
