//! What is asked, as data and as it stands in a URL.

use serde_json::Value as Json;

/// A condition's test.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Is(Json),
    IsNot(&'static str),
    Below(i64),
    AtLeast(i64),
    Between(i64, i64),
    Begins(&'static str),
}

/// A condition on an attribute, of the record or of one that relations lead to.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) relations: &'static [&'static str],
    pub(super) attribute: &'static str,
    pub(super) test: Test,
}

/// What is shown: an attribute, or a relation with some of its own.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Attribute(&'static str),
    Related(&'static str, Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sort {
    pub(super) relation: Option<&'static str>,
    pub(super) attribute: &'static str,
    pub(super) falling: bool,
}

/// The zone in which times are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    Paris,
    Tokyo,
}

/// The page behind a record: where it is, and that record's place in the order.
#[derive(Clone, Debug)]
pub(super) struct After {
    pub(super) url: String,
    pub(super) key: Json,
    pub(super) id: String,
}

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) table: &'static str,
    pub(super) conditions: Vec<Condition>,
    /// Whether one of the conditions is enough.
    pub(super) any: bool,
    /// Nothing: all attributes.
    pub(super) select: Vec<Item>,
    pub(super) zone: Zone,
    pub(super) sort: Option<Sort>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) after: Option<After>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Record { table: &'static str, id: String, select: Vec<Item>, zone: Zone },
    Attribute { table: &'static str, id: String, name: &'static str },
    List(Query),
}

impl Query {
    pub(super) fn of(table: &'static str) -> Self {
        Self {
            table,
            conditions: Vec::new(),
            any: false,
            select: Vec::new(),
            zone: Zone::Utc,
            sort: None,
            limit: None,
            offset: 0,
            after: None,
        }
    }
}

impl Wanted {
    pub(super) fn table(&self) -> &'static str {
        match self {
            Self::Record { table, .. } | Self::Attribute { table, .. } | Self::List(Query { table, .. }) => table,
        }
    }

    /// The path, with the suffix of a format, or none.
    pub(super) fn url(&self, suffix: &str) -> String {
        match self {
            Self::Attribute { table, id, name } => format!("/{table}/{id}.{name}{suffix}"),
            Self::Record { table, id, select, zone } => {
                with_controls(format!("/{table}/{id}{suffix}"), [selected(select), zoned(*zone)])
            }
            Self::List(Query { after: Some(after), .. }) => after.url.clone(),
            Self::List(query) => with_controls(
                format!("/{}/{suffix}", query.table),
                [
                    filter(query),
                    selected(&query.select),
                    zoned(query.zone),
                    query.sort.map_or_else(String::new, sorted),
                    query.limit.map_or_else(String::new, |limit| format!("limit={limit}")),
                    if query.offset > 0 { format!("offset={}", query.offset) } else { String::new() },
                ],
            ),
        }
    }
}

fn with_controls<const N: usize>(path: String, parts: [String; N]) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { path } else { format!("{path}?{}", parts.join("&")) }
}

fn filter(query: &Query) -> String {
    let conditions: Vec<String> = query.conditions.iter().map(written).collect();
    if query.any { format!("({})", conditions.join("|")) } else { conditions.join("&") }
}

fn written(condition: &Condition) -> String {
    let path: Vec<&str> = condition.relations.iter().copied().chain([condition.attribute]).collect();
    let path = path.join(".");
    match &condition.test {
        Test::Is(Json::String(text)) => format!("{path}={text}"),
        Test::Is(value) => format!("{path}={value}"),
        Test::IsNot(text) => format!("{path}!={text}"),
        Test::Below(bound) => format!("{path}=lt={bound}"),
        Test::AtLeast(bound) => format!("{path}=ge={bound}"),
        Test::Between(low, high) => format!("{path}=between=({low},{high})"),
        Test::Begins(text) => format!("{path}=sw={text}"),
    }
}

fn selected(items: &[Item]) -> String {
    if items.is_empty() { String::new() } else { format!("select={}", listed(items)) }
}

fn listed(items: &[Item]) -> String {
    let one = |item: &Item| match item {
        Item::Attribute(name) => (*name).to_owned(),
        Item::Related(name, items) => format!("{name}{{{}}}", listed(items)),
    };
    items.iter().map(one).collect::<Vec<_>>().join(",")
}

fn zoned(zone: Zone) -> String {
    match zone {
        Zone::Utc => String::new(),
        Zone::Paris => "timezone=Europe/Paris".to_owned(),
        Zone::Tokyo => "timezone=Asia/Tokyo".to_owned(),
    }
}

fn sorted(sort: Sort) -> String {
    let sign = if sort.falling { "-" } else { "" };
    match sort.relation {
        Some(relation) => format!("sort={sign}{relation}.{}", sort.attribute),
        None => format!("sort={sign}{}", sort.attribute),
    }
}
