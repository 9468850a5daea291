//! Holds every answer against the log: there must be a position, not before anything that was known when it was asked and not
//! after what could have been there when it came, at which just this was to be answered.

use super::ask::Form;
use super::meaning::{self, Expected};
use super::order::Known;
use super::positions::{Positions, table_number};
use super::query::{Item, Query, Wanted};
use super::read::Read;
use super::shown::{self, Shown};
use super::write::Write;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// At no position was this to be answered.
    Never,
    /// It was right before something that was acknowledged, or told, before it was asked.
    Stale,
    /// It does not include the position that it names.
    OwnPosition,
    /// It was right, but somebody has seen more before.
    Backwards,
    /// It was right only after it had come.
    Early,
    /// Its position is not one that there was, or not what was asked.
    Position,
    /// Its tag stands for something else.
    Tag,
}

/// An answer that is wrong, with an account of it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) wrong: Wrong,
    account: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.wrong, self.account)
    }
}

/// What was judged.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) reads: usize,
    /// There was more than one answer that could have been given.
    pub(super) open: usize,
    /// Another answer would have been right when the run was at its beginning.
    pub(super) changed: usize,
    pub(super) not_modified: usize,
    pub(super) heads: usize,
    pub(super) missing: usize,
    pub(super) encoded: usize,
    pub(super) pages: usize,
    pub(super) counted: usize,
    pub(super) other_forms: usize,
    pub(super) hits: usize,
    pub(super) misses: usize,
}

/// Where the answer to a read may be found.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// What was acknowledged or told before it was asked.
    known: usize,
    /// What it says itself.
    own: usize,
    /// What others have seen before.
    seen: usize,
    latest: usize,
}

type Body<'r> = (&'r Read, Rc<Shown>);

struct Judge<'r> {
    positions: &'r Positions,
    /// What each tag stands for, by variant.
    tagged: HashMap<(String, &'r str), Body<'r>>,
    /// What each question meant, by the last change that could matter and what had expired.
    meant: HashMap<(String, usize, Vec<String>), Rc<Expected>>,
}

pub(super) fn check(positions: &Positions, writes: &[Write], reads: &[Read]) -> Result<Summary, Fault> {
    let mut judge = Judge { positions, tagged: HashMap::new(), meant: HashMap::new() };
    reads.iter().try_for_each(|read| judge.learn(read))?;
    let mut in_order: Vec<&Read> = reads.iter().collect();
    in_order.sort_by_key(|read| read.begin);
    let (mut told, mut seen) = (Known::default(), Known::default());
    let index = |seq: u64| usize::try_from(seq).unwrap_or(usize::MAX);
    for write in writes {
        write.seq.iter().for_each(|seq| told.from(write.end, index(*seq)));
    }
    let mut summary = Summary::default();
    for read in in_order {
        let own = read.seq.map_or(0, index);
        let bounds = Bounds {
            known: told.before(read.begin).max(read.asked.map_or(0, index)),
            own,
            seen: seen.before(read.begin),
            latest: positions.latest(read.end),
        };
        let found = judge.place(read, bounds)?;
        told.from(read.end, own);
        seen.from(read.end, found);
        judge.count(read, bounds, &mut summary);
    }
    Ok(summary)
}

impl<'r> Judge<'r> {
    /// A tag always stands for the same bytes.
    fn learn(&mut self, read: &'r Read) -> Result<(), Fault> {
        let (Some(tag), 200, false) = (&read.tag, read.status, read.ask.head) else { return Ok(()) };
        let key = (read.ask.variant(), tag.as_str());
        if let Some((known, _)) = self.tagged.get(&key) {
            if known.body != read.body {
                let other = shown::text(known);
                return Err(fault(Wrong::Tag, read, &format!("the same tag stood for\n  {other}")));
            }
        } else {
            self.tagged.insert(key, (read, Rc::new(shown::of(read, read))));
        }
        Ok(())
    }

