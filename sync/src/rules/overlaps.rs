//! `@noOverlap`: of the records that share a key, no two (or no more than a capacity) hold the same instant.
//!
//! A table of occupied intervals, one row for each key of each record that blocks, is kept by triggers. While no two of a
//! key overlap, one probe decides: the neighbour with the greatest start below the new end conflicts if and only if its end
//! is above the new start. With a capacity the peak among the overlapping rows counts; it is reached where one of them, or
//! the new one, begins, and an interval that reaches there began at most the longest length before.

use super::{BROKEN, LENIENT, exempt};
use crate::expiry;
use crate::expression::expression;
use crate::ident::{literal, quoted};
use crate::row::Row;
use stoa_schema::expression::{Expression, Reach};
use stoa_schema::model::{AttributeId, Literal, NoOverlap, Schema, Table, TableId};

/// A `@noOverlap` of a table.
pub struct Overlap<'s> {
    schema: &'s Schema,
    id: TableId,
    /// The rule as declared.
    pub rule: &'s NoOverlap,
}

/// With which rows a conflict counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// With every other row.
    All,
    /// With those that are not asked about themselves.
    Others,
}

/// The rules of a table.
pub fn overlaps(schema: &Schema, id: TableId) -> Vec<Overlap<'_>> {
    schema.table(id).no_overlaps.iter().map(|rule| Overlap { schema, id, rule }).collect()
}

