//! Scanned items → a [`Query`] in which every name is resolved against the schema.

use super::controls::{self, Control};
use super::operator::Operator;
use super::scan::{Entry, Item, Raw, Separator, scan};
use super::{
    Condition, Filter, InsideCondition, LiveQuery, Query, QueryError, RecordQuery, bound, decode, inside, select,
};
use crate::limits;
use crate::model::{AttributeId, RelationId, Schema, Table, TableId};
use crate::nearest::nearest;
use crate::time::Zone;
use std::cell::Cell;

/// Reads a collection's query.
pub(super) fn query(schema: &Schema, table: TableId, raw: &str) -> Result<Query, QueryError> {
    let mut query = Query::everything(schema, table);
    if raw.is_empty() {
        return Ok(query);
    }
    read(schema, raw, &mut query, None)?;
    Ok(query)
}

/// Reads a collection's query that is followed.
pub(super) fn live_query(schema: &Schema, table: TableId, raw: &str) -> Result<LiveQuery, QueryError> {
    let mut query = Query::everything(schema, table);
    let mut following = Following::default();
    if !raw.is_empty() {
        read(schema, raw, &mut query, Some(&mut following))?;
    }
    Ok(following.of(query))
}

/// What only a query that is followed says.
struct Following {
    since: Option<String>,
    snapshot: bool,
}

impl Default for Following {
    fn default() -> Self {
        Self { since: None, snapshot: true }
    }
}

impl Following {
    fn of(self, query: Query) -> LiveQuery {
        LiveQuery { query, since: self.since, snapshot: self.snapshot }
    }

    fn apply(&mut self, control: Control, written: &Written<'_>) -> Result<(), QueryError> {
        match control {
            Control::Since => self.since = Some(decode::plain(written.value.text, written.value.position)?),
            Control::Snapshot => self.snapshot = controls::flag(written.value)?,
            _ => {
                let detail = format!("live updates have no pages: leave out {}", written.name);
                return Err(QueryError::syntax(written.position, detail));
            }
        }
        Ok(())
    }
}

fn read(schema: &Schema, raw: &str, query: &mut Query, following: Option<&mut Following>) -> Result<(), QueryError> {
    let table = query.table;
    let binder = Binder { schema, followed: Cell::new(0) };
    let entries = scan(raw)?;
    query.without_page = binder.without_page(table, raw, &entries)?;
    let (conditions, written) = binder.separate(table, entries)?;
    apply(schema, &written, query, following)?;
    let mut last = None;
    query.filter = binder.filter(table, &conditions, query.zone.as_ref(), &mut last)?;
    select::narrow(schema, table, &mut query.select, &query.filter);
    Ok(())
}

/// Reads the query of a record that is followed, all but which record that is.
pub(super) fn live_record_query(schema: &Schema, table: TableId, raw: &str) -> Result<LiveQuery, QueryError> {
    let mut following = Following::default();
    let read = read_record(schema, table, raw, Some(&mut following))?;
    let mut query = Query::everything(schema, table);
    query.select = read.select.unwrap_or(query.select);
    query.zone = read.zone;
    Ok(following.of(query))
}

/// Reads a record's query: `select` and `timezone` are controls here even if attributes have these names.
pub(super) fn record_query(schema: &Schema, table: TableId, raw: &str) -> Result<RecordQuery, QueryError> {
    read_record(schema, table, raw, None)
}

fn read_record(
    schema: &Schema,
    table: TableId,
    raw: &str,
    mut following: Option<&mut Following>,
) -> Result<RecordQuery, QueryError> {
    let mut read = RecordQuery { select: None, zone: None };
    let mut given: Vec<Control> = Vec::new();
    for entry in scan(raw)? {
        let written = Written::of(&entry)?;
        if let Some(following) = following.as_deref_mut()
            && let Some(written) = &written
            && let Some(control) = Control::named(&written.name).filter(|control| control.follows())
        {
            if given.contains(&control) {
                return Err(QueryError::syntax(entry.position, "this control stands twice"));
            }
            given.push(control);
            following.apply(control, written)?;
            continue;
        }
        match written.as_ref().and_then(|written| Some((Control::named(&written.name)?, written))) {
            Some((Control::Select, written)) if read.select.is_none() => {
                read.select = Some(select::read(schema, table, written.value, written.call)?);
            }
            Some((Control::Timezone, written)) if read.zone.is_none() => {
                read.zone = Some(controls::timezone(written.value)?)
            }
            Some((Control::Select | Control::Timezone, _)) => {
                return Err(QueryError::syntax(entry.position, "this control stands twice"));
            }
            _ if following.is_some() => {
                let detail = "what is followed by its key takes only select, timezone, since and snapshot";
                return Err(QueryError::syntax(entry.position, detail));
            }
            _ => return Err(QueryError::syntax(entry.position, "one record takes only select and timezone")),
        }
    }
    Ok(read)
}

