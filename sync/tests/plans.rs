//! How SQLite carries out the main shapes of queries, and that a store survives what it should.
#![expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]

use std::sync::Arc;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::query::Query;
use stoa_schema::sdl::{Source, load};
use stoa_sync::Store;
use stoa_sync::sql::list_plan;
use stoa_sync::store::Options;

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
    let planned = list_plan(&schema, &query, None).seeks.remove(0);
    store.read(move |reader| reader.explain(&planned)).await.unwrap().unwrap().join("; ")
}

#[tokio::test]
async fn each_shape_uses_the_index_that_makes_it_fast() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: folder.path().to_owned(), readers: 1 };
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
