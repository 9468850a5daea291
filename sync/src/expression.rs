//! An [`Expression`] → an SQL expression on one row, for triggers, generated columns, indexes and queries.
//!
//! The text is deterministic, names no parameter and is accepted by SQLite 3.45 behind the parser of libsql-server as
//! well as by the embedded engine. Nothing in it can fail at run time: what overflows becomes a double, what divides by
//! zero null.

use crate::expiry;
use crate::ident::{literal, quoted};
use crate::row::Row;
use std::fmt::Write as _;
use stoa_schema::expression::{Arithmetic, Comparison, Expression, Function, Node, Path};
use stoa_schema::model::{AttributeId, RelationId, Schema, Table, TableId};

/// The SQL of an expression, to be put into brackets where operators stand beside it.
pub fn expression(schema: &Schema, expression: &Expression, row: Row<'_>) -> String {
    let mut writer = Writer { schema, table: expression.table, row, sql: String::new() };
    writer.node(&expression.root, Level::Any);
    writer.sql
}

/// How tightly SQLite binds what was written, from the loosest. A part that binds less than its place asks for stands in
/// brackets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Any,
    All,
    Not,
    /// `=`, `<`, `IN`, `IS`, `BETWEEN`.
    Comparison,
    /// `+`, `-`; also a sign, so that it never follows another `-` and begins a comment.
    Sum,
    Product,
    Joined,
    Whole,
}

impl Level {
    fn of(node: &Node) -> Self {
        match node {
            Node::Any(_) => Self::Any,
            Node::All(_) => Self::All,
            Node::Not(_) => Self::Not,
            Node::Compared { .. } | Node::In { .. } | Node::Between { .. } | Node::IsNull { .. } => Self::Comparison,
            Node::Negated(_) => Self::Sum,
            Node::Integer(number) if *number < 0 => Self::Sum,
            Node::Float(number) if number.is_sign_negative() => Self::Sum,
            Node::Arithmetic { rest, .. } => match rest.first() {
                Some((Arithmetic::Add | Arithmetic::Subtract, _)) | None => Self::Sum,
                Some((Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder, _)) => Self::Product,
            },
            Node::Joined(_) => Self::Joined,
            Node::Null
            | Node::Boolean(_)
            | Node::Integer(_)
            | Node::Float(_)
            | Node::Text(_)
            | Node::Attribute(_)
            | Node::Element { .. }
            | Node::If { .. }
            | Node::Count(_)
            | Node::Call { .. } => Self::Whole,
        }
    }
}

struct Writer<'a> {
    schema: &'a Schema,
    table: TableId,
    row: Row<'a>,
    sql: String,
}

