//! Expressions of the schema, run by the embedded engine: every rule of the language against literal results.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends on the first surprise")]

use rusqlite::Connection;
use rusqlite::types::Value;
use stoa_schema::expression::{Expression, Reach};
use stoa_schema::model::{Schema, Table, TableId};
use stoa_schema::sdl::{Source, load};
use stoa_sync::expression::expression;
use stoa_sync::row::Row;

const SHOP: &str = "
type Line @table { id: ID  quantity: Int  large: Long  price: Float  note: String  nothing: String  none: Int
  gift: Boolean  late: Boolean  due: Date  at: String  tags: [String]  sizes: [Float]  value: [Boolean]  lost: [String]
  holes: [String]  productId: ID  product: Product @relationship(from: productId)
  shelfCode: String  shelf: Shelf @relationship(from: shelfCode, to: code)
  missingId: ID  missing: Product @relationship(from: missingId) }
type Product @table { id: ID  stock: Int  value: Boolean  tags: [String]  categoryId: ID
  category: Category @relationship(from: categoryId) }
type Category @table { id: ID  open: Boolean }
type Shelf @table { id: ID  code: String @indexed  full: Boolean  shelfCode: String }";

const ROWS: &str = r#"
CREATE TABLE "Line"("id" TEXT,"quantity" INTEGER,"large" INTEGER,"price" REAL,"note" TEXT,"nothing" TEXT,
  "none" INTEGER,"gift" INTEGER,"late" INTEGER,"due" TEXT,"at" TEXT,"tags" TEXT,"sizes" TEXT,"value" TEXT,
  "lost" TEXT,"holes" TEXT,"productId" TEXT,"shelfCode" TEXT,"missingId" TEXT) STRICT;
CREATE TABLE "Product"("id" TEXT,"stock" INTEGER,"value" INTEGER,"tags" TEXT,"categoryId" TEXT) STRICT;
CREATE TABLE "Category"("id" TEXT,"open" INTEGER) STRICT;
CREATE TABLE "Shelf"("id" TEXT,"code" TEXT,"full" INTEGER,"shelfCode" TEXT) STRICT;
INSERT INTO "Line" VALUES('l1',7,-9223372036854775808,2.5,' It''s ',NULL,NULL,1,0,'2024-08-15',
  '2024-08-15T14:30:00.000Z','["red","2024-08-15T14:30:00.000Z"]','[1.0,2.5]','[true]',NULL,'["a",null]','p1','s','p9');
INSERT INTO "Product" VALUES('p1',5,1,'["new"]','c1'),('p2',6,0,'[]','c1');
INSERT INTO "Category" VALUES('c1',1);
INSERT INTO "Shelf" VALUES('s2','s',1,'t'),('s1','s',0,'t'),('s0','t',1,'t');"#;

struct Shop {
    schema: Schema,
    connection: Connection,
}

impl Shop {
    fn open() -> Self {
        let source = Source { name: "shop".into(), text: SHOP.into() };
        let schema = load(&[source]).unwrap_or_else(|errors| panic!("{errors:?}")).schema;
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(ROWS).unwrap();
        Self { schema, connection }
    }

    fn sql(&self, text: &str, reach: Reach, row: Row<'_>) -> String {
        let tables: Vec<&Table> = self.schema.tables.iter().collect();
        let parsed = Expression::parse(&tables, TableId(0), text, reach);
        expression(&self.schema, &parsed.unwrap_or_else(|error| panic!("{text}: {error}")), row)
    }

    /// The value of an expression on the only line, as an SQL literal.
    fn value(&self, text: &str) -> String {
        let alone = self.first(&format!("SELECT {} FROM \"Line\"", self.sql(text, Reach::Related, Row::Bare)));
        let sql = self.sql(text, Reach::Related, Row::Alias("t1"));
        let aliased = self.first(&format!("SELECT ({sql}) FROM \"Line\" AS t1"));
        assert_eq!(alone, aliased, "{text}");
        aliased
    }

    fn first(&self, sql: &str) -> String {
        let value = self.connection.query_row(sql, [], |row| row.get(0));
        match value.unwrap_or_else(|error| panic!("{sql}: {error}")) {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => format!("{number:?}"),
            Value::Text(text) => format!("'{text}'"),
            Value::Blob(_) => panic!("{sql}: a blob"),
        }
    }

    fn check(&self, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(self.value(text), *expected, "{text}");
        }
    }
}