    /// The smallest position that explains an answer.
    fn place(&mut self, read: &Read, bounds: Bounds) -> Result<usize, Fault> {
        let told = read.seq.is_some() || read.status == 404;
        let asked = read.asked.is_some_and(|asked| read.seq.is_some_and(|seq| seq < asked));
        if !told || asked || bounds.own > bounds.latest {
            let why = format!("at its end the log was at {} at most", bounds.latest);
            return Err(fault(Wrong::Position, read, &why));
        }
        let body = self.body(read)?;
        let lowest = bounds.known.max(bounds.own).max(bounds.seen);
        let found = (lowest..=bounds.latest).find(|at| self.explains(read, body.as_deref(), *at));
        found.ok_or_else(|| self.unexplained(read, body.as_deref(), bounds))
    }

    /// What an answer shows; `None` if it says so of something unknown.
    fn body(&self, read: &Read) -> Result<Option<Rc<Shown>>, Fault> {
        let (held, tag) = (read.held.as_deref(), read.tag.as_deref());
        let known = |tag: &str| self.tagged.get(&(read.ask.variant(), tag)).map(|(_, shown)| Rc::clone(shown));
        match (read.status, read.ask.head) {
            (404, _) => Ok(None),
            (200, _) if held.is_some() && held == tag => {
                Err(fault(Wrong::Tag, read, "what was held is current, and was sent"))
            }
            (200, true) => Ok(tag.and_then(known)),
            (200, false) => Ok(tag.and_then(known).or_else(|| Some(Rc::new(shown::of(read, read))))),
            (304, _) if held.is_none() || held != tag => Err(fault(Wrong::Tag, read, "the current one is another")),
            // It may have been told by a HEAD only.
            (304, _) => Ok(tag.and_then(known)),
            _ => Err(fault(Wrong::Never, read, "nothing of the kind was asked")),
        }
    }

    fn explains(&mut self, read: &Read, body: Option<&Shown>, at: usize) -> bool {
        let expected = self.expected(read, at);
        // A page and its counts are statements of their own: what ends between them may be in one and not in another.
        let placed = expected.len() > 1 || expected.iter().all(|expected| shown::is_placed(read, expected));
        placed && self.positions.is_whole(at) && expected.iter().any(|expected| shown::fits(read, body, expected))
    }

    /// What was to be answered at a position: several answers if something ended meanwhile.
    fn expected(&mut self, read: &Read, at: usize) -> Vec<Rc<Expected>> {
        let tables = tables(&read.ask.wanted);
        let version = self.positions.version(at, &tables);
        let (url, world) = (read.ask.wanted.url(""), self.positions.world(at));
        let expired = if tables.contains(&table_number("Hold")) {
            ended(self.positions, read, at)
        } else {
            vec![BTreeSet::new()]
        };
        let mut answers = Vec::new();
        for expired in expired {
            let key = (url.clone(), version, expired.iter().cloned().collect());
            let make = || Rc::new(meaning::answer(&world.without(&expired), &read.ask.wanted));
            answers.push(Rc::clone(self.meant.entry(key).or_insert_with(make)));
        }
        answers
    }

    fn unexplained(&mut self, read: &Read, body: Option<&Shown>, bounds: Bounds) -> Fault {
        let right: Vec<usize> = (0..=self.positions.last()).filter(|at| self.explains(read, body, *at)).collect();
        let from = |lowest: usize| right.iter().any(|at| (lowest..=bounds.latest).contains(at));
        let wrong = match right.first() {
            None => Wrong::Never,
            Some(first) if *first > bounds.latest => Wrong::Early,
            Some(_) if !from(bounds.known) => Wrong::Stale,
            Some(_) if !from(bounds.known.max(bounds.own)) => Wrong::OwnPosition,
            Some(_) => Wrong::Backwards,
        };
        let mut account = format!(
            "it must be that of a position from {} (acknowledged or told before), {} (its own) and {} (seen before) to {}; it is right at {}",
            bounds.known,
            bounds.own,
            bounds.seen,
            bounds.latest,
            if right.is_empty() { "none".to_owned() } else { spans(&right) },
        );
        let lowest = bounds.known.max(bounds.own).max(bounds.seen);
        let mut last = Vec::new();
        for at in lowest..=bounds.latest {
            let expected = self.expected(read, at);
            if expected != last && self.positions.is_whole(at) {
                expected.iter().for_each(|it| account.push_str(&format!("\n  from {at} expected {}", shown::told(it))));
                last = expected;
            }
        }
        fault(wrong, read, &account)
    }

