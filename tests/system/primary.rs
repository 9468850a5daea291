//! What is written to a file here is also what a primary is sent: the DDL and the statements of every kind of write run
//! on a real sqld, an older SQLite behind a parser of its own, and leave there the rows and the images that the embedded
//! engine leaves here.

mod forms;
mod local;
mod ran;
mod samples;
mod script;
mod sqld;

use crate::image;
use local::Local;
use ran::{Cell, Ran};
use serde_json::{Value as Json, json};
use sqld::{Primary, step};
use std::collections::HashMap;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::sdl::{Source, load};
use stoa_schema::time::Instant;
use stoa_schema::value::Value;
use stoa_sync::catalog::Catalog;
use stoa_sync::ddl::{self, Shape};
use stoa_sync::row::Row;
use stoa_sync::rules::{self, Among};
use stoa_sync::sql::{Moment, steps};

fn schema(text: &str) -> Schema {
    let source = Source { name: "schema.graphql".into(), text: text.to_owned() };
    load(&[source]).unwrap_or_else(|errors| panic!("{errors:?}")).schema
}

/// The moment of the `nth` commit, counted from 1: revision `nth` thousand, `nth` milliseconds after a fixed time.
fn moment(nth: i64) -> Moment {
    Moment { revision: nth * 1_000, at: Instant::from_millis(1_724_000_000_000 + nth).unwrap() }
}

/// Both engines with the tables of a schema.
struct Pair {
    primary: Primary,
    local: Local,
    commits: i64,
}

impl Pair {
    fn new(schema: &Schema) -> Self {
        let pair = Self { primary: Primary::start(), local: Local::new(), commits: 0 };
        pair.run_all(&ddl::INTERNAL.map(str::to_owned));
        pair.run_all(&ddl::steps(&Shape::default(), &HashMap::new(), schema).unwrap().statements);
        pair
    }

    fn run_all(&self, statements: &[String]) {
        self.primary.run_all(statements.iter().map(String::as_str));
        self.local.run_all(statements.iter().map(String::as_str));
    }

    /// Sends all commits of a script as one batch of one transaction, each in a savepoint of its own, and runs the same
    /// here; every step must do the same on both, and every commit what the script says.
    fn carry_out(&mut self, schema: &Schema, script: &str) {
        let catalog = Catalog::new(schema.clone());
        let commits = script::commits(&catalog.schema, script);
        let mut batch = Batch::default();
        batch.push("BEGIN IMMEDIATE", &[], None);
        let mut spans = Vec::new();
        for commit in &commits {
            self.commits += 1;
            let start = batch.push("SAVEPOINT one", &[], None);
            let mut last = start;
            for write in &commit.writes {
                for step in steps(&catalog, write, moment(self.commits)) {
                    last = batch.push(&step.sql, &step.params, Some(Condition::Succeeded(last)));
                }
            }
            batch.push("ROLLBACK TO one", &[], Some(Condition::Failed(last)));
            batch.push("RELEASE one", &[], None);
            spans.push(start + 1..=last);
        }
        batch.push("COMMIT", &[], None);
        let (there, here) = (self.primary.batch(&batch.sent()), batch.run(&self.local));
        for (span, commit) in spans.into_iter().zip(&commits) {
            let (there, here) = (&there[span.clone()], &here[span.clone()]);
            let sent: Vec<&str> = batch.steps[span].iter().map(|(sql, _, _)| sql.as_str()).collect();
            assert_eq!(there, here, "{}\n{}", commit.line, sent.join("\n"));
            assert_eq!(shown(there), commit.expected, "{}", commit.line);
        }
        assert!(
            matches!((there.last(), here.last()), (Some(Ran::Changed(_)), Some(Ran::Changed(_)))),
            "COMMIT: {there:?}"
        );
    }

    /// Every table holds the same on both, the change log too.
    fn compare(&self) {
        let tables = "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'libsql%' ORDER BY name";
        let names = self.local.rows(tables);
        assert_eq!(self.primary.rows(tables), names);
        for name in names.iter().map(|row| text(&row[0])).filter(|name| !["_changes", "_lenient"].contains(name)) {
            self.compare_rows(&format!("SELECT * FROM \"{name}\" ORDER BY 1,2"));
        }
        self.compare_rows("SELECT seq,tbl,id,op,rev,after IS NULL,before IS NULL FROM _changes ORDER BY seq");
        self.compare_images("SELECT after FROM _changes WHERE after IS NOT NULL ORDER BY seq");
        self.compare_images("SELECT before FROM _changes WHERE before IS NOT NULL ORDER BY seq");
        // A delete has no revision of its own, so its time is the clock's.
        self.compare_rows("SELECT seq,at FROM _changes WHERE op<3 ORDER BY seq");
        self.compare_rows("SELECT count(*) FROM _changes WHERE op=3 AND at BETWEEN 1000*unixepoch()-600000 AND 1000*unixepoch()+600000");
    }