impl Writer<'_> {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Writes a part into a place that asks for this level.
    fn node(&mut self, node: &Node, wanted: Level) {
        if Level::of(node) >= wanted {
            return self.unbracketed(node);
        }
        self.push("(");
        self.unbracketed(node);
        self.push(")");
    }

    fn unbracketed(&mut self, node: &Node) {
        match node {
            Node::Null => self.push("NULL"),
            Node::Boolean(flag) => self.push(if *flag { "1" } else { "0" }),
            Node::Integer(number) => self.push(&number.to_string()),
            // The shortest text that reads as the same double; always with a point or an exponent.
            Node::Float(number) => self.push(&format!("{number:?}")),
            Node::Text(text) => self.push(&literal(text)),
            Node::Attribute(path) => self.path(path, Place::Row),
            Node::Negated(inner) => self.prefixed("-", inner, Level::Whole),
            Node::Arithmetic { first, rest } => self.arithmetic(first, rest),
            Node::Joined(parts) => self.separated(parts, "||", Level::Whole),
            Node::Compared { left, operator, right } => self.compared(left, symbol(*operator), right),
            Node::In { item, values, negated } => self.one_of(item, values, *negated),
            Node::Element { item, list, negated } => self.element(item, list, *negated),
            Node::Between { item, low, high, negated } => {
                self.compared(item, if *negated { " NOT BETWEEN " } else { " BETWEEN " }, low);
                self.prefixed(" AND ", high, Level::Sum);
            }
            Node::IsNull { item, negated } => {
                self.node(item, Level::Sum);
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            Node::Not(inner) => self.prefixed("NOT ", inner, Level::Comparison),
            Node::All(parts) => self.separated(parts, " AND ", Level::Not),
            Node::Any(parts) => self.separated(parts, " OR ", Level::All),
            Node::If { condition, then, otherwise } => self.choice(condition, then, otherwise),
            Node::Count(list) => {
                self.push("json_array_length(");
                self.path(list, Place::Row);
                self.push(")");
            }
            Node::Call { function, arguments } => self.call(*function, arguments),
        }
    }

    fn prefixed(&mut self, prefix: &str, node: &Node, wanted: Level) {
        self.push(prefix);
        self.node(node, wanted);
    }

    fn separated(&mut self, parts: &[Node], separator: &str, wanted: Level) {
        for (at, part) in parts.iter().enumerate() {
            self.prefixed(if at > 0 { separator } else { "" }, part, wanted);
        }
    }

    /// Division is of doubles, whatever stands left of it: `a*1.0/b`.
    fn arithmetic(&mut self, first: &Node, rest: &[(Arithmetic, Node)]) {
        let wanted = match rest.first() {
            Some((Arithmetic::Add | Arithmetic::Subtract, _)) | None => Level::Product,
            Some((Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder, _)) => Level::Joined,
        };
        self.node(first, wanted);
        for (operator, operand) in rest {
            let symbol = match operator {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "*1.0/",
                Arithmetic::Remainder => "%",
            };
            self.prefixed(symbol, operand, wanted);
        }
    }

    fn compared(&mut self, left: &Node, symbol: &str, right: &Node) {
        self.node(left, Level::Sum);
        self.prefixed(symbol, right, Level::Sum);
    }

    fn one_of(&mut self, item: &Node, values: &[Node], negated: bool) {
        self.node(item, Level::Sum);
        self.push(if negated { " NOT IN (" } else { " IN (" });
        self.separated(values, ",", Level::Any);
        self.push(")");
    }

    /// Null if the list is: it is not known what is in it.
    fn element(&mut self, item: &Node, list: &Path, negated: bool) {
        self.push("CASE WHEN ");
        self.path(list, Place::Row);
        self.push(" IS NOT NULL THEN ");
        self.node(item, Level::Sum);
        self.push(if negated { " NOT" } else { "" });
        self.push(" IN (SELECT e.value FROM json_each(");
        self.path(list, Place::Query);
        self.push(") AS e WHERE e.value IS NOT NULL) END");
    }

    fn choice(&mut self, condition: &Node, then: &Node, otherwise: &Node) {
        self.prefixed("CASE WHEN ", condition, Level::Any);
        self.prefixed(" THEN ", then, Level::Any);
        self.prefixed(" ELSE ", otherwise, Level::Any);
        self.push(" END");
    }

    fn call(&mut self, function: Function, arguments: &[Node]) {
        self.push(match function {
            Function::Lower => "lower(",
            Function::Upper => "upper(",
            Function::Trim => "trim(",
            Function::Length => "length(",
            Function::AbsInteger => "abs(max(",
            Function::AbsFloat => "abs(0.0+",
            Function::Round => "CAST(round(",
            Function::RoundTo(_) => "round(",
            Function::Coalesce => "coalesce(",
            Function::Min => "min(",
            Function::Max => "max(",
        });
        let wanted = if function == Function::AbsFloat { Level::Product } else { Level::Any };
        self.separated(arguments, ",", wanted);
        match function {
            // abs() fails on the least integer, which has no positive counterpart.
            Function::AbsInteger => self.push(",-9223372036854775807))"),
            Function::Round => self.push(") AS INTEGER)"),
            Function::RoundTo(digits) => self.push(&format!(",{digits})")),
            Function::Lower
            | Function::Upper
            | Function::Trim
            | Function::Length
            | Function::AbsFloat
            | Function::Coalesce
            | Function::Min
            | Function::Max => self.push(")"),
        }
    }

    fn path(&mut self, path: &Path, place: Place) {
        let outer = match (self.row, if path.relations.is_empty() { place } else { Place::Query }) {
            (Row::New, _) => "NEW.".to_owned(),
            (Row::Old, _) => "OLD.".to_owned(),
            (Row::Alias(alias), _) => format!("{alias}."),
            (Row::Bare, Place::Row) => String::new(),
            (Row::Bare, Place::Query) => format!("{}.", quoted(&self.schema.table(self.table).name)),
        };
        self.follow(self.table, &path.relations, path.attribute, &outer, 1);
    }

    /// A value of the record that these relations lead to, as a scalar subquery in a scalar subquery.
    fn follow(&mut self, from: TableId, relations: &[RelationId], end: AttributeId, outer: &str, depth: usize) {
        let table = self.schema.table(from);
        let Some((first, rest)) = relations.split_first() else {
            return self.push(&format!("{outer}{}", quoted(&table.attribute(end).name)));
        };
        let relation = table.relation(*first);
        let target = self.schema.table(relation.target);
        let there = format!("r{depth}.");
        self.push("(SELECT ");
        self.follow(relation.target, rest, end, &there, depth + 1);
        let remote = quoted(&target.attribute(relation.remote).name);
        let local = quoted(&table.attribute(relation.local).name);
        // Writing to a String cannot fail.
        _ = write!(self.sql, " FROM {} AS r{depth} WHERE {there}{remote}={outer}{local}", quoted(&target.name));
        if let Some(visible) = expiry::visible(target, Row::Alias(there.trim_end_matches('.'))) {
            _ = write!(self.sql, " AND {visible}");
        }
        if relation.remote != target.key {
            self.first_by_key(target, &there);
        }
        self.push(")");
    }

    /// Several records may share a value that is not their key; then the first by key is meant.
    fn first_by_key(&mut self, target: &Table, there: &str) {
        self.push(&format!(" ORDER BY {there}{} LIMIT 1", quoted(&target.key().name)));
    }
}

