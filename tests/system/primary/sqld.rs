//! A real primary: sqld as a child process, spoken to in Hrana over HTTP (`POST /v3/pipeline`, one batch each).

use super::ran::{Cell, Ran};
use serde_json::{Value as Json, json};
use stoa_schema::value::{Value, base64};
use stoa_tests::client::Client;
use stoa_tests::primary::Primary as Running;

/// A primary of its own, with what these tests ask of it.
pub(super) struct Primary {
    client: Client,
    _running: Running,
}

impl Primary {
    /// An empty database on a free port.
    pub(super) fn start() -> Self {
        let running = Running::start();
        Self { client: running.client(), _running: running }
    }

    /// Sends steps as one batch; what each did.
    pub(super) fn batch(&self, steps: &[Json]) -> Vec<Ran> {
        let body = json!({"requests": [{"type": "batch", "batch": {"steps": steps}}, {"type": "close"}]});
        let answer = self.client.json("POST", "/v3/pipeline", &body).expect(200).body_json();
        let result = &answer["results"][0]["response"]["result"];
        assert!(result.is_object(), "{answer}");
        let (results, errors) = (result["step_results"].as_array().unwrap(), result["step_errors"].as_array().unwrap());
        assert_eq!((results.len(), errors.len()), (steps.len(), steps.len()));
        results.iter().zip(errors).map(|(result, error)| ran(result, error)).collect()
    }

    /// Runs statements without parameters, each by itself; every one must succeed.
    pub(super) fn run_all<'s>(&self, statements: impl IntoIterator<Item = &'s str>) {
        let statements: Vec<&str> = statements.into_iter().collect();
        let steps: Vec<Json> = statements.iter().map(|sql| step(sql, &[], None)).collect();
        let refused = self.batch(&steps).into_iter().zip(&statements).filter_map(|(ran, sql)| match ran {
            Ran::Refused(message) => Some(format!("{message}\n    {}", sql.chars().take(2_000).collect::<String>())),
            Ran::Rows(_) | Ran::Changed(_) | Ran::Skipped => None,
        });
        let refused: Vec<String> = refused.collect();
        assert!(
            refused.is_empty(),
            "sqld refuses {} of {} statements:\n{}",
            refused.len(),
            statements.len(),
            refused.join("\n")
        );
    }

    /// The rows of a query.
    pub(super) fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        match self.batch(&[step(sql, &[], None)]).remove(0) {
            Ran::Rows(rows) => rows,
            other => panic!("{sql}: {other:?}"),
        }
    }
}

/// A step of a batch: a statement that runs if the condition holds.
pub(super) fn step(sql: &str, params: &[Value], condition: Option<&Json>) -> Json {
    let mut step = json!({"stmt": {"sql": sql, "args": params.iter().map(argument).collect::<Vec<_>>()}});
    if let Some(condition) = condition {
        step["condition"] = condition.clone();
    }
    step
}

fn argument(value: &Value) -> Json {
    match value {
        Value::Null => json!({"type": "null"}),
        Value::Bool(flag) => json!({"type": "integer", "value": i64::from(*flag).to_string()}),
        Value::Int(number) => json!({"type": "integer", "value": number.to_string()}),
        Value::Float(number) => json!({"type": "float", "value": number}),
        Value::Text(text) | Value::List(text) | Value::Json(text) => json!({"type": "text", "value": text}),
        // The protocol leaves the padding out, ours is ignored.
        Value::Bytes(bytes) => json!({"type": "blob", "base64": base64(bytes)}),
    }
}

fn ran(result: &Json, error: &Json) -> Ran {
    if let Some(message) = error["message"].as_str() {
        return Ran::Refused(message.strip_prefix("SQLite error: ").unwrap_or(message).to_owned());
    }
    match result["cols"].as_array() {
        None => Ran::Skipped,
        Some(columns) if columns.is_empty() => Ran::Changed(result["affected_row_count"].as_u64().unwrap()),
        Some(_) => {
            let rows = result["rows"].as_array().unwrap().iter();
            Ran::Rows(rows.map(|row| row.as_array().unwrap().iter().map(cell).collect()).collect())
        }
    }
}

fn cell(value: &Json) -> Cell {
    match value["type"].as_str().unwrap() {
        "null" => Cell::Null,
        "integer" => Cell::Int(value["value"].as_str().unwrap().parse().unwrap()),
        "float" => Cell::Real(value["value"].as_f64().unwrap().to_bits()),
        "text" => Cell::Text(value["value"].as_str().unwrap().to_owned()),
        "blob" => {
            let unpadded = value["base64"].as_str().unwrap();
            Cell::Blob(format!("{unpadded:=<width$}", width = unpadded.len().next_multiple_of(4)))
        }
        other => panic!("a value of type {other}"),
    }
}