    fn count(&mut self, read: &Read, bounds: Bounds, summary: &mut Summary) {
        let lowest = bounds.known.max(bounds.own).max(bounds.seen);
        let first = self.expected(read, lowest);
        let open =
            (lowest + 1..=bounds.latest).any(|at| self.positions.is_whole(at) && self.expected(read, at) != first);
        summary.reads += 1;
        summary.open += usize::from(open);
        summary.changed += usize::from(self.expected(read, 0) != first);
        summary.not_modified += usize::from(read.status == 304);
        summary.heads += usize::from(read.ask.head);
        summary.missing += usize::from(read.status == 404);
        summary.encoded += usize::from(read.coding.is_some());
        summary.pages += usize::from(read.more);
        summary.counted += usize::from(read.place.is_some());
        summary.other_forms += usize::from(read.ask.form != Form::Json);
        summary.hits += usize::from(read.hit == Some(true));
        summary.misses += usize::from(read.hit == Some(false));
    }
}

/// The holds that were over while it was answered: at its beginning, and with each that ended before it came.
fn ended(positions: &Positions, read: &Read, at: usize) -> Vec<BTreeSet<String>> {
    let world = positions.world(at);
    let mut states: Vec<BTreeSet<String>> = (read.begin_ms..=read.end_ms).map(|now| world.expired(now)).collect();
    states.dedup();
    states
}

/// The tables that an answer may depend on.
fn tables(wanted: &Wanted) -> Vec<usize> {
    fn follow(relation: &str, tables: &mut BTreeSet<usize>) {
        tables.insert(table_number(match relation {
            "category" => "Category",
            "holds" => "Hold",
            "product" | "products" => "Product",
            "organizer" | "attendees" => "User",
            "events" => "Event",
            other => panic!("{other} is no relation"),
        }));
    }
    fn select(items: &[Item], tables: &mut BTreeSet<usize>) {
        for item in items {
            if let Item::Related(relation, items) = item {
                follow(relation, tables);
                select(items, tables);
            }
        }
    }
    let mut tables = BTreeSet::from([table_number(wanted.table())]);
    match wanted {
        Wanted::Attribute { .. } => {}
        Wanted::Record { select: items, .. } => select(items, &mut tables),
        Wanted::List(Query { conditions, select: items, sort, .. }) => {
            conditions.iter().flat_map(|it| it.relations).for_each(|it| follow(it, &mut tables));
            sort.iter().filter_map(|sort| sort.relation).for_each(|it| follow(it, &mut tables));
            select(items, &mut tables);
        }
    }
    tables.into_iter().collect()
}

fn fault(wrong: Wrong, read: &Read, why: &str) -> Fault {
    let Read { begin, end, held, asked, status, seq, tag, more, place, hit, .. } = read;
    let method = if read.ask.head { "HEAD" } else { "GET" };
    let account = format!(
        "{method} {}\n  {:?}, if-none-match {held:?}, stoa-seq {asked:?}, from {begin} to {end} ns\n  was answered {status} at \
         {seq:?}, tag {tag:?}, next page {more}, place {place:?}, from the cache {hit:?}\n  {}\n{why}",
        read.ask.url(),
        read.ask.headers(),
        shown::text(read),
    );
    Fault { wrong, account }
}

/// Positions as a few spans.
fn spans(positions: &[usize]) -> String {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for at in positions {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *at => *last = *at,
            _ => spans.push((*at, *at)),
        }
    }
    spans.iter().map(|(first, last)| format!("{first}..={last}")).collect::<Vec<_>>().join(", ")
}
