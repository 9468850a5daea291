//! What is written in one region, seen there and in others.

use super::{Region, SHOP, three, two};
use serde_json::json;
use stoa_tests::at_once::at_once;
use stoa_tests::client::Client;
use stoa_tests::dice::count;
use stoa_tests::primary::Primary;

#[test]
fn a_write_is_read_where_it_was_made_and_elsewhere() {
    let (_primary, one, two) = two(SHOP);
    let made = one.client.json("PUT", "/Product/a", &json!({"name": "Ant", "stock": 3})).expect(201);
    assert_eq!(made.text(), r#"{"id":"a","name":"Ant","stock":3}"#);
    let read = one.client.get("/Product/a").expect(200);
    assert_eq!((read.text(), read.header("etag")), (made.text(), made.header("etag")));
    // The other region has it when it has seen the position.
    let seq = made.header("stoa-seq").unwrap();
    let there = two.client.send("GET", "/Product/a", &[("stoa-seq", seq)], b"").expect(200);
    assert_eq!((there.text(), there.header("etag")), (made.text(), made.header("etag")));
    // A tag of one region holds in the other.
    let tag = there.header("etag").unwrap();
    let patch = br#"{"stock":{"__op__":"add","value":-1}}"#;
    let headers = [("if-match", tag), ("content-type", "application/json")];
    let changed = two.client.send("PATCH", "/Product/a", &headers, patch).expect(200);
    assert_eq!(changed.body_json()["stock"], 2);
    let refused = one.client.send("PATCH", "/Product/a", &headers, patch).expect(412);
    assert_eq!(refused.header("etag"), changed.header("etag"));
    one.client.delete("/Product/a").expect(204);
    one.client.delete("/Product/a").expect(404);
    assert_eq!(one.health()["role"], "region");
}

#[test]
fn one_of_many_books_the_slot() {
    let (_primary, regions) = three(SHOP);
    let clients: Vec<Client> = (0..50).map(|at| regions[at % 3].client.clone()).collect();
    let slot = json!({"room": "r", "start": "2024-08-15T14:00:00Z", "end": "2024-08-15T15:00:00Z"});
    let answers = at_once(clients.len(), |at| clients[at].json("POST", "/Booking/", &slot));
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 1);
    let id = &won[0].body_json()["id"];
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problem = answer.clone().expect(409).body_json();
        assert_eq!(
            (&problem["type"], &problem["constraint"]),
            (&json!("/_stoa/problems/overlap"), &json!("one_at_a_time"))
        );
        assert_eq!(&problem["conflicts"][0]["id"], id);
    }
}

#[test]
fn stock_is_never_sold_twice() {
    let (_primary, regions) = three(SHOP);
    let [one, _, far] = &regions;
    one.client.json("PUT", "/Product/p", &json!({"stock": 30})).expect(201);
    let take = json!({"stock": {"__op__": "add", "value": -1}});
    let answers = at_once(64, |at| regions[at % 3].client.json("PATCH", "/Product/p", &take));
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(sold, 30);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let problem = answer.clone().expect(409).body_json();
        assert_eq!((&problem["field"], &problem["available"]), (&json!("stock"), &json!(0)), "{problem}");
    }
    let last = far.client.json("PUT", "/Product/last", &json!({"stock": 1})).expect(201);
    let seq = last.header("stoa-seq").unwrap();
    let read = one.client.send("GET", "/Product/p", &[("stoa-seq", seq)], b"").expect(200);
    assert_eq!(read.body_json()["stock"], 0);
}

#[test]
fn writes_that_travel_together_are_told_apart() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 20);
    for at in 0..20 {
        region.client.json("PUT", &format!("/Product/old{at}"), &json!({"name": "before", "stock": 1})).expect(201);
    }
    // Records that are new, that are there, that nobody may store, that two want to make, and that the database numbers.
    let answers = at_once(100, |at| {
        let (name, client) = (format!("n{at}"), &region.client);
        match at % 5 {
            0 => client.json("PUT", &format!("/Product/new{at}"), &json!({"name": name, "stock": at})),
            1 => client.json("PUT", &format!("/Product/old{}", at / 5), &json!({"name": name, "stock": at})),
            2 => client.json("PUT", &format!("/Product/bad{at}"), &json!({"name": name, "stock": -1})),
            3 => client.json("POST", "/Product/", &json!({"id": format!("both{}", at / 10), "name": name})),
            _ => client.json("POST", "/Order/", &json!({"product": name})),
        }
    });
    let (mut numbers, mut made) = (Vec::new(), 0);
    for (at, answer) in answers.into_iter().enumerate() {
        match (at % 5, answer.status) {
            (2, _) => assert_eq!(answer.expect(422).body_json()["errors"][0]["pointer"], "/stock"),
            (3, 409) => assert_eq!(answer.body_json()["type"], "/_stoa/problems/unique"),
            (kind, status) => {
                assert_eq!(status, if kind == 1 { 200 } else { 201 }, "{}", answer.text());
                let record = answer.body_json();
                let shown = if kind == 4 { &record["product"] } else { &record["name"] };
                assert_eq!(*shown, format!("n{at}"));
                let (table, id) = if kind == 4 {
                    ("Order", record["id"].to_string())
                } else {
                    ("Product", record["id"].as_str().unwrap().to_owned())
                };
                let read = region.client.get(&format!("/{table}/{id}")).expect(200);
                assert_eq!((read.text(), read.header("etag")), (answer.text(), answer.header("etag")));
                numbers.extend(record["id"].as_i64());
                made += usize::from(kind == 3);
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), made), (20, 10));
    // They did share batches.
    let metrics = region.client.get("/_stoa/metrics").text();
    let batches = metrics.lines().find_map(|line| line.strip_prefix("stoa_commit_group_size_count "));
    let batches: usize = batches.unwrap().parse().unwrap();
    assert!(batches < 100, "{batches} batches for 120 commits");
}

