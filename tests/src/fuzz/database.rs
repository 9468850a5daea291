//! A database in memory that holds the tables of a schema: whether SQL that was made can be run.

use rusqlite::Connection;
use std::collections::HashMap;
use stoa_schema::model::Schema;
use stoa_sync::ddl::{INTERNAL, Shape, steps};
use stoa_sync::sql::{ListPlan, Plan, PlanField};

/// An empty database with all that a schema asks for.
pub(super) fn open(schema: &Schema) -> Connection {
    let connection = Connection::open_in_memory().expect("a database in memory");
    let steps = steps(&Shape::default(), &HashMap::new(), schema).expect("nothing is there to be lost");
    for statement in INTERNAL.into_iter().chain(steps.statements.iter().map(String::as_str)) {
        connection.execute_batch(statement).unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    connection
}

/// Every statement of the plan can be prepared.
pub(super) fn prepares(connection: &Connection, list: &ListPlan) {
    for plan in list.seeks.iter().chain(&list.counts).chain([&list.total]) {
        prepare(connection, plan);
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
