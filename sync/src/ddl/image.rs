//! The JSON of a record in the change log, made by triggers.
//!
//! SQLite prints doubles with 15 digits. `%!.17g` restores every double between 1e-70 and 1e70; one outside is brought
//! there by multiplying or dividing by 2^62 (exact, being a power of two) `n` times and written as the text `"±n:digits"`.
//! A trigger is compiled with each statement that may fire it, and a primary prepares every statement anew: what stands here is
//! paid for with each write there, so it is written without subqueries.
//! Lists, nested values and those of any type are embedded as JSON; Boolean values are 0 and 1 and a `BigInt` is a text, as
//! they are stored; `Bytes` are hexadecimal. Hidden attributes are there, and what an open table keeps beside the declared
//! ones is the object `$open`: whoever shows an image leaves out the first and merges the second.

use crate::ident::{literal, quoted};
use crate::limits::JSON_OBJECT_PAIRS;
use stoa_schema::model::{Attribute, Storage, Table};

/// 2^217 as a literal that SQLite reads without rounding: half of seven steps of 2^62, which is what scaling goes by.
const HALF: &str = "2.106245833371143733e65";

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
    // Seven steps bring what is beyond 1e70 up to 1e201 below it, fourteen the rest: 2^1024 is 1.8e308, 2^-1074 is 4.9e-324.
    let scaled = |operator: &str, steps: usize| {
        let factors = format!("{operator}{HALF}").repeat(2 * steps / 7);
        let sign = if operator == "*" { "-" } else { "" };
        format!("printf('{sign}{steps}:%!.17g',{column}{factors})")
    };
    format!(
        "CASE WHEN {column} IS NULL OR {column}=0 THEN {column} WHEN abs({column}) NOT BETWEEN 1e-70 AND 1e70 THEN \
         CASE WHEN abs({column})>1e201 THEN {} WHEN abs({column})>1 THEN {} WHEN abs({column})>1e-201 THEN {} ELSE {} END \
         WHEN CAST(printf('%!.15g',{column}) AS REAL)={column} THEN {column} ELSE json(printf('%!.17g',{column})) END",
        scaled("/", 14),
        scaled("/", 7),
        scaled("*", 7),
        scaled("*", 14),
    )
}