#[test]
fn a_busy_region_does_not_stop_a_primary_that_lets_everybody_in() {
    let primary = Primary::start_plainly();
    let region = Region::of(primary.address(), SHOP, 0);
    // Long enough for sqld to write its pages back many times; that is when waiting writers stop it.
    let answers = at_once(64, |client| {
        let put = |at: usize| {
            let record = json!({"name": "n".repeat(400), "stock": at});
            region.client.json("PUT", &format!("/Product/c{client}-{}", at % 8), &record).status
        };
        (0..count(60, 300)).map(put).filter(|status| *status >= 300).count()
    });
    assert_eq!(answers.iter().sum::<usize>(), 0);
}

#[test]
fn operations_refer_to_records_that_the_primary_numbers() {
    let (_primary, one, two) = two(SHOP);
    let commit = json!({"operations": [
        {"method": "POST", "path": "/Order/", "body": {"product": "p"}},
        {"method": "POST", "path": "/Line/", "body": {"id": "l", "orderId": {"$ref": 0}}},
    ]});
    let results = one.client.json("POST", "/_stoa/commit", &commit).expect(200).body_json();
    let number = &results["results"][0]["body"]["id"];
    assert_eq!(&results["results"][1]["body"]["orderId"], number);
    // Both at once, each with a number of its own.
    let orders = at_once(16, |at| {
        let commit = json!({"operations": [
            {"method": "POST", "path": "/Order/", "body": {"product": "q"}},
            {"method": "POST", "path": "/Line/", "body": {"id": format!("l{at}"), "orderId": {"$ref": 0}}},
        ]});
        let region = if at % 2 == 0 { &one } else { &two };
        region.client.json("POST", "/_stoa/commit", &commit).expect(200).body_json()
    });
    let mut numbers: Vec<i64> =
        orders.iter().map(|order| order["results"][1]["body"]["orderId"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 16);
    // A pattern is looked at where the request comes in, whatever else is wrong.
    one.client.json("POST", "/Order/", &json!({"note": "NO"})).expect(422);
    two.client.json("PATCH", "/Order/999", &json!({"note": "NO"})).expect(404);
}

#[test]
fn lines_are_imported_with_a_report() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    let lines: Vec<String> = (0..2_000)
        .map(|at| format!(r#"{{"id":"p{at}","name":"n","stock":{}}}"#, if at % 100 == 7 { -1 } else { at }))
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    let report = region.client.send("POST", "/Product/", &headers, lines.join("\n").as_bytes()).expect(200).body_json();
    assert_eq!((&report["inserted"], report["failed"].as_array().unwrap().len()), (&json!(1980), 20), "{report}");
    assert_eq!(report["failed"][1]["errors"][0]["pointer"], "/stock");
    let count = region.client.send("HEAD", "/Product/?limit=1", &[("prefer", "count=exact")], b"");
    assert_eq!(count.header("content-range"), Some("items 0-0/1980"));
    // Once more with some that are new: those that are there are written again.
    let more: String =
        (1_900..2_100).map(|at| format!("{{\"id\":\"p{at}\",\"name\":\"n\",\"stock\":{at}}}\n")).collect();
    let report = region.client.send("PUT", "/Product/", &headers, more.as_bytes()).expect(200).body_json();
    assert_eq!((&report["inserted"], &report["updated"]), (&json!(101), &json!(99)), "{report}");
}

#[test]
fn large_writes_are_shown_whole() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 5);
    // More than the primary shows in one answer.
    let record = |at: usize| json!({"id": format!("p{at}"), "name": "\u{1}x".repeat(2_000), "stock": at});
    let records: Vec<_> = (0..1_000).map(record).collect();
    let shown = region.client.json("PUT", "/Product/", &json!(records)).expect(200);
    assert_eq!(shown.body_json(), json!(records));
    // Each is small, what they change is not.
    let operations: Vec<_> = (0..1_000)
        .map(|at| json!({"method": "PATCH", "path": format!("/Product/p{at}"), "body": {"stock": 7}}))
        .collect();
    let done = region.client.json("POST", "/_stoa/commit", &json!({"operations": operations})).expect(200).body_json();
    assert_eq!(done["results"][999]["body"], json!({"id": "p999", "name": "\u{1}x".repeat(2_000), "stock": 7}));
    // With a key, what was shown must be kept.
    let keyed = |path: &str, kind: &str, body: &str| {
        region.client.send("PUT", path, &[("content-type", kind), ("idempotency-key", "k")], body.as_bytes())
    };
    let refused = keyed("/Product/", "application/json", &json!(records).to_string()).expect(413);
    assert_eq!(refused.body_json()["type"], "/_stoa/problems/too-large");
    assert_eq!(region.client.get("/Product/p999").body_json()["stock"], 7);
    // A report shows none.
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    for _ in 0..2 {
        let report = keyed("/Product/?atomic=true", "application/x-ndjson", &lines).expect(200);
        assert_eq!(report.body_json()["updated"], 1_000);
    }
}
