//! Pages: what lies beyond them decides on their count and on whether there is a next one.

use super::{delete, patch, put, says, shop};
use serde_json::json;
use stoa_tests::client::{Answer, Client};

fn counted(client: &Client, path: &str) -> Answer {
    client.send("GET", path, &[("prefer", "count=exact")], b"").expect(200)
}

/// What it shows, its place among all, and whether there is a next page.
fn page(client: &Client, path: &str) -> (String, String, bool) {
    let [first, second] = [0, 1].map(|_| counted(client, path));
    let told = |answer: &Answer| {
        let place = answer.header("content-range").expect("a place").to_owned();
        (answer.text(), place, answer.header("link").is_some())
    };
    assert_eq!(told(&first), told(&second), "{path}");
    assert_eq!(first.header("etag"), second.header("etag"), "{path}");
    told(&first)
}

fn expected(text: &str, place: &str, next: bool) -> (String, String, bool) {
    (text.to_owned(), place.to_owned(), next)
}

#[test]
fn what_happens_beyond_a_page() {
    let (_server, client) = shop();
    let path = "/Product/?sort=price&limit=2&select(id)";
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/3", true));
    says(&client, path, r#"["rake","lamp"]"#);
    // It changes, and stays beyond.
    patch(&client, "/Product/rug", &json!({"price": 90}));
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/3", true));
    // Another comes there.
    put(&client, "/Product/sofa", &json!({"price": 500}));
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/4", true));
    // Of two one goes, then the other: the page is the last.
    delete(&client, "/Product/sofa");
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/3", true));
    delete(&client, "/Product/rug");
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/2", false));
    assert_eq!(client.get(path).expect(200).header("link"), None);
    // One comes back beyond it.
    put(&client, "/Product/rug", &json!({"price": 80}));
    assert_eq!(page(&client, path), expected(r#"["rake","lamp"]"#, "items 0-1/3", true));
    assert!(client.get(path).expect(200).header("link").is_some());
}

#[test]
fn a_record_moves_from_page_to_page() {
    let (_server, client) = shop();
    let pages = ["/Product/?sort=price&limit=2&select(id)", "/Product/?sort=price&limit=2&offset=2&select(id)"];
    assert_eq!(page(&client, pages[0]), expected(r#"["rake","lamp"]"#, "items 0-1/3", true));
    assert_eq!(page(&client, pages[1]), expected(r#"["rug"]"#, "items 2-2/3", false));
    patch(&client, "/Product/rug", &json!({"price": 1}));
    assert_eq!(page(&client, pages[0]), expected(r#"["rug","rake"]"#, "items 0-1/3", true));
    assert_eq!(page(&client, pages[1]), expected(r#"["lamp"]"#, "items 2-2/3", false));
    delete(&client, "/Product/rake");
    assert_eq!(page(&client, pages[0]), expected(r#"["rug","lamp"]"#, "items 0-1/2", false));
    assert_eq!(page(&client, pages[1]), expected("[]", "items */2", false));
}

#[test]
fn the_page_behind_a_record_follows_what_comes_and_goes_there() {
    let (_server, client) = shop();
    let first = client.get("/Product/?sort=price&limit=1&select(id)").expect(200);
    let link = first.header("link").expect("a next page");
    let next = link.trim_start_matches('<').split_once('>').expect("a link").0.to_owned();
    says(&client, &next, r#"["lamp"]"#);
    assert_eq!(page(&client, &next), expected(r#"["lamp"]"#, "items 1-1/3", true));
    put(&client, "/Product/cup", &json!({"price": 25}));
    assert_eq!(page(&client, &next), expected(r#"["cup"]"#, "items 1-1/4", true));
    // What comes before the record it follows is not its concern, but for its place.
    put(&client, "/Product/fork", &json!({"price": 2}));
    assert_eq!(page(&client, &next), expected(r#"["cup"]"#, "items 2-2/5", true));
    client.delete("/Product/?price=gt=20").expect(200);
    assert_eq!(page(&client, &next), expected("[]", "items */2", false));
}

/// With a count and without are two answers to one URL.
#[test]
fn a_count_is_told_to_those_who_ask() {
    let (_server, client) = shop();
    let path = "/Product/?price=gt=25&limit=1&select(id)";
    for total in [2, 3] {
        for _ in 0..2 {
            let plain = client.get(path).expect(200);
            assert_eq!((plain.header("content-range"), plain.header("preference-applied")), (None, None));
            let counted = counted(&client, path);
            assert_eq!(counted.header("content-range"), Some(format!("items 0-0/{total}").as_str()));
            assert_eq!(counted.header("preference-applied"), Some("count=exact"));
        }
        put(&client, "/Product/zither", &json!({"price": 100}));
    }
}
