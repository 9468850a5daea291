//! Answers of the primary that get lost: what was written is neither lost nor done twice, and whoever asked is told what
//! happened.

use super::{Region, SHOP};
use serde_json::json;
use std::time::Duration;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Link;

/// Asks while answers get lost, until some are; then lets them arrive.
fn while_answers_get_lost<T: Send>(region: &Region, ask: impl FnOnce() -> T + Send) -> T {
    let before = region.link.lost();
    region.link.set(Link::LosesAnswers);
    std::thread::scope(|scope| {
        let asked = scope.spawn(ask);
        while region.link.lost() < before + 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        region.link.set(Link::Up);
        asked.join().unwrap()
    })
}

#[test]
fn a_write_whose_answer_is_lost_happens_once_and_is_told() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    region.client.json("PUT", "/Product/p", &json!({"name": "Pen", "stock": 100})).expect(201);
    let take = json!({"stock": {"__op__": "add", "value": -1}});
    let taken = while_answers_get_lost(&region, || region.client.json("PATCH", "/Product/p", &take)).expect(200);
    assert_eq!(taken.text(), r#"{"id":"p","name":"Pen","stock":99}"#);
    let read = region.client.get("/Product/p").expect(200);
    assert_eq!((read.text(), read.header("etag")), (taken.text(), taken.header("etag")));

    let made = json!([{"id": "a", "stock": 1}, {"id": "b", "stock": 2}]);
    let made = while_answers_get_lost(&region, || region.client.json("POST", "/Product/", &made)).expect(201);
    assert_eq!(made.text(), r#"[{"id":"a","name":null,"stock":1},{"id":"b","name":null,"stock":2}]"#);
    let order = json!({"product": "p"});
    let order = while_answers_get_lost(&region, || region.client.json("POST", "/Order/", &order)).expect(201);
    assert_eq!(order.header("location"), Some("/Order/1"));
    let gone = while_answers_get_lost(&region, || region.client.delete("/Product/?id=in=(a,b)")).expect(200);
    assert_eq!(gone.body_json()["deleted"], 2);
    let gone = while_answers_get_lost(&region, || region.client.delete("/Product/p"));
    gone.expect(204);
    let refused = json!({"id": "c", "stock": -1});
    while_answers_get_lost(&region, || region.client.json("POST", "/Product/", &refused)).expect(422);
    assert_eq!(region.client.get("/Product/").text(), "[]");
}

#[test]
fn a_key_replays_what_its_request_did_in_any_region() {
    let primary = Primary::start();
    let (one, two) = (Region::of(primary.address(), SHOP, 0), Region::of(primary.address(), SHOP, 0));
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let body = br#"{"id":"p","name":"Pen","stock":5}"#;
    let made = while_answers_get_lost(&one, || one.client.send("POST", "/Product/", &headers, body)).expect(201);
    assert_eq!(made.header("idempotent-replayed"), None);
    for region in [&one, &two] {
        let again = region.client.send("POST", "/Product/", &headers, body).expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!((again.text(), again.header("etag")), (made.text(), made.header("etag")));
        region.client.send("POST", "/Product/", &headers, br#"{"id":"q"}"#).expect(422);
    }
    let headers = [("content-type", "application/json"), ("idempotency-key", "many")];
    let patch = br#"{"stock":{"__op__":"add","value":1}}"#;
    for replayed in [None, Some("true")] {
        let changed = two.client.send("PATCH", "/Product/?stock=gt=0", &headers, patch).expect(200);
        assert_eq!((changed.body_json(), changed.header("idempotent-replayed")), (json!({"updated": 1}), replayed));
    }
    assert_eq!(two.client.get("/Product/p").body_json()["stock"], 6);
}
