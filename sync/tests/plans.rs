//! How SQLite carries out the main shapes of queries.
#![expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]

use std::sync::Arc;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::query::{LiveQuery, Query};
use stoa_schema::sdl::{Source, load};
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::commit::{Commit, Write, WriteKind};
use stoa_sync::sql::{Lead, list_plan};
use stoa_sync::store::{Flow, Options};

const SCHEMA: &str = "
type Product @table { id: ID @primaryKey name: String @indexed price: Float @indexed inStock: Boolean @indexed stock: Int
  tags: [String] @indexed categoryId: ID @indexed category: Category @relationship(from: categoryId) }
type Category @table { id: ID @primaryKey name: String @indexed products: [Product] @relationship(to: categoryId) }
type Visit @table { id: Long @primaryKey page: String @indexed }";

fn schema() -> Schema {
    load(&[Source { name: Arc::from("s"), text: SCHEMA.to_owned() }]).unwrap().schema
}

/// The plan of a query, its lines joined.
async fn explained(store: &Store, table: usize, raw: &str) -> String {
    let schema = schema();
    let query = Query::parse(&schema, TableId(table), raw).unwrap();
    let planned = list_plan(&schema, &query, None, Lead::Form).seeks.remove(0);
    store.read(move |reader| reader.explain(&planned)).await.unwrap().unwrap().join("; ")
}

#[tokio::test]
async fn each_shape_uses_the_index_that_makes_it_fast() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: folder.path().to_owned(), readers: 1, sweep: true, retention: None };
    let (store, _) = Store::open(&options, schema()).unwrap();
    let shapes = [
        // An equality leads; the weak condition beside it is not chosen, and the order comes from the same index.
        (0, "categoryId=a&inStock=true&limit=20", "SEARCH t1 USING INDEX Product:categoryId (categoryId=?)"),
        (0, "inStock=true&categoryId=a", "SEARCH t1 USING INDEX Product:categoryId (categoryId=?)"),
        // A page in the order of an index walks it, whatever the weak conditions are.
        (0, "price=lt=100&inStock=true&sort=name&limit=20", "SCAN t1 USING INDEX Product:name"),
        (0, "sort=-price&limit=20", "SCAN t1 USING INDEX Product:price"),
        (0, "inStock=true&limit=20", "SCAN t1 USING INDEX sqlite_autoindex_Product_1"),
        // A range on the order's own attribute shortens the walk.
        (0, "price=gt=10&sort=price&limit=20", "SEARCH t1 USING INDEX Product:price (price>?)"),
        (0, "name=sw=Pro&sort=name&limit=5", "SEARCH t1 USING INDEX Product:name (name>? AND name<?)"),
        // An integer key is the table itself.
        (2, "sort=page&limit=2", "SCAN t1 USING INDEX Visit:page"),
        (2, "id=5", "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)"),
    ];
    for (table, raw, wanted) in shapes {
        let found = explained(&store, table, raw).await;
        assert_eq!(found, wanted, "{raw}");
    }
    for (table, raw, wanted) in [
        (0, "tags=red", "SEARCH e USING PRIMARY KEY (value=?)"),
        (0, "category.name=Home", "SEARCH t1 USING INDEX Product:categoryId (categoryId=?)"),
        (1, "products.price=gt=5", "SEARCH t2 USING INDEX Product:price (price>?)"),
    ] {
        let found = explained(&store, table, raw).await;
        assert!(found.contains(wanted), "{raw}: {found}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_refers_to_a_key_is_found_by_indexes() {
    const MEETINGS: &str = "
type Person @table { id: ID @primaryKey }
type Meeting @table { id: ID @primaryKey hostId: ID @indexed host: Person @relationship(from: hostId)
  guestIds: [ID] @indexed guests: [Person] @relationship(from: guestIds) }";
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: folder.path().to_owned(), readers: 1, sweep: true, retention: None };
    let schema = || load(&[Source { name: Arc::from("s"), text: MEETINGS.to_owned() }]).unwrap().schema;
    let (store, _) = Store::open(&options, schema()).unwrap();
    let live = LiveQuery::of_key(&schema(), TableId(1), &["ann".to_owned()], "").unwrap();
    let planned = list_plan(&schema(), &live.query, None, Lead::Form).seeks.remove(0);
    let found = store.read(move |reader| reader.explain(&planned)).await.unwrap().unwrap().join("; ");
    for wanted in [
        "MULTI-INDEX OR",
        "SEARCH t1 USING INDEX sqlite_autoindex_Meeting_1 (id=?)",
        "SEARCH t1 USING INDEX Meeting:hostId (hostId=?)",
        "SEARCH e USING PRIMARY KEY (value=?)",
    ] {
        assert!(found.contains(wanted), "{wanted} is missing: {found}");
    }
    assert!(!found.contains("SCAN"), "{found}");
    store.close().await;
}

