//! Regions with different schemas.

use super::{Region, SHOP, serve};
use serde_json::json;
use std::process::Command;
use stoa_tests::client::Client;
use stoa_tests::primary::Primary;
use stoa_tests::server::{self, Server, Start};

#[test]
fn a_region_with_an_older_schema_reads_on_and_writes_nothing() {
    let primary = Primary::start();
    let old = Region::of(primary.address(), SHOP, 0);
    old.client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
    let grown = SHOP.replace("stock: Int", "colour: String @indexed  stock: Int");
    let new = Region::of(primary.address(), &grown, 0);
    new.client.json("PATCH", "/Product/p", &json!({"colour": "red"})).expect(200);
    let not_ready = old.wait("/_stoa/ready", |answer| answer.status == 503);
    assert!(not_ready.text().contains("another schema"), "{}", not_ready.text());
    assert_eq!(old.client.get("/Product/p").expect(200).text(), r#"{"id":"p","name":null,"stock":1}"#);
    assert_eq!(old.health()["region"]["schema"], "other");
    old.client.json("PUT", "/Product/p", &json!({"stock": 5})).expect(503);
    assert_eq!(new.client.get("/Product/p").body_json()["colour"], "red");
    // It is deployed there, too.
    let Region { server, link, app, .. } = old;
    assert!(server.stop().success());
    std::fs::write(app.path().join("schema.graphql"), &grown).unwrap();
    let server = serve(&app, &link, &[]);
    let client = Client::new(&server.base);
    client.get("/_stoa/ready").expect(200);
    assert_eq!(client.json("PATCH", "/Product/p", &json!({"stock": 6})).expect(200).body_json()["colour"], "red");
}

#[test]
fn regions_that_start_at_once_make_the_tables_once() {
    let primary = Primary::start();
    let address = primary.address();
    let regions: Vec<Region> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|_| scope.spawn(|| Region::of(address, SHOP, 5))).collect();
        started.into_iter().map(|region| region.join().unwrap()).collect()
    });
    for (at, region) in regions.iter().enumerate() {
        region.client.json("PUT", &format!("/Product/p{at}"), &json!({"stock": at})).expect(201);
    }
    regions[0].wait("/Product/?select=id", |answer| answer.body_json().as_array().unwrap().len() == 4);
}

#[test]
fn what_loses_values_is_done_at_the_primary_when_it_is_meant() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    region.client.json("PUT", "/Product/p", &json!({"name": "Pen", "stock": 1})).expect(201);
    let other = Region::of(primary.address(), SHOP, 0);
    let name = other.health()["log"].clone();
    let Region { server, link, app, .. } = region;
    assert!(server.stop().success());
    let smaller = SHOP.replace("name: String @indexed", "");
    std::fs::write(app.path().join("schema.graphql"), &smaller).unwrap();
    let start = Start { primary: Some(link.url()), ..Start::default() };
    let Err(refused) = Server::try_start(app.path(), start) else { panic!("it started") };
    assert!(refused.contains("--allow-destructive"), "{refused}");
    let migrate = |argument: &str| {
        let mut command = Command::new(server::binary());
        let command = command.arg("migrate").arg(app.path()).args(["--primary", &link.url(), argument]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    assert!(migrate("--plan").contains("all undone"));
    other.client.json("PUT", "/Product/q", &json!({"stock": 1})).expect(201);
    assert!(migrate("--allow-destructive").contains("steps done"));
    let server = serve(&app, &link, &[]);
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Product/p").expect(200).text(), r#"{"id":"p","stock":1}"#);
    // Nobody goes on from a position of the time before, in any region.
    other.wait("/_stoa/health", |answer| answer.body_json()["log"] != name);
    other.client.json("PUT", "/Product/r", &json!({"stock": 1})).expect(503);
}
