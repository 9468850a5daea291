//! Lists: what a write brings into one, takes out of it, moves in it and leaves alone.

use super::{commit, delete, patch, put, says, shop};
use serde_json::json;

#[test]
fn a_list_shows_what_its_records_hold() {
    let (_server, client) = shop();
    let path = "/Product/?categoryId=home&select=id,price";
    says(&client, path, r#"[{"id":"lamp","price":30},{"id":"rug","price":80}]"#);
    patch(&client, "/Product/lamp", &json!({"price": 31}));
    says(&client, path, r#"[{"id":"lamp","price":31},{"id":"rug","price":80}]"#);
    // What no condition asks for and nothing shows makes no difference.
    patch(&client, "/Product/lamp", &json!({"name": "Light"}));
    says(&client, path, r#"[{"id":"lamp","price":31},{"id":"rug","price":80}]"#);
}

#[test]
fn a_record_enters_and_leaves_by_every_kind_of_condition() {
    let (_server, client) = shop();
    for (path, without, with) in [
        ("/Product/?categoryId=attic&select(id)", "[]", r#"["rug"]"#),
        ("/Product/?price=lt=25&select(id)", r#"["rake"]"#, r#"["rake","rug"]"#),
        ("/Product/?price=between=(5,9)&select(id)", "[]", r#"["rug"]"#),
        ("/Product/?inStock=true&select(id)", r#"["lamp","rake"]"#, r#"["lamp","rake","rug"]"#),
        ("/Product/?name=sw=Car&select(id)", "[]", r#"["rug"]"#),
        ("/Product/?name=ct=arp&select(id)", "[]", r#"["rug"]"#),
        ("/Product/?categoryId=in=(attic,garden)&select(id)", r#"["rake"]"#, r#"["rake","rug"]"#),
        ("/Product/?(price=7|name=Rake)&select(id)", r#"["rake"]"#, r#"["rake","rug"]"#),
        ("/Product/?name!=Rug&select(id)", r#"["lamp","rake"]"#, r#"["lamp","rake","rug"]"#),
        ("/Product/?since=ge=2024-08-15&select(id)", "[]", r#"["rug"]"#),
    ] {
        says(&client, path, without);
        let inside =
            json!({"name": "Carpet", "price": 7, "stock": 3, "categoryId": "attic", "since": "2024-08-16T00:00:00Z"});
        put(&client, "/Product/rug", &inside);
        says(&client, path, with);
        put(&client, "/Product/rug", &json!({"name": "Rug", "price": 80, "stock": 0, "categoryId": "home"}));
        says(&client, path, without);
    }
}

#[test]
fn a_record_moves_with_its_sort_key() {
    let (_server, client) = shop();
    let (rising, falling) = ("/Product/?sort=price&select(id)", "/Product/?sort=-price,name&select(id)");
    says(&client, rising, r#"["rake","lamp","rug"]"#);
    says(&client, falling, r#"["rug","lamp","rake"]"#);
    patch(&client, "/Product/rake", &json!({"price": 50}));
    says(&client, rising, r#"["lamp","rake","rug"]"#);
    says(&client, falling, r#"["rug","rake","lamp"]"#);
    patch(&client, "/Product/rug", &json!({"price": null}));
    says(&client, rising, r#"["rug","lamp","rake"]"#);
    says(&client, falling, r#"["rake","lamp","rug"]"#);
}

#[test]
fn what_is_made_and_what_is_deleted() {
    let (_server, client) = shop();
    let path = "/Product/?price=lt=100&sort=price&select(id)";
    says(&client, path, r#"["rake","lamp","rug"]"#);
    client.json("POST", "/Product/", &json!({"id": "vase", "price": 25})).expect(201);
    says(&client, path, r#"["rake","vase","lamp","rug"]"#);
    client.json("POST", "/Product/", &json!([{"id": "cup", "price": 5}, {"id": "pot", "price": 40}])).expect(201);
    says(&client, path, r#"["cup","rake","vase","lamp","pot","rug"]"#);
    delete(&client, "/Product/lamp");
    says(&client, path, r#"["cup","rake","vase","pot","rug"]"#);
    let several = [
        ("DELETE", "/Product/pot", json!(null)),
        ("PUT", "/Product/lamp", json!({"price": 10})),
        ("PATCH", "/Product/rug", json!({"price": 101})),
    ];
    commit(&client, &several).expect(200);
    says(&client, path, r#"["cup","lamp","rake","vase"]"#);
    patch(&client, "/Product/?price=lt=20", &json!({"price": {"__op__": "add", "value": 90}}));
    says(&client, path, r#"["rake","vase","cup"]"#);
    client.delete("/Product/?price=lt=30").expect(200);
    says(&client, path, r#"["cup"]"#);
    let lines = b"{\"id\":\"fork\",\"price\":1}\n{\"id\":\"bowl\",\"price\":2}\n";
    client.send("POST", "/Product/", &[("content-type", "application/x-ndjson")], lines).expect(200);
    says(&client, path, r#"["fork","bowl","cup"]"#);
}

#[test]
fn an_empty_list_and_a_whole_table() {
    let (_server, client) = shop();
    says(&client, "/Review/", "[]");
    assert_eq!(client.get("/Category").expect(200).body_json()["records"], 2);
    says(&client, "/Category/", r#"[{"id":"garden","name":"Garden"},{"id":"home","name":"Home"}]"#);
    put(&client, "/Review/r", &json!({"productId": "lamp", "stars": 4}));
    put(&client, "/Category/attic", &json!({"name": "Attic"}));
    says(&client, "/Review/", r#"[{"id":"r","productId":"lamp","stars":4,"text":null}]"#);
    says(
        &client,
        "/Category/",
        r#"[{"id":"attic","name":"Attic"},{"id":"garden","name":"Garden"},{"id":"home","name":"Home"}]"#,
    );
    assert_eq!(client.get("/Category").expect(200).body_json()["records"], 3);
}

/// Several spellings of a query are several URLs: each is right by itself.
#[test]
fn every_spelling_follows() {
    let (_server, client) = shop();
    let paths = [
        "/Product/?categoryId=home&price=lt=50&select(id)",
        "/Product/?price=lt=50&categoryId=home&select(id)",
        "/Product?categoryId==home&price%3C50&select(id)",
        "/Product/?select(id)&[categoryId=ho%6De&price=lt=50]",
        "/Product/.json?categoryId=home&price=lt=50&select(id)",
    ];
    for (price, text) in [(30, r#"["lamp"]"#), (51, "[]"), (49, r#"["lamp"]"#)] {
        patch(&client, "/Product/lamp", &json!({"price": price}));
        paths.iter().for_each(|path| says(&client, path, text));
    }
}
