//! Expressions on a small shop: what they become, and what is refused where.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends on the first surprise")]

use super::{Arithmetic, Comparison, Expression, ExpressionError, Function, Node, Path, Reach, Type};
use crate::model::{AttributeId, RelationId, Schema, Table, TableId};
use crate::sdl::{Source, load};
use proptest::prelude::*;

const SHOP: &str = "
type Line @table { id: ID  quantity: Int  price: Float  note: String  gift: Boolean  due: Date  at: String
  tags: [String]  codes: [ID]  sizes: [Int]  productId: ID  product: Product @relationship(from: productId)
  total: Float  label: String  late: Boolean  day: Date  count: Int  in: Int }
type Product @table { id: ID  stockQuantity: Int  name: String  tags: [String]  categoryId: ID
  category: Category @relationship(from: categoryId)  lines: [Line] @relationship(to: productId) }
type Category @table { id: ID  open: Boolean  parentId: ID  parent: Category @relationship(from: parentId) }";

fn shop() -> Schema {
    let source = Source { name: "shop".into(), text: SHOP.into() };
    load(&[source]).unwrap_or_else(|errors| panic!("{errors:?}")).schema
}

fn parse_on(schema: &Schema, text: &str, reach: Reach) -> Result<Expression, ExpressionError> {
    let tables: Vec<&Table> = schema.tables.iter().collect();
    Expression::parse(&tables, TableId(0), text, reach)
}

fn parse(text: &str) -> Result<Expression, ExpressionError> {
    parse_on(&shop(), text, Reach::Related)
}

fn root(text: &str) -> Node {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).root
}

fn kind(text: &str) -> Type {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).kind
}

fn computed(attribute: &str, text: &str) -> Result<Expression, ExpressionError> {
    let schema = shop();
    let tables: Vec<&Table> = schema.tables.iter().collect();
    Expression::computed(&tables, TableId(0), tables[0].attribute_named(attribute).unwrap(), text)
}

/// The refusal as `column: message (hint)`.
fn refusal(result: Result<Expression, ExpressionError>, text: &str) -> String {
    let error = result.expect_err(text);
    let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}: {}{hint}", error.column(text), error.message)
}

fn refused(text: &str) -> String {
    refusal(parse(text), text)
}

fn own(name: &str) -> Node {
    let attribute = shop().tables[0].attribute_named(name).unwrap();
    Node::Attribute(Path { relations: Vec::new(), attribute })
}

fn text(value: &str) -> Node {
    Node::Text(value.into())
}

#[test]
fn becomes_a_tree_with_resolved_names() {
    let expression = parse("quantity <= product.stockQuantity and not gift").unwrap();
    let stock = Node::Attribute(Path { relations: vec![RelationId(0)], attribute: AttributeId(1) });
    let compared =
        Node::Compared { left: own("quantity").into(), operator: Comparison::LessOrEqual, right: stock.into() };
    assert_eq!(expression.root, Node::All(vec![compared, Node::Not(own("gift").into())]));
    assert_eq!((expression.table, expression.kind), (TableId(0), Type::Boolean));
    assert_eq!(expression.attributes, [AttributeId(1), AttributeId(10), AttributeId(4)]);
    assert_eq!(expression.relations, [RelationId(0)]);
}

#[test]
fn operators_bind_as_in_sql() {
    let sum = Node::Arithmetic {
        first: own("quantity").into(),
        rest: vec![(
            Arithmetic::Add,
            Node::Arithmetic { first: Node::Integer(2).into(), rest: vec![(Arithmetic::Multiply, own("price"))] },
        )],
    };
    let greater = Node::Compared { left: sum.into(), operator: Comparison::Greater, right: Node::Integer(3).into() };
    let both = Node::All(vec![Node::Not(greater.into()), own("gift")]);
    assert_eq!(root("NOT quantity + 2 * price > 3 And gift OR late"), Node::Any(vec![both, own("late")]));
    assert_eq!(root("((gift))"), own("gift"));
    assert_eq!(root("-9223372036854775808"), Node::Integer(i64::MIN));
    assert_eq!(
        root("1--1"),
        Node::Arithmetic { first: Node::Integer(1).into(), rest: vec![(Arithmetic::Subtract, Node::Integer(-1))] }
    );
    assert_eq!(root("- quantity"), Node::Negated(own("quantity").into()));
    assert_eq!(root("note||'it''s'||1"), Node::Joined(vec![own("note"), text("it's"), Node::Integer(1)]));
    assert_eq!(
        root("note not in ('a')"),
        Node::In { item: own("note").into(), values: vec![text("a")], negated: true }
    );
    let between = |negated| Node::Between {
        item: own("quantity").into(),
        low: Node::Integer(1).into(),
        high: Node::Float(2.5).into(),
        negated,
    };
    assert_eq!(root("quantity between 1 and 2.5 and gift"), Node::All(vec![between(false), own("gift")]));
    assert_eq!(root("quantity not between 1 and 25e-1"), between(true));
    assert_eq!(root("`in` is not null"), Node::IsNull { item: own("in").into(), negated: true });
}