#[test]
fn numbers() {
    Shop::open().check(&[
        ("1 + 2 * 3 - 4", "3"),
        ("(1 + 2) * 3", "9"),
        ("7 - 3 - 2", "2"),
        ("7 - (3 - 2)", "6"),
        ("quantity / 2", "3.5"),
        ("quantity * 2 / 4 * 2", "7.0"),
        ("8 / 2 / 2", "2.0"),
        ("6 / 3", "2.0"),
        ("quantity % 4", "3"),
        ("-quantity % 4", "-3"),
        ("quantity / 0", "NULL"),
        ("quantity % 0", "NULL"),
        ("quantity - -1", "8"),
        ("- - quantity", "7"),
        ("quantity * price", "17.5"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1e300", "1e300"),
        ("large", "-9223372036854775808"),
        ("large = -9223372036854775808", "1"),
        ("-large", "9.223372036854776e18"),
        ("large - 1", "-9.223372036854776e18"),
        ("abs(large)", "9223372036854775807"),
        ("abs(-7)", "7"),
        ("abs(-price)", "2.5"),
        ("abs(coalesce(null, 1.5, large))", "1.5"),
        ("abs(if(gift, large, 1.5))", "9.223372036854776e18"),
        ("round(price)", "3"),
        ("round(-price)", "-3"),
        ("round(large)", "-9223372036854775808"),
        ("round(10 / 3, 2)", "3.33"),
        ("round(quantity, 0)", "7.0"),
        ("min(quantity, price, 3)", "2.5"),
        ("max(quantity, 3)", "7"),
        ("max(quantity, none)", "NULL"),
        ("1 + none", "NULL"),
    ]);
}

#[test]
fn texts() {
    Shop::open().check(&[
        ("lower(note)", "' it's '"),
        ("upper(trim(note))", "'IT'S'"),
        ("length(note)", "6"),
        ("length('añb')", "3"),
        ("'a' || 1 + 2 || note", "'a3 It's '"),
        ("note || nothing", "NULL"),
        ("'it''s' = 'it' || '''' || 's'", "1"),
        ("'a' < 'b' and 'B' < 'a'", "1"),
        ("'é' > 'z'", "1"),
        ("min('b', 'a')", "'a'"),
        ("if(gift, 'yes', 'no')", "'yes'"),
        ("if(none > 1, 'yes', 'no')", "'no'"),
        ("coalesce(nothing, null, 'there')", "'there'"),
    ]);
}

#[test]
fn truth() {
    Shop::open().check(&[
        ("gift and not late", "1"),
        ("not gift or late", "0"),
        ("not (gift and late)", "1"),
        ("gift = true", "1"),
        ("gift <> late", "1"),
        ("not quantity > 7", "1"),
        ("quantity == 7 and quantity != 8", "1"),
        ("quantity = 7.0", "1"),
        ("quantity between 7 and 7", "1"),
        ("quantity not between 7.5 and 8 + 1", "1"),
        ("quantity in (1, price * 2 + 2)", "1"),
        ("note not in ('a', 'b')", "1"),
        ("true or false and false", "1"),
        ("(true or false) and false", "0"),
        ("(gift = late) = false", "1"),
    ]);
}

#[test]
fn null_is_unknown() {
    Shop::open().check(&[
        ("none > 1", "NULL"),
        ("not none > 1", "NULL"),
        ("none > 1 and late", "0"),
        ("none > 1 or gift", "1"),
        ("none > 1 or late", "NULL"),
        ("none in (1, 2)", "NULL"),
        ("quantity not in (1, none)", "NULL"),
        ("none between 1 and 2", "NULL"),
        ("nothing is null and note is not null", "1"),
        ("(none > 1) is null", "1"),
        ("lost is null and tags is not null", "1"),
        ("null", "NULL"),
    ]);
}

#[test]
fn times() {
    Shop::open().check(&[
        ("at = '2024-08-15T10:30:00-04:00'", "1"),
        ("at < '2024-08-15T14:30:00.001Z'", "1"),
        ("at between '2024-08-15T10:30:00-04:00' and '2024-08-15T14:30:00Z'", "1"),
        ("due < at", "1"),
        ("due = '2024-08-15'", "1"),
        ("at in ('2024-08-15T16:30:00+02:00')", "1"),
    ]);
}

#[test]
fn lists() {
    Shop::open().check(&[
        ("length(tags)", "2"),
        ("length(lost)", "NULL"),
        ("'red' in tags", "1"),
        ("'re' in tags", "0"),
        ("'red' not in tags", "0"),
        ("'2024-08-15T10:30:00-04:00' in tags", "1"),
        ("1 in sizes and price in sizes", "1"),
        ("true in value", "1"),
        ("false in value", "0"),
        ("'red' in lost", "NULL"),
        ("'red' not in lost", "NULL"),
        ("'b' in holes", "0"),
        ("nothing in tags", "NULL"),
        ("'new' in product.tags", "1"),
        ("length(product.tags)", "1"),
    ]);
}

#[test]
fn paths() {
    Shop::open().check(&[
        ("quantity <= product.stock", "0"),
        ("quantity - 2 <= product.stock", "1"),
        ("product.category.open", "1"),
        ("product.value", "1"),
        ("missing.stock > 1", "NULL"),
        ("missing.category.open", "NULL"),
        ("missing.id is null", "1"),
        // Two shelves have this code; the first by key counts. Shelves have a shelfCode of their own.
        ("shelf.full", "0"),
    ]);
}

#[test]
fn a_trigger_judges_the_row_it_writes() {
    let shop = Shop::open();
    let sql = shop.sql("quantity <= product.stock and 'red' not in tags", Reach::Related, Row::New);
    let trigger = format!(
        "CREATE TRIGGER judge BEFORE INSERT ON \"Line\" BEGIN SELECT RAISE(ABORT,'stoa:check') WHERE NOT ({sql}); END"
    );
    shop.connection.execute_batch(&trigger).unwrap();
    let insert = |quantity: Option<i64>, tags: &str, product: &str| {
        let sql = "INSERT INTO \"Line\"(\"quantity\",\"tags\",\"productId\") VALUES(?1,?2,?3)";
        shop.connection.execute(sql, (quantity, tags, product)).is_ok()
    };
    assert!(insert(Some(5), "[]", "p1"));
    assert!(!insert(Some(6), "[]", "p1"));
    assert!(insert(Some(6), "[]", "p2"));
    assert!(!insert(Some(5), "[\"red\"]", "p1"));
    assert!(insert(None, "[]", "p1"), "unknown is not false");
    assert!(insert(Some(6), "[]", "gone"), "unknown is not false");
}

#[test]
fn a_generated_column_and_a_partial_index_take_what_reads_the_row_alone() {
    let shop = Shop::open();
    for (at, text) in [
        "quantity > 0 and price < 10",
        "lower(trim(note)) || '-' || quantity",
        "round(price * quantity) % 2 = 1 or quantity / 3 > 2",
        "if(abs(quantity) in (1, 2), length(tags), null)",
        "coalesce(nothing, note) between 'a' and 'b'",
        "max(quantity, 3) - min(quantity, 1.5)",
        "at is not null and due > '2024-01-01'",
    ]
    .into_iter()
    .enumerate()
    {
        let sql = shop.sql(text, Reach::Row, Row::Bare);
        let column = format!("ALTER TABLE \"Line\" ADD COLUMN \"g{at}\" ANY GENERATED ALWAYS AS ({sql}) VIRTUAL");
        shop.connection.execute_batch(&column).unwrap_or_else(|error| panic!("{column}: {error}"));
        let index = format!("CREATE INDEX \"i{at}\" ON \"Line\"(\"g{at}\") WHERE NOT ({sql})");
        shop.connection.execute_batch(&index).unwrap_or_else(|error| panic!("{index}: {error}"));
        assert_eq!(shop.first(&format!("SELECT \"g{at}\" FROM \"Line\"")), shop.value(text), "{text}");
    }
}

#[test]
fn the_longest_and_the_deepest_run() {
    let shop = Shop::open();
    assert_eq!(shop.value(&format!("late{}", " or late".repeat(240))), "0");
    assert_eq!(shop.value(&format!("0{}", "+1".repeat(900))), "900");
    assert_eq!(shop.value(&format!("''{}", "||'a'".repeat(100))), format!("'{}'", "a".repeat(100)));
    assert_eq!(shop.value(&format!("max(1{})", ",2".repeat(99))), "2");
    let nested =
        |open: &str, close: &str, times: usize| format!("{}quantity{}", open.repeat(times), close.repeat(times));
    assert_eq!(shop.value(&nested("abs(", "-1)", 4)), "3");
    assert_eq!(shop.value(&nested("coalesce(none,", ")", 9)), "7");
}