    fn compare_rows(&self, sql: &str) {
        let (there, here) = (self.primary.rows(sql), self.local.rows(sql));
        for (there, here) in there.iter().zip(&here) {
            assert_eq!(there, here, "{sql}");
        }
        assert_eq!(there.len(), here.len(), "{sql}");
    }

    /// As values: the engines may print the last digit of a double differently.
    fn compare_images(&self, sql: &str) {
        let (there, here) = (self.primary.rows(sql), self.local.rows(sql));
        assert_eq!(there.len(), here.len(), "{sql}");
        for (there, here) in there.iter().zip(&here) {
            let (there, here) = (image::read(text(&there[0])), image::read(text(&here[0])));
            for (there, here) in there.iter().zip(&here) {
                assert_eq!(there, here);
            }
            assert_eq!(there.len(), here.len());
        }
    }
}

/// What a commit did, in the words of a script: `ok`, the rows of its last statement, or why it was refused.
fn shown(ran: &[Ran]) -> String {
    let refused = ran.iter().find_map(|ran| match ran {
        Ran::Refused(message) => Some(message.clone()),
        Ran::Rows(_) | Ran::Changed(_) | Ran::Skipped => None,
    });
    refused.unwrap_or_else(|| match ran.last() {
        Some(Ran::Changed(1)) => "ok".to_owned(),
        Some(Ran::Changed(rows)) => rows.to_string(),
        Some(Ran::Rows(rows)) if rows.len() == 1 => "ok".to_owned(),
        Some(Ran::Rows(rows)) => rows.len().to_string(),
        Some(Ran::Refused(_) | Ran::Skipped) | None => "nothing".to_owned(),
    })
}

fn text(cell: &Cell) -> &str {
    match cell {
        Cell::Text(text) => text,
        Cell::Null | Cell::Int(_) | Cell::Real(_) | Cell::Blob(_) => panic!("{cell:?} is no text"),
    }
}

#[derive(Clone, Copy)]
enum Condition {
    Succeeded(usize),
    Failed(usize),
}

/// Steps that run one after the other, each if its condition holds.
#[derive(Default)]
struct Batch {
    steps: Vec<(String, Vec<Value>, Option<Condition>)>,
}

impl Batch {
    fn push(&mut self, sql: &str, params: &[Value], condition: Option<Condition>) -> usize {
        self.steps.push((sql.to_owned(), params.to_vec(), condition));
        self.steps.len() - 1
    }

    fn sent(&self) -> Vec<Json> {
        let condition = |condition: &Condition| match condition {
            Condition::Succeeded(at) => json!({"type": "ok", "step": at}),
            Condition::Failed(at) => json!({"type": "not", "cond": {"type": "ok", "step": at}}),
        };
        self.steps.iter().map(|(sql, params, when)| step(sql, params, when.as_ref().map(condition).as_ref())).collect()
    }

    fn run(&self, local: &Local) -> Vec<Ran> {
        let mut done: Vec<Ran> = Vec::new();
        for (sql, params, when) in &self.steps {
            let succeeded = |at: &usize| matches!(done[*at], Ran::Rows(_) | Ran::Changed(_));
            let runs = match when {
                None => true,
                Some(Condition::Succeeded(at)) => succeeded(at),
                Some(Condition::Failed(at)) => !succeeded(at),
            };
            done.push(if runs { local.run(sql, params) } else { Ran::Skipped });
        }
        done
    }
}

#[test]
fn the_storefront_runs_on_a_real_sqld() {
    let schema = schema(samples::STOREFRONT_TYPES);
    let mut pair = Pair::new(&schema);
    pair.carry_out(&schema, samples::STOREFRONT);
    pair.compare();
}

#[test]
fn the_calendar_runs_on_a_real_sqld() {
    let schema = schema(samples::CALENDAR_TYPES);
    let mut pair = Pair::new(&schema);
    pair.carry_out(&schema, samples::CALENDAR);
    pair.compare();
}

#[test]
fn every_type_and_directive_runs_on_a_real_sqld() {
    let schema = schema(samples::EVERYTHING);
    let mut pair = Pair::new(&schema);
    pair.carry_out(&schema, samples::EVERYTHING_WRITES);
    pair.compare();
}

#[test]
fn values_of_every_form_run_on_a_real_sqld() {
    let schema = schema(forms::FORMS);
    let mut pair = Pair::new(&schema);
    pair.carry_out(&schema, forms::FORMS_WRITES);
    pair.compare();
}

#[test]
fn a_type_with_as_many_attributes_as_allowed_runs_on_a_real_sqld() {
    for kinds in [&samples::KINDS[..], &["Float"]] {
        let schema = schema(&samples::wide(kinds, stoa_schema::limits::ATTRIBUTES));
        let mut pair = Pair::new(&schema);
        pair.carry_out(&schema, &samples::wide_writes(kinds, stoa_schema::limits::ATTRIBUTES));
        pair.compare();
    }
}