/// A control as written.
struct Written<'a> {
    name: String,
    value: Raw<'a>,
    position: usize,
    call: bool,
}

impl<'a> Written<'a> {
    /// The item as a control would be written, whatever its name.
    fn of(entry: &Entry<'a>) -> Result<Option<Self>, QueryError> {
        let (name, value, call) = match &entry.item {
            Item::Call { name, arguments } => (*name, *arguments, true),
            Item::Comparison { name, operator, value } if *operator == PLAIN_EQUAL => (*name, *value, false),
            Item::Comparison { .. } | Item::Group(_) => return Ok(None),
        };
        Ok(Some(Self { name: decode::plain(name, entry.position)?, value, position: entry.position, call }))
    }
}

const PLAIN_EQUAL: Operator = Operator::plain(super::operator::Comparison::Equal, false);

fn apply(
    schema: &Schema,
    written: &[(Control, Written<'_>)],
    query: &mut Query,
    mut following: Option<&mut Following>,
) -> Result<(), QueryError> {
    let mut paged_by_range = false;
    for (at, (control, it)) in written.iter().enumerate() {
        if written[..at].iter().any(|(earlier, _)| earlier == control) {
            return Err(QueryError::syntax(it.position, format!("{} stands twice", it.name)));
        }
        if let Some(following) = following.as_deref_mut()
            && (control.follows() || control.pages())
        {
            following.apply(*control, it)?;
            continue;
        }
        let of_kind = match control {
            Control::Timezone => &mut query.controls.timezone,
            _ => &mut query.controls.paging_or_select,
        };
        of_kind.get_or_insert(it.position);
        match control {
            Control::Limit => {
                let (start, length) = controls::limit(it.value)?;
                query.limit = Some(length);
                if let Some(start) = start {
                    paged_by_range = true;
                    query.offset = start;
                }
            }
            Control::Offset => query.offset = controls::number(it.value)?,
            Control::Sort => query.sort = controls::sort(schema, query.table, it.value)?,
            Control::Select => query.select = select::read(schema, query.table, it.value, it.call)?,
            Control::Timezone => query.zone = Some(controls::timezone(it.value)?),
            Control::After => query.after = Some((decode::plain(it.value.text, it.value.position)?, it.value.position)),
            Control::Since | Control::Snapshot => {
                let detail =
                    format!("{} belongs to live updates: open a WebSocket, or take text/event-stream", it.name);
                return Err(QueryError::syntax(it.position, detail));
            }
            Control::Reserved => {
                return Err(QueryError::syntax(it.position, format!("{} is reserved and not available here", it.name)));
            }
        }
    }
    let of = |wanted: Control| written.iter().find(|(control, _)| *control == wanted).map(|(_, it)| it.position);
    match (of(Control::Offset), of(Control::After)) {
        (Some(position), _) if paged_by_range => {
            Err(QueryError::syntax(position, "limit(start,end) and offset exclude each other"))
        }
        (Some(position), Some(_)) => Err(QueryError::syntax(position, "after and offset exclude each other")),
        (None, Some(position)) if paged_by_range => {
            Err(QueryError::syntax(position, "limit(start,end) and after exclude each other"))
        }
        _ => Ok(()),
    }
}

struct Binder<'s> {
    schema: &'s Schema,
    /// Relations that the conditions so far have followed.
    followed: Cell<usize>,
}

/// The last attribute that a condition named, for `price=gt=10&=lt=100`.
type Last<'a> = Option<&'a str>;

impl Binder<'_> {
    /// Takes the controls out of the items of the top level. A declared attribute is always a filter; a call never is.
    fn separate<'a>(&self, table: TableId, entries: Vec<Entry<'a>>) -> Result<Separated<'a>, QueryError> {
        let mut separated: Separated<'a> = (Vec::new(), Vec::new());
        let mut after_control = false;
        for mut entry in entries {
            match self.control(table, &entry)? {
                Some(control) => {
                    separated.1.push(control);
                    after_control = true;
                    if entry.separator == Some(Separator::Or) {
                        return Err(QueryError::syntax(entry.position, "| joins conditions only"));
                    }
                }
                None => {
                    if after_control && entry.separator == Some(Separator::And) {
                        entry.separator = None;
                    }
                    after_control = false;
                    separated.0.push(entry);
                }
            }
        }
        Ok(separated)
    }

    /// The raw items but those that say where the page lies.
    fn without_page(&self, table: TableId, raw: &str, entries: &[Entry<'_>]) -> Result<String, QueryError> {
        let mut kept = String::new();
        for (at, entry) in entries.iter().enumerate() {
            if self.control(table, entry)?.is_some_and(|(control, _)| control.pages()) {
                continue;
            }
            let end = entries.get(at + 1).map_or(raw.len(), |next| next.position);
            let item = raw[entry.position..end].trim_end_matches(['&', '|']);
            if !kept.is_empty() {
                kept.push(if entry.separator == Some(Separator::Or) { '|' } else { '&' });
            }
            kept.push_str(item);
        }
        Ok(kept)
    }

    fn control<'a>(&self, table: TableId, entry: &Entry<'a>) -> Result<Option<(Control, Written<'a>)>, QueryError> {
        let Some(written) = Written::of(entry)? else { return Ok(None) };
        if !written.call && self.schema.table(table).shown_named(&written.name).is_some() {
            return Ok(None);
        }
        match Control::named(&written.name) {
            Some(control) => Ok(Some((control, written))),
            None if written.call => {
                let near = nearest(&written.name, ["limit", "sort", "select", "timezone", "since", "snapshot"]);
                let hint = near.map(|near| format!("; did you mean {near}(…)?")).unwrap_or_default();
                Err(QueryError::syntax(written.position, format!("unknown function {}(…){hint}", written.name)))
            }
            None => Ok(None),
        }
    }

    fn filter<'a>(
        &self,
        table: TableId,
        entries: &[Entry<'a>],
        zone: Option<&Zone>,
        last: &mut Last<'a>,
    ) -> Result<Filter, QueryError> {
        let connective = connective(entries)?;
        let mut terms = Vec::with_capacity(entries.len());
        for entry in entries {
            terms.push(self.term(table, entry, zone, last)?);
        }
        let mut terms = merge_related(terms, connective);
        Ok(match (connective, terms.len()) {
            (_, 1) => terms.swap_remove(0),
            (Separator::And, _) => Filter::All(terms),
            (Separator::Or, _) => Filter::Any(terms),
        })
    }

    fn term<'a>(
        &self,
        table: TableId,
        entry: &Entry<'a>,
        zone: Option<&Zone>,
        last: &mut Last<'a>,
    ) -> Result<Filter, QueryError> {
        match &entry.item {
            Item::Group(entries) => self.filter(table, entries, zone, last),
            Item::Call { name, .. } => {
                Err(QueryError::syntax(entry.position, format!("{name}(…) stands outside of groups only")))
            }
            Item::Comparison { name, operator, value } => {
                let name = match (*name, *last) {
                    ("", Some(last)) => last,
                    ("", None) => return Err(QueryError::syntax(entry.position, "a name is missing here")),
                    (name, _) => name,
                };
                *last = Some(name);
                self.comparison(table, name, entry.position, *operator, *value, zone)
            }
        }
    }

    fn comparison(
        &self,
        table: TableId,
        name: &str,
        position: usize,
        operator: Operator,
        value: Raw<'_>,
        zone: Option<&Zone>,
    ) -> Result<Filter, QueryError> {
        let name = decode::plain(name, position)?;
        if Control::named(&name).is_some() && self.schema.table(table).shown_named(&name).is_none() {
            return Err(QueryError::syntax(position, format!("{name} takes one =, outside of groups")));
        }
        let (through, owner, rest) = follow(self.schema, table, &name, position)?;
        self.count(through.len(), position)?;
        let declared = self.schema.table(owner);
        let is = match inside::place(declared, rest, position)? {
            Some((attribute, path, leaf)) => {
                let test = bound::inside(leaf, operator, value, zone)?;
                Filter::Inside(InsideCondition { attribute, path, test, negated: operator.negated })
            }
            None => {
                let id = declared.shown_named(rest).ok_or_else(|| unknown(declared, rest, position))?;
                let test = bound::test(declared.attribute(id), operator, value, zone)?;
                Filter::Is(Condition { attribute: id, test, negated: operator.negated })
            }
        };
        Ok(through
            .into_iter()
            .rev()
            .fold(is, |filter, (_, relation)| Filter::Related { relation, filter: Box::new(filter) }))
    }

    fn count(&self, followed: usize, position: usize) -> Result<(), QueryError> {
        self.followed.set(self.followed.get() + followed);
        if self.followed.get() > limits::QUERY_RELATIONS {
            let detail = format!("the conditions follow more than {} relations", limits::QUERY_RELATIONS);
            return Err(QueryError::syntax(position, detail));
        }
        Ok(())
    }
}

