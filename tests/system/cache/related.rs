//! Relations: an answer changes with records that it does not name.

use super::{delete, patch, put, says, shop};
use serde_json::json;

#[test]
fn a_category_is_renamed_to_and_from_the_name_that_is_asked_for() {
    let (_server, client) = shop();
    let (home, negative) = ("/Product/?category.name=Home&select(id)", "/Product/?category.name!=Home&select(id)");
    says(&client, home, r#"["lamp","rug"]"#);
    says(&client, negative, r#"["rake"]"#);
    patch(&client, "/Category/home", &json!({"name": "House"}));
    says(&client, home, "[]");
    says(&client, negative, r#"["lamp","rake","rug"]"#);
    patch(&client, "/Category/garden", &json!({"name": "Home"}));
    says(&client, home, r#"["rake"]"#);
    says(&client, negative, r#"["lamp","rug"]"#);
    patch(&client, "/Category/?name=House", &json!({"name": "Home"}));
    says(&client, home, r#"["lamp","rake","rug"]"#);
    says(&client, negative, "[]");
}

#[test]
fn a_renamed_category_moves_what_is_sorted_by_it() {
    let (_server, client) = shop();
    let path = "/Product/?sort=category.name,-price&select=id,category{name}";
    says(
        &client,
        path,
        r#"[{"id":"rake","category":{"name":"Garden"}},{"id":"rug","category":{"name":"Home"}},{"id":"lamp","category":{"name":"Home"}}]"#,
    );
    patch(&client, "/Category/garden", &json!({"name": "Yard"}));
    says(
        &client,
        path,
        r#"[{"id":"rug","category":{"name":"Home"}},{"id":"lamp","category":{"name":"Home"}},{"id":"rake","category":{"name":"Yard"}}]"#,
    );
}

#[test]
fn what_is_referred_to_is_created_later() {
    let (_server, client) = shop();
    put(&client, "/Product/vase", &json!({"name": "Vase", "categoryId": "attic"}));
    let (one, asked) = ("/Product/vase?select=id,category{name}", "/Product/?category.name=Attic&select(id)");
    says(&client, one, r#"{"id":"vase","category":null}"#);
    says(&client, asked, "[]");
    put(&client, "/Category/attic", &json!({"name": "Attic"}));
    says(&client, one, r#"{"id":"vase","category":{"name":"Attic"}}"#);
    says(&client, asked, r#"["vase"]"#);
    patch(&client, "/Category/attic", &json!({"name": "Loft"}));
    says(&client, one, r#"{"id":"vase","category":{"name":"Loft"}}"#);
    says(&client, asked, "[]");
    patch(&client, "/Product/vase", &json!({"categoryId": "home"}));
    says(&client, one, r#"{"id":"vase","category":{"name":"Home"}}"#);
}

#[test]
fn a_category_gains_and_loses_a_product() {
    let (_server, client) = shop();
    let (one, cheap) =
        ("/Category/garden?select=name,products{id,price}", "/Category/?products.price=lt=25&select=id,products{id}");
    says(&client, one, r#"{"name":"Garden","products":[{"id":"rake","price":20}]}"#);
    says(&client, cheap, r#"[{"id":"garden","products":[{"id":"rake"}]}]"#);
    put(&client, "/Product/hose", &json!({"price": 15, "categoryId": "garden"}));
    says(&client, one, r#"{"name":"Garden","products":[{"id":"hose","price":15},{"id":"rake","price":20}]}"#);
    says(&client, cheap, r#"[{"id":"garden","products":[{"id":"hose"},{"id":"rake"}]}]"#);
    patch(&client, "/Product/hose", &json!({"categoryId": "home"}));
    says(&client, one, r#"{"name":"Garden","products":[{"id":"rake","price":20}]}"#);
    says(&client, cheap, r#"[{"id":"garden","products":[{"id":"rake"}]},{"id":"home","products":[{"id":"hose"}]}]"#);
    patch(&client, "/Product/rake", &json!({"price": 26}));
    says(&client, one, r#"{"name":"Garden","products":[{"id":"rake","price":26}]}"#);
    says(&client, cheap, r#"[{"id":"home","products":[{"id":"hose"}]}]"#);
    delete(&client, "/Product/rake");
    says(&client, one, r#"{"name":"Garden","products":[]}"#);
}

#[test]
fn an_event_gains_and_loses_who_attends() {
    let (_server, client) = shop();
    put(&client, "/User/ann", &json!({"name": "Ann"}));
    put(&client, "/User/bob", &json!({"name": "Bob"}));
    put(&client, "/Event/tea", &json!({"title": "Tea", "attendeeIds": ["bob"]}));
    let shown = "/Event/tea?select=title,attendees{name}";
    let (by_id, by_name) = ("/Event/?attendeeIds=ann&select(id)", "/Event/?attendees.name=Ann&select(id)");
    let back = "/User/ann?select=name,events{title}";
    says(&client, shown, r#"{"title":"Tea","attendees":[{"name":"Bob"}]}"#);
    says(&client, by_id, "[]");
    says(&client, by_name, "[]");
    says(&client, back, r#"{"name":"Ann","events":[]}"#);
    patch(&client, "/Event/tea", &json!({"attendeeIds": {"__op__": "include", "value": "ann"}}));
    says(&client, shown, r#"{"title":"Tea","attendees":[{"name":"Bob"},{"name":"Ann"}]}"#);
    says(&client, by_id, r#"["tea"]"#);
    says(&client, by_name, r#"["tea"]"#);
    says(&client, back, r#"{"name":"Ann","events":[{"title":"Tea"}]}"#);
    patch(&client, "/User/ann", &json!({"name": "Anna"}));
    says(&client, shown, r#"{"title":"Tea","attendees":[{"name":"Bob"},{"name":"Anna"}]}"#);
    says(&client, by_name, "[]");
    patch(&client, "/Event/tea", &json!({"title": "High tea", "attendeeIds": {"__op__": "exclude", "value": "bob"}}));
    says(&client, shown, r#"{"title":"High tea","attendees":[{"name":"Anna"}]}"#);
    says(&client, back, r#"{"name":"Anna","events":[{"title":"High tea"}]}"#);
    delete(&client, "/User/ann");
    says(&client, shown, r#"{"title":"High tea","attendees":[]}"#);
    says(&client, by_id, r#"["tea"]"#);
}

#[test]
fn a_deleted_product_takes_its_reviews_along() {
    let (_server, client) = shop();
    put(&client, "/Review/r1", &json!({"productId": "lamp", "stars": 5}));
    put(&client, "/Review/r2", &json!({"productId": "rug", "stars": 3}));
    let joined = "/Review/?product.category.name=Home&select=id,product{name,category{name}}";
    says(&client, "/Review/?stars=ge=1&select(id)", r#"["r1","r2"]"#);
    says(&client, "/Review/r1.stars", "5");
    says(
        &client,
        joined,
        r#"[{"id":"r1","product":{"name":"Lamp","category":{"name":"Home"}}},{"id":"r2","product":{"name":"Rug","category":{"name":"Home"}}}]"#,
    );
    delete(&client, "/Product/lamp");
    says(&client, "/Review/?stars=ge=1&select(id)", r#"["r2"]"#);
    client.get("/Review/r1.stars").expect(404);
    says(&client, joined, r#"[{"id":"r2","product":{"name":"Rug","category":{"name":"Home"}}}]"#);
}

#[test]
fn a_deleted_category_is_forgotten_by_its_products() {
    let (_server, client) = shop();
    put(&client, "/Review/r", &json!({"productId": "rug", "stars": 3}));
    let joined = "/Review/?product.category.name=Home&select(id)";
    says(&client, "/Product/rug.categoryId", "\"home\"");
    says(&client, "/Product/?categoryId=home&select(id)", r#"["lamp","rug"]"#);
    says(&client, joined, r#"["r"]"#);
    delete(&client, "/Category/home");
    says(&client, "/Product/rug.categoryId", "null");
    says(&client, "/Product/?categoryId=home&select(id)", "[]");
    says(&client, "/Product/?categoryId=null&select(id)", r#"["lamp","rug"]"#);
    says(&client, joined, "[]");
}
