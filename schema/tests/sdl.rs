//! Schema files: what is refused, with which words and where.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends on the first surprise")]

use proptest::prelude::*;
use std::sync::Arc;
use stoa_schema::sdl::{Source, load};

fn source(name: &str, text: &str) -> Source {
    Source { name: Arc::from(name), text: text.to_owned() }
}

/// The findings of one file, a line each.
fn findings(text: &str) -> Vec<String> {
    match load(&[source("s", text)]) {
        Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
        Err(all) => all.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(findings(text), expected, "{text}");
}

#[test]
fn the_storefront_and_the_calendar_load_without_a_word() {
    for example in ["storefront", "calendar"] {
        let path = format!("{}/../examples/{example}/schema.graphql", env!("CARGO_MANIFEST_DIR"));
        check(&std::fs::read_to_string(path).unwrap(), &[]);
    }
}

#[test]
fn a_misspelt_name_is_answered_with_the_nearest() {
    check(
        "type A @table @export { id: ID @primaryKey name: Strng @indexd b: B @relationship(form: bId) bId: ID }
type B @table { id: ID @primaryKey }",
        &[
            "s:1:44: error: unknown type `Strng`\n    hint: did you mean `String`?",
            "s:1:56: warning: unknown directive @indexd is ignored\n    hint: did you mean `indexed`?",
            "s:1:69: error: @relationship needs `from:` or `to:`\n    hint: `from:` names an attribute of this type, `to:` one of the other",
            "s:1:69: warning: @relationship has no argument `form`; it is ignored\n    hint: did you mean `from`?",
        ],
    );
}

#[test]
fn all_errors_of_all_files_come_at_once() {
    let all = load(&[
        source("a.graphql", "type A @table { name: String }"),
        source("b.graphql", "type B @table { id: ID @primaryKey\n  a: ["),
        source("c.graphql", "type A @table @export(name: \"graphql\") { id: Wat }"),
    ])
    .unwrap_err();
    let lines: Vec<String> =
        all.iter().map(|it| it.to_string().lines().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(lines[0], "a.graphql:1:1: error: type A has no primary key");
    assert!(lines[1].starts_with("b.graphql:2:7: error: syntax: "), "{}", lines[1]);
    assert!(lines.contains(&"c.graphql:1:1: error: type A is declared twice".to_owned()), "{lines:?}");
    assert!(
        lines.contains(&"c.graphql:1:15: error: the path `/graphql` belongs to the server".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"c.graphql:1:42: error: unknown type `Wat`".to_owned()), "{lines:?}");
}

#[test]
fn relations_join_what_can_be_equal() {
    check(
        "type A @table { id: ID @primaryKey n: Int bs: B @relationship(to: aIds) c: B @relationship(from: n) }
type B @table { id: ID @primaryKey aIds: [ID] @indexed }",
        &[
            "s:1:43: error: `bs` joins many records but shows one\n    hint: write `bs: [B]`",
            "s:1:73: error: `c` compares `n` (Int) with `id` (ID): they can never be equal",
        ],
    );
    check(
        "type A @table { id: ID @primaryKey bs: [B] @relationship(to: aId) }
type B @table { id: ID @primaryKey aId: ID }",
        &["s:1:36: warning: `bs` joins by B.aId, which is not indexed\n    hint: add @indexed to `aId`"],
    );
}

#[test]
fn names_that_the_database_takes_for_one_clash() {
    check(
        "type Product @table @export { id: ID @primaryKey name: String Name: String }
type product @table @export { id: ID @primaryKey }",
        &[
            "s:1:63: error: field `Name` clashes with `name` (names that differ only in case are the same)",
            "s:2:1: error: two tables are called `product` (case is ignored)\n    hint: the other stands at s:1",
        ],
    );
}

#[test]
fn a_schema_without_tables_says_what_to_write() {
    let [only] = findings("type A { x: Int }").try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert!(only.starts_with("s:1:1: error: the schema declares no table"), "{only}");
}

#[test]
fn text_that_is_no_sdl_is_refused_without_a_panic() {
    for text in [
        "{",
        "type",
        "\u{0}",
        "type A @table { id: ID @primaryKey n: Int @check(min: 99999999999999999999) }",
        "\"\"\"",
        "type A @table { a: [[[[[[[[[[",
    ] {
        assert!(load(&[source("s", text)]).is_err(), "{text}");
    }
    let deep = format!("type A @table {{ id: {}ID{} @primaryKey }}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(load(&[source("s", &deep)]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_it_panic(text in "(type|extend|enum|[A-Za-z]{1,3}|@[a-z]{1,8}|table|@table|@export|[{}()\\[\\]:!\"@,#. \n]|-?[0-9]{1,22}|\"[^\"]{0,4}\"|\\PC){0,40}") {
        _ = load(&[source("s", &text)]);
    }
}

#[test]
fn nested_types_hold_values_only() {
    check(
        "type A @table { id: ID @primaryKey home: Home @indexed any: Any @indexed list: [Home] }
type Home @check(expr: \"true\") { city: String @indexed made: Date @createdTime home: Home as: [A] @relationship(to: id) }
type Empty @export @open @sealed @opn { x: Int @hidden }",
        &[
            "s:1:36: error: `home`: Home has no order and cannot be indexed\n    hint: make what you search by an attribute of its own, and index that",
            "s:1:56: error: `any`: Any has no order and cannot be indexed\n    hint: make what you search by an attribute of its own, and index that",
            "s:2:11: error: @check needs @table beside it",
            "s:2:34: error: `city`: @indexed cannot stand in a nested type\n    hint: remove it, or make the attribute one of the table",
            "s:2:56: error: `made`: @createdTime and @updatedTime cannot stand in a nested type\n    hint: remove it, or make the attribute one of the table",
            "s:2:91: error: `as`: a nested type has no relations\n    hint: store the id in the table that holds a Home, and relate that",
            "s:3:1: error: @sealed and @open exclude each other",
            "s:3:12: error: @export needs @table beside it\n    hint: write `type Empty @table @export`",
            "s:3:34: warning: unknown directive @opn is ignored\n    hint: did you mean `open`?",
            "s:3:41: error: `x`: @hidden cannot stand in a nested type\n    hint: remove it, or make the attribute one of the table",
        ],
    );
}

#[test]
fn a_key_of_several_parts_has_no_relations() {
    check(
        "type A @table { id: [ID]! @primaryKey bs: [B] @relationship(to: a) }
type B @table { id: ID @primaryKey a: ID @indexed }
type C @table { id: [Float] @primaryKey }",
        &[
            "s:1:39: error: `bs` joins by A.id, a key of several parts\n    hint: give the type a key of one value, and make the parts attributes of their own",
            "s:3:17: error: Float cannot be a primary key\n    hint: use ID, String, Int or Long",
        ],
    );
}

#[test]
fn a_computed_attribute_says_what_its_expression_lacks() {
    check(
        "type A @table {
  id: ID @primaryKey  n: Int  s: String  tags: [String]  bId: ID  b: B @relationship(from: bId)
  wrong: Int @computed(from: \"n + s\")
  far: Int @computed(from: \"b.n\")
  unread: Int @computed(from: \"n +\")
  typed: Int @computed(from: \"s\")
  one: Int @computed(from: \"two + 1\")
  two: Int @computed(from: \"one + 1\")
  stamp: String @computed(from: \"s\") @createdTime
  right: Int @computed(from: \"n * 2\") @indexed
}
type B @table { id: ID @primaryKey n: Int }",
        &[
            "s:3:14: error: @computed(from: \"n + s\"), character 5: expected a number, found a text",
            "s:4:12: error: @computed(from: \"b.n\"), character 1: `b` leads to another record; only this one can be read here",
            "s:5:15: error: @computed(from: \"n +\"), character 4: expected a value, found the end",
            "s:6:14: error: @computed(from: \"s\"), character 1: `typed` is Int, but this is a text",
            "s:7:12: error: `one` is computed from itself, by way of other attributes",
            "s:8:12: error: `two` is computed from itself, by way of other attributes",
            "s:9:17: error: `stamp`: @computed and a time set by the server exclude each other",
        ],
    );
}

#[test]
fn each_attribute_of_a_circle_is_told_and_none_that_only_reads_it() {
    check(
        "type A @table {
  id: ID @primaryKey
  n: Int
  own: Int @computed(from: \"own + 1\")
  one: Int @indexed @computed(from: \"three + n\")
  two: Int @computed(from: \"if(one > 0, one, n)\")
  three: Long @computed(from: \"two * 2\")
  outside: Int @computed(from: \"one + n\")
}",
        &[
            "s:4:12: error: @computed(from: \"own + 1\"), character 1: `own` is computed from itself",
            "s:5:21: error: `one` is computed from itself, by way of other attributes",
            "s:6:12: error: `two` is computed from itself, by way of other attributes",
            "s:7:15: error: `three` is computed from itself, by way of other attributes",
        ],
    );
}

#[test]
fn a_place_is_counted_as_editors_count() {
    let wrong = |before: &str| format!("{before}type A @table {{ id: Strng }}");
    let told = |place: &str| format!("s:{place}: error: unknown type `Strng`\n    hint: did you mean `String`?");
    check(&wrong("# A comment\r\n# Another\r\n"), &[&told("3:17")]);
    check(&wrong("# A comment\r"), &[&told("2:17")]);
    check(&wrong("\t\t"), &[&told("1:19")]);
    check(&wrong("\u{feff}"), &[&told("1:18")]);
    check(&wrong("\"a\\\"\tb\" "), &[&told("1:25")]);
    check(&wrong("\"\"\"\r\na\t\\\"\"\" b\r\n\"\"\"\t"), &[&told("3:21")]);
    check("# \"\r\n\ttype A @table { id: ", &["s:2:22: error: syntax: Unexpected end of input; Expected Name or ["]);
}
