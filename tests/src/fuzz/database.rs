//! A database in memory that holds the tables of a schema: whether SQL that was made can be run.

use super::schema;
use rusqlite::Connection;
use std::collections::HashMap;
use stoa_schema::model::Schema;
use stoa_schema::query::Query;
use stoa_schema::value::Value;
use stoa_sync::ddl::{INTERNAL, Shape, steps};
use stoa_sync::sql::{Lead, Plan, PlanField, list_plan, probes};

/// An empty database with all that a schema asks for.
pub(super) fn open(schema: &Schema) -> Connection {
    let connection = Connection::open_in_memory().expect("a database in memory");
    let steps = steps(&Shape::default(), &HashMap::new(), schema).expect("nothing is there to be lost");
    for statement in INTERNAL.into_iter().chain(steps.statements.iter().map(String::as_str)) {
        connection.execute_batch(statement).unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    connection
}

/// Whatever leads the search, every statement that reads the query's page after these keys can be prepared.
pub(super) fn prepares(connection: &Connection, query: &Query, after: Option<&[Value]>) {
    let probes = probes(schema(), query);
    probes.iter().for_each(|probe| prepare(connection, &probe.count));
    let parts = probes.iter().map(|probe| Lead::Part(probe.part));
    for lead in [Lead::Form, Lead::Order].into_iter().chain(parts) {
        let list = list_plan(schema(), query, after, lead);
        list.seeks.iter().chain(&list.counts).chain([&list.total]).for_each(|plan| prepare(connection, plan));
    }
}

fn prepare(connection: &Connection, plan: &Plan) {
    if let Err(error) = connection.prepare_cached(&plan.sql) {
        panic!("{error}: {}", plan.sql);
    }
    for field in &plan.fields.fields {
        if let PlanField::Related { plan, .. } = field {
            prepare(connection, plan);
        }
    }
}