/// Where a column name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Beside the row itself.
    Row,
    /// Inside a subquery, whose own columns might have the same name.
    Query,
}

fn symbol(operator: Comparison) -> &'static str {
    match operator {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test ends on the first surprise")]
mod tests {
    use super::expression;
    use crate::row::Row;
    use stoa_schema::expression::{Expression, Reach};
    use stoa_schema::model::{Schema, Table, TableId};
    use stoa_schema::sdl::{Source, load};

    const SHOP: &str = "
type Line @table { id: ID  quantity: Int  price: Float  note: String  gift: Boolean  at: String  tags: [String]
  productId: ID  product: Product @relationship(from: productId)
  shelfCode: String  shelf: Shelf @relationship(from: shelfCode, to: code) }
type Product @table { id: ID  stock: Int  tags: [String]  categoryId: ID
  category: Category @relationship(from: categoryId) }
type Category @table { id: ID  open: Boolean }
type Shelf @table { id: ID  code: String @indexed  full: Boolean }";

    fn shop() -> Schema {
        let source = Source { name: "shop".into(), text: SHOP.into() };
        load(&[source]).unwrap_or_else(|errors| panic!("{errors:?}")).schema
    }

    fn sql(text: &str, row: Row<'_>) -> String {
        let schema = shop();
        let tables: Vec<&Table> = schema.tables.iter().collect();
        let parsed = Expression::parse(&tables, TableId(0), text, Reach::Related);
        expression(&schema, &parsed.unwrap_or_else(|error| panic!("{text}: {error}")), row)
    }

    #[test]
    fn operators_keep_their_order() {
        for (text, expected) in [
            ("quantity > 0", r#""quantity">0"#),
            ("not quantity >= 1 and (gift or note != 'it''s')", r#"NOT "quantity">=1 AND ("gift" OR "note"<>'it''s')"#),
            ("not (gift and true) or false", r#"NOT ("gift" AND 1) OR 0"#),
            ("(quantity + 1) * 2 - 3", r#"("quantity"+1)*2-3"#),
            ("quantity - (1 - 2)", r#""quantity"-(1-2)"#),
            ("quantity - -1", r#""quantity"-(-1)"#),
            ("-quantity < -(-1.5)", r#"-"quantity"<-(-1.5)"#),
            ("quantity * 2 / 3", r#""quantity"*2*1.0/3"#),
            ("quantity / (2 * 3)", r#""quantity"*1.0/(2*3)"#),
            ("quantity % 2 = 0", r#""quantity"%2=0"#),
            ("note || '-' || quantity + 1", r#""note"||'-'||("quantity"+1)"#),
            ("(gift = true) = (note = 'a')", r#"("gift"=1)=("note"='a')"#),
            ("note in ('a', lower(note))", r#""note" IN ('a',lower("note"))"#),
            ("quantity not in (1, 2.5e300)", r#""quantity" NOT IN (1,2.5e300)"#),
            ("quantity not between 1 and 2 + 3", r#""quantity" NOT BETWEEN 1 AND 2+3"#),
            ("(note || 'a') is not null", r#""note"||'a' IS NOT NULL"#),
            ("(note is null) is null", r#"("note" IS NULL) IS NULL"#),
            ("-9223372036854775808", "-9223372036854775808"),
            ("at > '2024-08-15T10:30:00-04:00'", r#""at">'2024-08-15T14:30:00.000Z'"#),
        ] {
            assert_eq!(sql(text, Row::Bare), expected, "{text}");
        }
    }

    #[test]
    fn functions_cannot_fail() {
        for (text, expected) in [
            ("upper(trim(note))", r#"upper(trim("note"))"#),
            ("length(note) + length(tags)", r#"length("note")+json_array_length("tags")"#),
            ("abs(quantity)", r#"abs(max("quantity",-9223372036854775807))"#),
            ("abs(price - 1)", r#"abs(0.0+("price"-1))"#),
            ("round(price)", r#"CAST(round("price") AS INTEGER)"#),
            ("round(price, 2)", r#"round("price",2)"#),
            ("coalesce(note, null, 'a')", r#"coalesce("note",NULL,'a')"#),
            ("min(quantity, 3) + max(1, 2)", r#"min("quantity",3)+max(1,2)"#),
            ("if(gift, 1, 2) = 1", r#"CASE WHEN "gift" THEN 1 ELSE 2 END=1"#),
        ] {
            assert_eq!(sql(text, Row::Bare), expected, "{text}");
        }
    }

    #[test]
    fn a_path_is_a_subquery() {
        assert_eq!(
            sql("quantity <= product.stock", Row::New),
            r#"NEW."quantity"<=(SELECT r1."stock" FROM "Product" AS r1 WHERE r1."id"=NEW."productId")"#
        );
        assert_eq!(
            sql("product.category.open", Row::Alias("t1")),
            r#"(SELECT (SELECT r2."open" FROM "Category" AS r2 WHERE r2."id"=r1."categoryId") FROM "Product" AS r1 WHERE r1."id"=t1."productId")"#
        );
        assert_eq!(
            sql("shelf.full", Row::Old),
            r#"(SELECT r1."full" FROM "Shelf" AS r1 WHERE r1."code"=OLD."shelfCode" ORDER BY r1."id" LIMIT 1)"#
        );
        // Inside the subquery a bare name could be one of the other table.
        assert_eq!(
            sql("product.stock > quantity", Row::Bare),
            r#"(SELECT r1."stock" FROM "Product" AS r1 WHERE r1."id"="Line"."productId")>"quantity""#
        );
    }

    #[test]
    fn a_list_is_searched() {
        assert_eq!(
            sql("'red' not in tags", Row::Bare),
            r#"CASE WHEN "tags" IS NOT NULL THEN 'red' NOT IN (SELECT e.value FROM json_each("Line"."tags") AS e WHERE e.value IS NOT NULL) END"#
        );
        let tags = r#"(SELECT r1."tags" FROM "Product" AS r1 WHERE r1."id"=NEW."productId")"#;
        assert_eq!(
            sql("note in product.tags", Row::New),
            format!(
                "CASE WHEN {tags} IS NOT NULL THEN NEW.\"note\" IN (SELECT e.value FROM json_each({tags}) AS e WHERE e.value IS NOT NULL) END"
            )
        );
    }
}