#[test]
fn every_rule_runs_on_a_real_sqld() {
    let schema = schema(samples::RULES);
    let mut pair = Pair::new(&schema);
    pair.carry_out(&schema, samples::RULES_WRITES);
    pair.compare();
    pair.carry_out(&schema, samples::RULES_BY_THE_WAY);
    pair.compare_rows("SELECT id,guestIds FROM \"Event\" ORDER BY id");
    pair.compare_rows("SELECT * FROM \"Badge\"");
    pair.compare_rows("SELECT tbl,id,op FROM _changes ORDER BY seq DESC LIMIT 5");
    // What is asked of a row that was refused.
    for at in 0..schema.tables.len() {
        let table = TableId(at);
        let rows = format!("\"{}\" AS t", schema.table(table).name);
        for check in rules::checks(&schema, table, Row::Alias("t")) {
            pair.compare_rows(&format!("SELECT count(*) FROM {rows} WHERE {}", check.broken));
        }
        for unique in rules::uniques(&schema, table) {
            pair.compare_rows(&unique.violation("t.\"$rev\">=1"));
        }
        for overlap in rules::overlaps(&schema, table) {
            pair.compare_rows(&overlap.violation("t.\"$rev\">=1", Among::All));
            pair.compare_rows(&overlap.violation("t.\"$rev\">=1", Among::Others));
        }
    }
}

#[test]
fn tables_are_made_anew_on_a_real_sqld() {
    let before = schema(
        "type Item @table { id: ID @primaryKey n: Int @indexed size: Float name: String @indexed done: Boolean at: Date code: ID tags: [String] @indexed twice: Int @computed(from: \"n * 2\") @indexed old: String }\n\
         type Gone @table { id: ID @primaryKey tags: [ID] @indexed }",
    );
    let after = schema(
        "type Item @table { id: ID @primaryKey n: String @indexed size: Long name: Int @indexed done: String at: ID code: Float tags: [String] @indexed twice: String @computed(from: \"n || n\") @indexed }",
    );
    let mut pair = Pair::new(&before);
    pair.carry_out(
        &before,
        r#"
ok  POST Item {"id":"a","n":1,"size":2.0,"name":"5","done":true,"at":"2024-08-15T10:30:00Z","code":"1.5e3","tags":["x","y"],"old":"o"}
ok  POST Item {"id":"b","tags":["x"]}
ok  POST Gone {"id":"c","tags":["z"]}
"#,
    );
    let existing = pair.made_objects(|pair, sql| pair.primary.rows(sql));
    let steps = ddl::destructive_steps(&Shape::of(&before), &existing, &after).unwrap();
    for conversion in &steps.conversions {
        pair.compare_rows(&format!("SELECT count(*) FROM \"Item\" WHERE {}", conversion.fails));
    }
    for loss in &steps.losses {
        pair.compare_rows(&loss.count);
    }
    pair.run_all(&steps.statements);
    pair.compare_rows("SELECT id,\"$rev\">1000000000000000 FROM \"Item\" ORDER BY id");
    pair.compare_rows("SELECT id,n,size,name,done,at,code,tags,twice FROM \"Item\" ORDER BY id");
    pair.compare_rows("SELECT * FROM \"Item:tags\" ORDER BY 1,2");
    let again =
        ddl::destructive_steps(&Shape::of(&after), &pair.made_objects(|pair, sql| pair.primary.rows(sql)), &after);
    assert_eq!(again.unwrap(), ddl::Steps::default(), "what sqld keeps of a statement is the statement");
}

#[test]
fn a_growing_schema_migrates_on_a_real_sqld() {
    let before = schema(samples::BEFORE);
    let after = schema(samples::AFTER);
    let mut pair = Pair::new(&before);
    pair.carry_out(&before, samples::BEFORE_WRITES);
    let there =
        ddl::steps(&Shape::of(&before), &pair.made_objects(|pair, sql| pair.primary.rows(sql)), &after).unwrap();
    let here = ddl::steps(&Shape::of(&before), &pair.made_objects(|pair, sql| pair.local.rows(sql)), &after).unwrap();
    assert_eq!(there, here);
    pair.run_all(&there.statements);
    let again = ddl::steps(&Shape::of(&after), &pair.made_objects(|pair, sql| pair.primary.rows(sql)), &after).unwrap();
    assert_eq!(again, ddl::Steps::default(), "what sqld keeps of a statement is the statement");
    pair.carry_out(&after, samples::AFTER_WRITES);
    pair.compare();
}

impl Pair {
    /// Name → statement of what is made from a schema beside its tables, as the engine keeps it.
    fn made_objects(&self, rows: impl Fn(&Self, &str) -> Vec<Vec<Cell>>) -> HashMap<String, String> {
        let sql = "SELECT name,sql FROM sqlite_master WHERE instr(name,':')>0 AND sql IS NOT NULL AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'";
        rows(self, sql).iter().map(|row| (text(&row[0]).to_owned(), text(&row[1]).to_owned())).collect()
    }
}