#[test]
fn functions_are_chosen_by_their_arguments() {
    let call = |function, argument| Node::Call { function, arguments: vec![argument] };
    assert_eq!(root("ABS(quantity)"), call(Function::AbsInteger, own("quantity")));
    assert_eq!(root("abs(price)"), call(Function::AbsFloat, own("price")));
    assert_eq!(root("round(price)"), call(Function::Round, own("price")));
    assert_eq!(root("round(price, 2)"), call(Function::RoundTo(2), own("price")));
    assert_eq!(root("round(quantity)"), own("quantity"));
    assert_eq!(root("length(note)"), call(Function::Length, own("note")));
    assert_eq!(root("length(tags)"), Node::Count(Path { relations: Vec::new(), attribute: AttributeId(7) }));
    assert_eq!(
        root("'red' in product.tags"),
        Node::Element {
            item: text("red").into(),
            list: Path { relations: vec![RelationId(0)], attribute: AttributeId(3) },
            negated: false
        }
    );
}

#[test]
fn every_part_has_a_type() {
    for (text, expected) in [
        ("quantity + 1", Type::Integer),
        ("quantity * price", Type::Float),
        ("quantity / 2", Type::Float),
        ("quantity % 2", Type::Integer),
        ("round(price)", Type::Integer),
        ("round(price, 2)", Type::Float),
        ("length(trim(note))", Type::Integer),
        ("note || quantity", Type::Text),
        ("coalesce(null, due, 'never')", Type::Text),
        ("coalesce(quantity, price)", Type::Float),
        ("if(gift, null, quantity)", Type::Integer),
        ("max(due, at)", Type::Text),
        ("product.category.parent.open", Type::Boolean),
        ("null", Type::Null),
        ("tags is null or productId = id", Type::Boolean),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn date_times_meet_attributes_in_stored_form() {
    let stored = "2024-08-15T14:30:00.000Z";
    let right = |written: &str| match root(written) {
        Node::Compared { right, .. } => *right,
        other => panic!("{other:?}"),
    };
    assert_eq!(right("due > '2024-08-15T10:30:00-04:00'"), text(stored));
    assert_eq!(right("at = '2024-08-15T10:30:00-04:00'"), text(stored));
    assert_eq!(right("product.name = '2024-08-15T14:30:00Z'"), text(stored));
    // An ID is never read as a time, and what || makes is no instant either.
    assert_eq!(right("productId = '2024-08-15T14:30:00Z'"), text("2024-08-15T14:30:00Z"));
    assert_eq!(right("note || '' = '2024-08-15T14:30:00Z'"), text("2024-08-15T14:30:00Z"));
    assert_eq!(right("due = '2024-08-15'"), text("2024-08-15"));
    let within = right("at = coalesce(note, if(gift, '2024-08-15T14:30:00Z', 'x'))");
    assert!(format!("{within:?}").contains(stored));
    let values = root("'2024-08-15T14:30:00Z' in tags");
    assert!(matches!(values, Node::Element { item, .. } if *item == text(stored)));
    let values = root("'2024-08-15T14:30:00Z' in codes");
    assert!(matches!(values, Node::Element { item, .. } if *item == text("2024-08-15T14:30:00Z")));
}

#[test]
fn a_computed_attribute_can_hold_its_value() {
    assert_eq!(computed("total", "quantity * price").unwrap().kind, Type::Float);
    assert_eq!(computed("total", "quantity").unwrap().kind, Type::Integer);
    assert_eq!(computed("day", "coalesce(due, '2024-01-01T01:00:00+01:00')").unwrap().kind, Type::Text);
    let label = computed("label", "if(gift, '2024-01-01T01:00:00+01:00', note)").unwrap();
    assert!(format!("{:?}", label.root).contains("2024-01-01T00:00:00.000Z"));
    for (attribute, text, expected) in [
        ("count", "price", "1: `count` is Int, but this is a number (write round(…), or declare Float)"),
        ("late", "quantity", "1: `late` is Boolean, but this is a number"),
        ("day", "note", "1: `day` is Date, but this is a text"),
        ("tags", "note", "1: `tags` is [String], but this is a text"),
        ("total", "total + 1", "1: `total` is computed from itself"),
        ("total", "1 + product.stockQuantity", "5: `product` leads to another record; only this one can be read here"),
        (
            "late",
            "'red' in tags",
            "10: `in tags` searches a list, which is not possible here (`length(…)` of a list is)",
        ),
        ("label", "null", "1: `label` is String, but this is null"),
    ] {
        assert_eq!(refusal(computed(attribute, text), text), expected, "{text}");
    }
}

#[test]
fn a_condition_is_true_or_false() {
    let schema = shop();
    let tables: Vec<&Table> = schema.tables.iter().collect();
    let condition = |text: &str| Expression::condition(&tables, TableId(0), text, Reach::Related);
    assert!(condition("gift").is_ok());
    assert_eq!(refusal(condition("quantity"), "quantity"), "1: expected a condition, found a number");
    assert_eq!(refusal(condition("null"), "null"), "1: expected a condition, found null");
}

#[test]
fn names_are_refused_with_the_nearest_one() {
    for (text, expected) in [
        ("quantty > 1", "1: type Line has no attribute `quantty` (did you mean `quantity`?)"),
        (
            "1 < product.stockQuantiy",
            "13: type Product has no attribute `stockQuantiy` (did you mean `stockQuantity`?)",
        ),
        ("prodct.name = ''", "1: type Line has no relation `prodct` (did you mean `product`?)"),
        ("note = cancelled", "8: type Line has no attribute `cancelled` (a text stands in single quotes: 'cancelled')"),
        ("product is null", "1: `product` is a relation, not a value (write `product.` and one of its attributes)"),
        ("note.length > 1", "1: `note` is no relation, nothing follows it"),
        ("product.lines.quantity > 1", "9: `lines` leads to many records; a path follows relations to one"),
        ("lenth(note) > 1", "1: there is no function `lenth` (did you mean `length`?)"),
        (
            "now() > at",
            "1: there is no function `now` (there are lower, upper, length, trim, abs, round, coalesce, min, max, if)",
        ),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn types_are_refused_at_the_operand() {
    for (text, expected) in [
        ("quantity > 'a'", "12: a number cannot be compared with a text"),
        ("note in ('a', 1)", "15: a text cannot be compared with a number"),
        ("gift < late", "8: true and false have no order"),
        ("gift between true and false", "1: true and false have no order"),
        ("note = null", "8: null makes the whole null here (write `is null` or `is not null`)"),
        ("note in ('a', null)", "15: null makes the whole null here (write `is null` or `is not null`)"),
        ("note + 1", "1: expected a number, found a text"),
        ("price % 2", "1: expected an integer, found a Float (write round(…))"),
        ("not quantity", "5: expected a condition, found a number"),
        ("gift || late", "1: `||` joins texts, found true or false (write `or`)"),
        ("note || price", "9: `||` joins texts and integers, found a Float (write round(…))"),
        ("tags = 'a'", "1: `tags` is a list (write `length(tags)` or `… in tags`)"),
        ("1 in tags", "6: a number cannot be compared with a text"),
        ("'a' in note", "8: after `in` stands a list attribute or a bracket (write `=` to compare with one value)"),
        (
            "due > 'tomorrow'",
            "7: a Date is compared with a text that is no date (write for example '2024-08-15' or '2024-08-15T10:30:00-04:00')",
        ),
        ("if(gift, 1, 'a')", "13: this is a text, what stands before it a number"),
        ("min(gift, late)", "5: true and false have no order"),
        ("abs()", "1: abs takes 1 argument; 0 given"),
        ("round(price, 16)", "14: round takes a literal from 0 to 15 digits"),
        ("round(price, quantity)", "14: round takes a literal from 0 to 15 digits"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn syntax_is_refused_where_it_breaks() {
    for (text, expected) in [
        ("", "1: expected a value, found the end"),
        ("gift and", "9: expected a value, found the end"),
        ("gift late", "6: expected an operator or the end, found `late`"),
        ("(gift", "6: expected an operator or ), found the end"),
        ("gift)", "5: expected an operator or the end, found `)`"),
        ("note in 'a'", "9: expected ( or a list attribute, found a text"),
        ("note in ()", "10: expected a value, found `)`"),
        ("gift is true", "9: expected null, found `true`"),
        ("note not 'a'", "10: expected in or between, found a text"),
        ("quantity between 1 or 2", "20: expected and, found `or`"),
        ("1 < quantity < 3", "14: comparisons cannot be chained (write `a < b and b < c`, or `b between a and c`)"),
        ("gift && late", "6: unexpected \"&&\" (write `and`)"),
        ("!gift", "1: unexpected \"!\" (write `not`)"),
        ("note = \"a\"", "8: unexpected \"\\\"\" (texts stand in single quotes: 'cancelled')"),
        ("note = 'a", "8: this text has no end (a quote inside a text is written twice: 'it''s')"),
        ("note = 'a\0'", "8: a text cannot hold the character NUL"),
        ("'é' = note ;", "12: unexpected \";\""),
        ("1 = 1a", "5: this is neither a number nor a name"),
        ("1e999 > 1", "1: this number is beyond what a Float holds"),
        ("9223372036854775808 > 1", "1: this integer is beyond 64 bits (write it as a Float: 9223372036854775808.0)"),
        ("product. = 1", "10: expected an attribute, found `=`"),
        ("``", "1: between backticks stands one name: `in`"),
        (".5 < 1", "1: expected a value, found `.`"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn size_is_bounded() {
    let hint = "operators and brackets nest deeper than 10 (write two rules, or compute a part in an attribute with @computed)";
    let nested = |depth: usize| format!("{}gift{}", "not (".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(4)).is_ok());
    assert_eq!(refused(&nested(5)), format!("26: {hint}"));
    assert_eq!(refused(&"(".repeat(2_000)), format!("11: {hint}"));
    assert_eq!(refused(&"not ".repeat(500)), format!("41: {hint}"));
    assert_eq!(refused(&format!("0 < {}quantity", "- ".repeat(900))), format!("25: {hint}"));
    assert_eq!(refused(&"x".repeat(2_001)), "1: an expression has at most 2000 bytes, this one 2001");
    let parents = |depth: usize| format!("product.category{}.open", ".parent".repeat(depth));
    assert!(parse(&parents(7)).is_ok());
    assert_eq!(refused(&parents(8)), format!("1: {hint}"));
    // Chains are not nested, however long.
    assert!(parse(&format!("gift{}", " or gift".repeat(240))).is_ok());
    assert!(parse(&format!("1{}", "+1".repeat(990))).is_ok());
    assert!(parse(&format!("quantity in (1{})", ",1".repeat(99))).is_ok());
    assert!(refused(&format!("quantity in (1{})", ",1".repeat(100))).ends_with("more than 100 values in one bracket"));
}

fn fragments() -> impl Strategy<Value = String> {
    let words = [
        "quantity",
        "price",
        "note",
        "gift",
        "due",
        "tags",
        "product",
        "stockQuantity",
        ".",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "%",
        "||",
        "=",
        "<",
        ">=",
        "<>",
        "in",
        "not",
        "between",
        "and",
        "or",
        "is",
        "null",
        "true",
        "1",
        "2.5",
        "1e9",
        "'a'",
        "'2024-01-01T00:00:00Z'",
        "if",
        "min",
        "round",
        "length",
        "'",
        "`in`",
        "é",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            prop_assert!(text.is_char_boundary(error.position));
        }
    }

    #[test]
    fn no_mix_of_words_breaks_the_checker(text in fragments()) {
        let schema = shop();
        let found = parse_on(&schema, &text, Reach::Related);
        if let Err(error) = &found {
            prop_assert!(text.is_char_boundary(error.position));
        }
        // What needs no search is the same with and without leave to search.
        if let Ok(row) = parse_on(&schema, &text, Reach::Row) {
            prop_assert!(row.relations.is_empty());
            prop_assert_eq!(Ok(row), found);
        }
    }
}