/// The conditions, and the controls among which they stood.
type Separated<'a> = (Vec<Entry<'a>>, Vec<(Control, Written<'a>)>);

fn connective(entries: &[Entry<'_>]) -> Result<Separator, QueryError> {
    let mut separators = entries.iter().skip(1).filter_map(|entry| Some((entry.separator?, entry.position)));
    let Some((first, _)) = separators.next() else { return Ok(Separator::And) };
    match separators.find(|(separator, _)| *separator != first) {
        Some((_, position)) => Err(QueryError::syntax(position, "& and | at one level: group them with ( )")),
        None => Ok(first),
    }
}

/// Conditions on one relation must be met by the same related record: they become one.
fn merge_related(terms: Vec<Filter>, connective: Separator) -> Vec<Filter> {
    let mut merged: Vec<Filter> = Vec::with_capacity(terms.len());
    for term in terms {
        let Filter::Related { relation, filter } = term else {
            merged.push(term);
            continue;
        };
        let same = merged.iter_mut().find_map(|known| match known {
            Filter::Related { relation: known, filter } if *known == relation => Some(filter),
            _ => None,
        });
        match same {
            Some(known) => {
                let parts = vec![std::mem::replace(&mut **known, Filter::EVERYTHING), *filter];
                let parts = merge_related(flatten(parts, connective), connective);
                **known = match connective {
                    Separator::And => Filter::All(parts),
                    Separator::Or => Filter::Any(parts),
                };
            }
            None => merged.push(Filter::Related { relation, filter }),
        }
    }
    merged
}

/// Parts that are joined by the same connective become parts of the whole.
fn flatten(parts: Vec<Filter>, connective: Separator) -> Vec<Filter> {
    parts
        .into_iter()
        .flat_map(|part| match (part, connective) {
            (Filter::All(inner), Separator::And) | (Filter::Any(inner), Separator::Or) => inner,
            (part, _) => vec![part],
        })
        .collect()
}

/// The relations that a dotted name follows, the table at their end, and the attribute there.
pub(super) type Path = (Vec<(TableId, RelationId)>, TableId, AttributeId);

/// Resolves `attribute` or `relation.….attribute`.
pub(super) fn path(schema: &Schema, table: TableId, name: &str, position: usize) -> Result<Path, QueryError> {
    let (through, at, rest) = follow(schema, table, name, position)?;
    let declared = schema.table(at);
    if inside::place(declared, rest, position)?.is_some() {
        let detail = format!("{rest} lies inside a nested value, which conditions can name and sort cannot");
        return Err(QueryError::syntax(position, detail));
    }
    let id = declared.shown_named(rest).ok_or_else(|| unknown(declared, rest, position))?;
    Ok((through, at, id))
}

/// The relations that a dotted name begins with, the table at their end, and the rest of the name.
type Followed<'n> = (Vec<(TableId, RelationId)>, TableId, &'n str);

fn follow<'n>(schema: &Schema, table: TableId, name: &'n str, position: usize) -> Result<Followed<'n>, QueryError> {
    let mut through = Vec::new();
    let (mut at, mut rest) = (table, name);
    if name.is_empty() {
        return Err(QueryError::syntax(position, "a name is missing here"));
    }
    while let Some((relation, after)) = rest.split_once('.') {
        let declared = schema.table(at);
        let Some(id) = declared.relation_named(relation) else {
            let nested = declared.shown_named(relation).is_some_and(|id| declared.attribute(id).nested().is_some());
            return if nested { Ok((through, at, rest)) } else { Err(unknown(declared, relation, position)) };
        };
        through.push((at, id));
        at = declared.relation(id).target;
        rest = after;
        if through.len() > limits::QUERY_DEPTH {
            return Err(QueryError::syntax(position, "this path follows too many relations"));
        }
    }
    Ok((through, at, rest))
}

pub(super) fn unknown(table: &Table, name: &str, position: usize) -> QueryError {
    QueryError::UnknownAttribute {
        table: table.name.clone(),
        name: name.to_owned(),
        nearest: nearest(name, table.field_names()).map(str::to_owned),
        position,
    }
}