/// 4,000 products: each price once, ten names, `inStock` for all but four, all in one category but four.
async fn filled(folder: &std::path::Path) -> Store {
    let (store, catalog) =
        Store::open(&Options { folder: folder.to_owned(), readers: 1, sweep: true, retention: None }, schema())
            .unwrap();
    let product = |number: i64| {
        let text = |text: String| Value::Text(text);
        let rare = number % 1_000 == 0;
        let values = vec![
            text(format!("p{number:04}")),
            text(format!("name {}", number % 10)),
            #[expect(clippy::cast_precision_loss, reason = "small")]
            Value::Float(number as f64),
            Value::Bool(!rare),
            Value::Int(number),
            Value::List(format!("[\"{}\"]", if rare { "rare" } else { "common" })),
            text(if rare { "small" } else { "large" }.to_owned()),
        ];
        Write::new(TableId(0), WriteKind::Insert(values))
    };
    let writes = (0..4_000).map(product).collect();
    store.commit(Commit::new(catalog, writes)).await.unwrap();
    store
}

#[tokio::test]
async fn counting_decides_between_a_condition_and_the_order_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    for (raw, wanted) in [
        (
            "price=gt=3990&sort=name&limit=20",
            "SEARCH t1 USING INDEX Product:price (price>?); USE TEMP B-TREE FOR ORDER BY",
        ),
        ("price=gt=10&sort=name&limit=20", "SCAN t1 USING INDEX Product:name"),
        ("price=gt=3990&limit=20", "SEARCH t1 USING INDEX Product:price (price>?); USE TEMP B-TREE FOR ORDER BY"),
        (
            "inStock=false&sort=-price&limit=20",
            "SEARCH t1 USING INDEX Product:inStock (inStock=?); USE TEMP B-TREE FOR ORDER BY",
        ),
        ("inStock=true&sort=-price&limit=20", "SCAN t1 USING INDEX Product:price"),
        (
            "categoryId=small&sort=name&limit=20",
            "SEARCH t1 USING INDEX Product:categoryId (categoryId=?); USE TEMP B-TREE FOR ORDER BY",
        ),
        // An equality that most records meet does not lead.
        ("categoryId=large&sort=price&limit=20", "SCAN t1 USING INDEX Product:price"),
        ("categoryId=large&limit=20", "SEARCH t1 USING INDEX Product:categoryId (categoryId=?)"),
        // Where no index has the order, the narrower of two conditions leads.
        (
            "inStock=true&price=gt=3990&sort=stock&limit=20",
            "SEARCH t1 USING INDEX Product:price (price>?); USE TEMP B-TREE FOR ORDER BY",
        ),
        (
            "price=gt=10&inStock=false&sort=stock",
            "SEARCH t1 USING INDEX Product:inStock (inStock=?); USE TEMP B-TREE FOR ORDER BY",
        ),
    ] {
        // The first time may try what was good for other values.
        chosen(&store, raw).await;
        assert_eq!(chosen(&store, raw).await, wanted, "{raw}");
    }
    for (raw, wanted) in [
        ("tags=rare&sort=price&limit=20", "SEARCH e USING PRIMARY KEY (value=?)"),
        ("tags=common&sort=price&limit=20", "SCAN t1 USING INDEX Product:price"),
        ("category.name=Nobody&sort=price&limit=20", "SEARCH t1 USING INDEX Product:categoryId (categoryId=?)"),
    ] {
        chosen(&store, raw).await;
        let found = chosen(&store, raw).await;
        assert!(found.contains(wanted), "{raw}: {found}");
    }
    store.close().await;
}

/// The plan that a reader chooses, its lines joined.
async fn chosen(store: &Store, raw: &str) -> String {
    let schema = schema();
    let query = Query::parse(&schema, TableId(0), raw).unwrap();
    let work = move |reader: &stoa_sync::store::Reader| {
        let chosen = reader.plan(&schema, &query, None).unwrap();
        reader.page(&chosen, &mut |_| Ok(Flow::Continue)).unwrap();
        reader.explain(&chosen.plan.seeks[0]).unwrap().join("; ")
    };
    store.read(work).await.unwrap()
}

/// The same text with other values: a choice that was good for some is not kept for all.
#[tokio::test]
async fn a_choice_that_fails_once_is_made_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let (weak, narrow) = ("price=gt=10&sort=name&limit=20", "price=gt=3990&sort=name&limit=20");
    assert_eq!(chosen(&store, weak).await, "SCAN t1 USING INDEX Product:name");
    // Known as good, it is tried, and walks through all records.
    assert_eq!(chosen(&store, narrow).await, "SCAN t1 USING INDEX Product:name");
    for _ in 0..2 {
        assert!(chosen(&store, narrow).await.starts_with("SEARCH t1 USING INDEX Product:price"));
        assert_eq!(chosen(&store, weak).await, "SCAN t1 USING INDEX Product:name");
    }
    store.close().await;
}