impl Overlap<'_> {
    fn table(&self) -> &Table {
        self.schema.table(self.id)
    }

    fn column(&self, row: Row<'_>, id: AttributeId) -> String {
        row.column(&self.table().attribute(id).name)
    }

    fn key(&self, row: Row<'_>) -> String {
        row.column(&self.table().key().name)
    }

    /// The name of the table of occupied intervals, unquoted. It tells what the intervals are of: another rule fills another
    /// table.
    pub(crate) fn occupied(&self) -> String {
        format!("{}:overlap:{}:{}", self.table().name, self.rule.name, self.meaning())
    }

    fn meaning(&self) -> String {
        let name = |id: &AttributeId| self.table().attribute(*id).name.as_str();
        let by: Vec<&str> = self.rule.by.iter().map(name).collect();
        let unless = self.rule.unless.as_deref().unwrap_or_default();
        let meaning = format!("{} {} {} {unless}", name(&self.rule.start), name(&self.rule.end), by.join(","));
        // FNV-1a: the same on every machine and in every version.
        let hash = meaning
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{:08x}", hash >> 32)
    }

    /// The name of the table of the longest interval of each key, unquoted; only rules with a capacity have one.
    pub(crate) fn longest(&self) -> Option<String> {
        let name = || format!("{}:longest:{}:{}", self.table().name, self.rule.name, self.meaning());
        self.rule.capacity.as_ref().map(|_| name())
    }

    /// The table of occupied intervals, for a primary key of this storage.
    pub(crate) fn create(&self, storage: &str) -> String {
        format!(
            "CREATE TABLE {}(\"key\" ANY NOT NULL,\"start\" TEXT NOT NULL,\"end\" TEXT NOT NULL,\"id\" {storage} NOT NULL,\
             PRIMARY KEY(\"key\",\"start\",\"id\")) STRICT,WITHOUT ROWID",
            quoted(&self.occupied())
        )
    }

    /// The keys of a row as a subquery with the column `k`, each once, without null.
    fn keys(&self, row: Row<'_>) -> String {
        self.key_parts(row).join(" UNION ")
    }

    /// As [`Overlap::keys`], some perhaps twice, which costs less.
    fn keys_at_least_once(&self, row: Row<'_>) -> String {
        self.key_parts(row).join(" UNION ALL ")
    }

    fn key_parts(&self, row: Row<'_>) -> Vec<String> {
        let parts = self.rule.by.iter().map(|id| {
            let column = self.column(row, *id);
            match self.table().attribute(*id).list {
                true => format!("SELECT e.value AS k FROM json_each({column}) AS e WHERE e.value IS NOT NULL"),
                false => format!("SELECT {column} AS k WHERE {column} IS NOT NULL"),
            }
        });
        parts.collect()
    }

    /// Whether a row occupies its interval.
    fn blocks(&self, row: Row<'_>) -> String {
        let (start, end) = (self.column(row, self.rule.start), self.column(row, self.rule.end));
        let exempt = exempt(self.schema, self.id, self.rule.unless.as_ref(), row);
        let unless = exempt.map(|exempt| format!(" AND NOT ({exempt})")).unwrap_or_default();
        format!("coalesce({start}<{end},0){unless}")
    }

    fn occupy(&self, row: Row<'_>, condition: &str) -> Vec<String> {
        let (start, end) = (self.column(row, self.rule.start), self.column(row, self.rule.end));
        let insert = format!(
            "INSERT INTO {} SELECT k,{start},{end},{} FROM ({}) WHERE {condition}",
            quoted(&self.occupied()),
            self.key(row),
            self.keys(row)
        );
        let longest = self.longest().map(|longest| {
            let longest = quoted(&longest);
            format!(
                "INSERT INTO {longest} SELECT k,{} FROM ({}) WHERE {condition} ON CONFLICT(\"key\") DO UPDATE SET \
                 \"seconds\"=max(\"seconds\",excluded.\"seconds\")",
                seconds(&start, &end),
                self.keys(row)
            )
        });
        [insert].into_iter().chain(longest).collect()
    }

    fn vacate(&self, condition: &str) -> String {
        format!(
            "DELETE FROM {} WHERE \"key\" IN ({}) AND \"start\"={} AND \"id\"={}{condition}",
            quoted(&self.occupied()),
            self.keys(Row::Old),
            self.column(Row::Old, self.rule.start),
            self.key(Row::Old)
        )
    }

    /// Whether an update changes what the rule looks at.
    fn changed(&self) -> String {
        let attributes = [self.rule.start, self.rule.end].into_iter().chain(self.rule.by.iter().copied());
        let changed =
            attributes.map(|id| format!("{} IS NOT {}", self.column(Row::Old, id), self.column(Row::New, id)));
        changed
            .chain([format!("({})<>({})", self.blocks(Row::Old), self.blocks(Row::New))])
            .collect::<Vec<_>>()
            .join(" OR ")
    }

    /// Whether the interval of a row, which does not stand in the table of occupied ones, finds no room with key `k`.
    fn taken(&self, row: Row<'_>) -> String {
        let (start, end) = (self.column(row, self.rule.start), self.column(row, self.rule.end));
        let occupied = quoted(&self.occupied());
        let Some(longest) = self.longest() else {
            return format!(
                "(SELECT o.\"end\" FROM {occupied} AS o WHERE o.\"key\"=k AND o.\"start\"<{end} \
                 ORDER BY o.\"start\" DESC LIMIT 1)>{start}"
            );
        };
        format!("{}>={}", self.peak(&longest, "k", &start, &end), self.capacity(row))
    }

    /// How many of the occupied intervals of a key hold the same instant between `start` and `end`, at most.
    fn peak(&self, longest: &str, key: &str, start: &str, end: &str) -> String {
        let occupied = quoted(&self.occupied());
        format!(
            "(SELECT max((SELECT count(*) FROM {occupied} AS c WHERE c.\"key\"={key} AND c.\"start\"<=p.s AND c.\"start\">={} AND c.\"end\">p.s)) \
             FROM (SELECT {start} AS s UNION SELECT b.\"start\" FROM {occupied} AS b WHERE b.\"key\"={key} AND b.\"start\">={start} AND b.\"start\"<{end}) AS p)",
            earliest(longest, key, start)
        )
    }

    /// How many may overlap; an unknown number counts as one.
    fn capacity(&self, row: Row<'_>) -> String {
        match &self.rule.capacity {
            None => "1".into(),
            Some(Literal::Int(number)) => number.to_string(),
            Some(Literal::Text(text)) => {
                let tables: Vec<&Table> = self.schema.tables.iter().collect();
                match Expression::parse(&tables, self.id, text, Reach::Related) {
                    Ok(read) => format!("coalesce({},1)", expression(self.schema, &read, row)),
                    Err(error) => unreachable!("a schema is loaded only if {text:?} can be read: {error}"),
                }
            }
            Some(Literal::Float(_) | Literal::Bool(_)) => unreachable!("a schema is loaded only with a whole number"),
        }
    }

    fn refuse(&self, touched: &str) -> String {
        format!(
            "SELECT RAISE(ABORT,{}) WHERE {}{touched} AND EXISTS(SELECT 1 FROM ({}) WHERE {}) AND NOT {LENIENT}",
            literal(BROKEN),
            self.blocks(Row::New),
            self.keys_at_least_once(Row::New),
            self.taken(Row::New)
        )
    }

    /// What of the expired rows stands in the way.
    fn clear(&self, touched: &str) -> Option<String> {
        let name = quoted(&self.table().name);
        let (start, key) = (quoted(&self.table().attribute(self.rule.start).name), quoted(&self.table().key().name));
        expiry::delete_expired(
            self.table(),
            &format!(
                "{key} IS NOT {}{touched} AND EXISTS(SELECT 1 FROM ({}) CROSS JOIN {} AS o WHERE o.\"key\"=k AND o.\"start\"={name}.{start} AND o.\"id\"={name}.{key})",
                self.key(Row::New),
                self.keys_at_least_once(Row::New),
                quoted(&self.occupied())
            ),
        )
    }

    /// The statements of a trigger after a row was inserted.
    pub(crate) fn after_insert(&self) -> Vec<String> {
        let mut statements: Vec<String> = self.clear("").into_iter().collect();
        statements.push(self.refuse(""));
        statements.extend(self.occupy(Row::New, &self.blocks(Row::New)));
        statements
    }

    /// The statements of a trigger after a row was updated.
    pub(crate) fn after_update(&self) -> Vec<String> {
        let touched = format!(" AND ({})", self.changed());
        let mut statements: Vec<String> = self.clear(&touched).into_iter().collect();
        statements.push(self.vacate(&touched));
        statements.push(self.refuse(&touched));
        statements.extend(self.occupy(Row::New, &format!("{}{touched}", self.blocks(Row::New))));
        statements
    }

    /// The statement of a trigger after a row was deleted.
    pub(crate) fn after_delete(&self) -> String {
        self.vacate("")
    }

    /// Fills the table of occupied intervals from the rows that are there.
    pub(crate) fn fill(&self) -> String {
        let row = Row::Alias("t");
        let (start, end) = (self.column(row, self.rule.start), self.column(row, self.rule.end));
        let intervals = self.stored(&format!("{start},{end},{}", self.key(row)));
        format!("INSERT INTO {} {intervals}", quoted(&self.occupied()))
    }

    /// Fills the table of the longest interval of each key.
    pub(crate) fn fill_longest(&self) -> Option<String> {
        let row = Row::Alias("t");
        let (start, end) = (self.column(row, self.rule.start), self.column(row, self.rule.end));
        let lengths = self.stored(&format!("{} AS s", seconds(&start, &end)));
        let longest = self.longest()?;
        Some(format!("INSERT INTO {} SELECT k,max(s) FROM ({lengths}) GROUP BY k", quoted(&longest)))
    }

    /// Of each row that blocks, for each of its keys: the key as `k`, and these values of the row `t`.
    fn stored(&self, values: &str) -> String {
        let (row, name) = (Row::Alias("t"), quoted(&self.table().name));
        let blocks = self.blocks(row);
        let parts = self.rule.by.iter().map(|id| {
            let column = self.column(row, *id);
            match self.table().attribute(*id).list {
                true => format!(
                    "SELECT e.value AS k,{values} FROM {name} AS t,json_each({column}) AS e WHERE e.value IS NOT NULL AND {blocks}"
                ),
                false => format!("SELECT {column} AS k,{values} FROM {name} AS t WHERE {column} IS NOT NULL AND {blocks}"),
            }
        });
        parts.collect::<Vec<_>>().join(" UNION ")
    }

    /// The conflicts of the rows `t`, which meet `selected` and stand among the occupied: key, then id, start and end of
    /// each. First those of the key that comes first.
    pub fn violation(&self, selected: &str, among: Among) -> String {
        let row = Row::Alias("t");
        let counted = |alias: &str| match among {
            Among::All => String::new(),
            Among::Others => {
                let name = quoted(&self.table().name);
                format!("AND {alias}.\"id\" NOT IN (SELECT {} FROM {name} AS t WHERE {selected}) ", self.key(row))
            }
        };
        let occupied = quoted(&self.occupied());
        // With no overlap before, those that reach into the interval begin inside it, but for the last one before.
        let from = match self.longest() {
            None => format!(
                "coalesce((SELECT b.\"start\" FROM {occupied} AS b WHERE b.\"key\"=m.\"key\" AND b.\"start\"<=m.\"start\" \
                 AND b.\"id\" IS NOT m.\"id\" {}ORDER BY b.\"start\" DESC LIMIT 1),'')",
                counted("b")
            ),
            Some(longest) => earliest(&longest, "m.\"key\"", "m.\"start\""),
        };
        // Other keys of the row may have room left. The row itself is counted.
        let full = self.longest().map(|longest| {
            let peak = self.peak(&longest, "m.\"key\"", "m.\"start\"", "m.\"end\"");
            format!("AND {peak}>{} ", self.capacity(row))
        });
        format!(
            "SELECT DISTINCT m.\"key\",o.\"id\",o.\"start\",o.\"end\" FROM {} AS t CROSS JOIN {occupied} AS m CROSS JOIN {occupied} AS o \
             WHERE {selected} AND m.\"key\" IN ({}) AND m.\"start\"={} AND m.\"id\"={} AND o.\"key\"=m.\"key\" AND o.\"id\" IS NOT m.\"id\" \
             AND o.\"start\">={from} AND o.\"start\"<m.\"end\" AND o.\"end\">m.\"start\" {}{}ORDER BY m.\"key\",o.\"start\"",
            quoted(&self.table().name),
            self.keys(row),
            self.column(row, self.rule.start),
            self.key(row),
            counted("o"),
            full.unwrap_or_default()
        )
    }

    /// The ids of pairs of stored records that violate the rule, once the table of occupied intervals is filled.
    pub(crate) fn violations(&self) -> String {
        let occupied = quoted(&self.occupied());
        match self.longest() {
            None => format!(
                "SELECT a.\"id\",(SELECT b.\"id\" FROM {occupied} AS b WHERE b.\"key\"=a.\"key\" AND b.\"start\"<a.\"end\" \
                 AND (b.\"start\",b.\"id\")>(a.\"start\",a.\"id\") LIMIT 1) AS other FROM {occupied} AS a WHERE other IS NOT NULL"
            ),
            Some(longest) => format!(
                "SELECT t.{0},t.{0} FROM {1} AS t WHERE {6} AND EXISTS(SELECT 1 FROM ({2}) WHERE (SELECT count(*) FROM {occupied} AS o \
                 WHERE o.\"key\"=k AND o.\"start\"<={3} AND o.\"start\">={4} AND o.\"end\">{3})>{5})",
                quoted(&self.table().key().name),
                quoted(&self.table().name),
                self.keys(Row::Alias("t")),
                self.column(Row::Alias("t"), self.rule.start),
                earliest(&longest, "k", &self.column(Row::Alias("t"), self.rule.start)),
                self.capacity(Row::Alias("t")),
                self.blocks(Row::Alias("t"))
            ),
        }
    }
}

/// The length of an interval in seconds, rounded up.
fn seconds(start: &str, end: &str) -> String {
    format!("unixepoch({end})-unixepoch({start})+1")
}

/// When an interval with a key that reaches beyond `start` began at the earliest.
fn earliest(longest: &str, key: &str, start: &str) -> String {
    format!(
        "coalesce(strftime('%Y-%m-%dT%H:%M:%fZ',{start},'-'||(SELECT l.\"seconds\" FROM {} AS l WHERE l.\"key\"={key})||' seconds'),'')",
        quoted(longest)
    )
}
