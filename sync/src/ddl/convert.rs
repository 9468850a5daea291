//! The values of an attribute whose type has changed, as SQL: the same value in the other type, or null where there is none.

use stoa_schema::model::Kind;

/// The expression that converts the stored value `x`, which is not null; `None` if there is no conversion between the types.
pub(super) fn converted(from: &Kind, to: &Kind, x: &str) -> Option<String> {
    Some(match (from, to) {
        (Kind::Int, Kind::Float) => format!("CAST({x} AS REAL)"),
        (Kind::Long, Kind::Float) => {
            when(&format!("CAST(CAST({x} AS REAL) AS INTEGER)={x}"), &format!("CAST({x} AS REAL)"))
        }
        (Kind::Long, Kind::Int) => when(&in_int(x), x),
        (Kind::Float, Kind::Int) => when(&format!("{x}=CAST({x} AS INTEGER) AND {}", in_int(x)), &integer(x)),
        (Kind::Float, Kind::Long) => {
            when(&format!("{x}=CAST({x} AS INTEGER) AND abs({x})<=9007199254740992"), &integer(x))
        }
        (Kind::Int | Kind::Long, Kind::String | Kind::Id) => format!("CAST({x} AS TEXT)"),
        (Kind::Float, Kind::String | Kind::Id) => float_text(x),
        (Kind::Boolean, Kind::Int | Kind::Long) | (Kind::Date, Kind::String) => x.to_owned(),
        (Kind::Boolean, Kind::String | Kind::Id) => format!("CASE {x} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
        (Kind::String | Kind::Id, Kind::Boolean) => format!("CASE {x} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
        (Kind::String | Kind::Id, Kind::Int) => when(&format!("{} AND {}", whole(x), in_int(&integer(x))), &integer(x)),
        (Kind::String | Kind::Id, Kind::Long) => when(&whole(x), &integer(x)),
        (Kind::String | Kind::Id, Kind::Float) => when(&number(x), &format!("CAST({x} AS REAL)")),
        // What could be read as a time is kept as an instant in one type and as it was written in the other.
        (Kind::Id, Kind::String) => when(&format!("{} OR {x} NOT GLOB '{LIKE_A_TIME}'", instant(x)), x),
        (Kind::String | Kind::Id, Kind::Date) => when(&format!("{} OR date({x})={x}", instant(x)), x),
        (Kind::String | Kind::Date, Kind::Id) => shown_time(x),
        _ => return None,
    })
}

const LIKE_A_TIME: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][Tt ]*";
/// An instant as it is stored: always with three digits of fraction, in UTC.
const INSTANT: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z";

fn when(condition: &str, value: &str) -> String {
    format!("CASE WHEN {condition} THEN {value} END")
}

fn integer(x: &str) -> String {
    format!("CAST({x} AS INTEGER)")
}

fn in_int(x: &str) -> String {
    format!("{x} BETWEEN -2147483648 AND 2147483647")
}

fn whole(x: &str) -> String {
    format!("CAST(CAST({x} AS INTEGER) AS TEXT)={x}")
}

/// A JSON number that is finite.
fn number(x: &str) -> String {
    format!(
        "CASE WHEN json_valid({x}) THEN json_type({x}) END IN ('integer','real') AND CAST({x} AS REAL)*0 IS NOT NULL"
    )
}

/// The fewest digits that restore the double.
fn float_text(x: &str) -> String {
    format!("CASE WHEN CAST(printf('%!.15g',{x}) AS REAL)={x} THEN printf('%!.15g',{x}) ELSE printf('%!.17g',{x}) END")
}

fn instant(x: &str) -> String {
    format!("{x} GLOB '{INSTANT}'")
}

/// An instant as it is shown: without a fraction of zero.
fn shown_time(x: &str) -> String {
    format!("CASE WHEN {} AND {x} LIKE '%.000Z' THEN substr({x},1,19)||'Z' ELSE {x} END", instant(x))
}
