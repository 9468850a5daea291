//! The JSON of a record in the change log, made by triggers.
//!
//! SQLite prints doubles with 15 digits. `%!.17g` restores every double between 1e-60 and 1e60; one outside is brought
//! there by multiplying or dividing by 2^62 (exact, being a power of two) `n` times and written as the text `"±n:digits"`.
//! Lists, nested values and those of any type are embedded as JSON; Boolean values are 0 and 1 and a `BigInt` is a text, as
//! they are stored; `Bytes` are hexadecimal. Hidden attributes are there, and what an open table keeps beside the declared
//! ones is the object `$open`: whoever shows an image leaves out the first and merges the second.

use crate::ident::{literal, quoted};
use crate::limits::JSON_OBJECT_PAIRS;
use stoa_schema::model::{Attribute, Storage, Table};

/// 2^62 as an integer literal; SQLite converts it to a double without rounding.
const STEP: &str = "4611686018427387904.0";
/// Steps of 2^62 that bring any double (2^-1074 to 2^1024) inside 1e-60…1e60 from the outside.
const MOST_STEPS: usize = 15;

/// The whole record as a JSON object; `row` is `NEW` or `OLD`.
pub(super) fn whole(table: &Table, row: &str) -> String {
    let pairs: Vec<String> = table
        .attributes
        .iter()
        .map(|attribute| format!("{},{}", literal(&attribute.name), member(attribute, row)))
        .collect();
    let chunks: Vec<String> =
        pairs.chunks(JSON_OBJECT_PAIRS).map(|chunk| format!("json_object({})", chunk.join(","))).collect();
    match chunks.as_slice() {
        [single] => single.clone(),
        // Objects are joined as text: `{a}` and `{b}` become `{a,b}`.
        many => many
            .iter()
            .enumerate()
            .map(|(at, chunk)| {
                let opened = if at == 0 { chunk.clone() } else { format!("substr({chunk},2)") };
                if at + 1 == many.len() { opened } else { format!("substr({opened},1,length({opened})-1)||','") }
            })
            .collect::<Vec<_>>()
            .join("||"),
    }
}

/// What the record held before in the attributes that changed, as a JSON object.
pub(super) fn changed(table: &Table) -> String {
    let parts: Vec<String> = table
        .attributes
        .iter()
        .filter(|attribute| attribute.name != table.key().name)
        .map(|attribute| {
            let name = quoted(&attribute.name);
            let member_name = literal(&format!(",{}:", serde_json::Value::from(attribute.name.as_str())));
            let value = member(attribute, "OLD");
            format!("CASE WHEN OLD.{name} IS NEW.{name} THEN '' ELSE {member_name}||json_quote({value}) END")
        })
        .collect();
    if parts.is_empty() {
        return "'{}'".to_owned();
    }
    format!("'{{'||substr({},2)||'}}'", parts.join("||"))
}

fn member(attribute: &Attribute, row: &str) -> String {
    let column = format!("{row}.{}", quoted(&attribute.name));
    if attribute.stored_as_json() {
        return format!("json({column})");
    }
    match attribute.kind.storage() {
        Storage::Real => double(&column),
        // `hex` makes null an empty text.
        Storage::Blob => format!("CASE WHEN {column} IS NULL THEN NULL ELSE hex({column}) END"),
        Storage::Integer | Storage::Text => column,
    }
}

fn double(column: &str) -> String {
    let exact = |value: &str| {
        format!(
            "CASE WHEN CAST(printf('%!.15g',{value}) AS REAL)={value} THEN printf('%!.15g',{value}) ELSE printf('%!.17g',{value}) END"
        )
    };
    let text = format!(
        "(WITH RECURSIVE scaled(n,x) AS (SELECT 0,{column} UNION ALL SELECT \
         CASE WHEN abs(x)<1e-60 THEN n-1 ELSE n+1 END,CASE WHEN abs(x)<1e-60 THEN x*{STEP} ELSE x/{STEP} END \
         FROM scaled WHERE (abs(x)<1e-60 OR abs(x)>1e60) AND abs(n)<{MOST_STEPS}) \
         SELECT n||':'||{} FROM scaled WHERE abs(x) BETWEEN 1e-60 AND 1e60)",
        exact("x")
    );
    format!(
        "CASE WHEN {column} IS NULL OR {column}=0 THEN {column} WHEN abs({column}) BETWEEN 1e-60 AND 1e60 \
         THEN json({}) ELSE {text} END",
        exact(column)
    )
}
