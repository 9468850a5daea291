//! An answer that is there: bytes ready to send, with the forms in which they are sent.

use super::asked::Asked;
use super::watch::Watch;
use crate::data::coding::{self, Coding};
use crate::data::format::Format;
use crate::data::list::Place;
use crate::data::representation::Representation;
use crate::data::tag::Tag;
use crate::data::whole::Whole;
use crate::limits;
use bytes::Bytes;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use stoa_schema::model::TableId;

/// Of which kind an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The whole record in plain JSON, of a table whose records last.
    Plain,
    /// Any other answer.
    Other,
    /// None: it would be too long.
    Long,
}

/// An answer. It holds for all who ask the same until it is stale or its time has come.
#[derive(Debug)]
pub struct Entry {
    url: Box<str>,
    manner: u8,
    /// Under which name its format is given.
    pub name: u8,
    format: Format,
    /// The table whose records it shows.
    pub table: TableId,
    stale: AtomicBool,
    pub(super) slot: AtomicU32,
    /// In milliseconds since 1970.
    until_ms: i64,
    revision: Option<i64>,
    kind: Kind,
    /// Of what it is watched by.
    watch_bytes: u32,
    /// Not encoded.
    pub body: Bytes,
    /// Of the body as it is.
    pub tag: Tag,
    /// The rest, of a page.
    pub page: Option<Box<Page>>,
    coded: OnceLock<Box<[OnceLock<Coded>; 3]>>,
}

/// What an answer says beside its records.
#[derive(Debug)]
pub struct Page {
    /// The URL of the next page.
    pub next: Option<String>,
    /// Where it lies, if that was asked.
    pub place: Option<Place>,
    /// What the one who writes the app should know of it.
    pub advice: Option<String>,
}

/// An encoded body.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The bytes.
    pub body: Bytes,
    /// Their tag.
    pub tag: Tag,
}

/// The slot of an entry that has none.
pub(super) const NOWHERE: u32 = u32::MAX;
/// What an entry takes beside what it holds and what it is watched by, as far as it counts: the tables that lead to it take
/// some hundred bytes more.
const OVERHEAD_BYTES: usize = 64;

impl Entry {
    /// What was read for those who ask so; `until_ms`: when a record that it shows expires.
    pub(super) fn new(asked: &Asked<'_>, whole: Whole, until_ms: Option<i64>) -> Self {
        let Whole { table, name, body, revision, plain, next, place, advice } = whole;
        let sent_as = Representation { format: asked.format(), coding: None };
        let tag = tag(revision, &body, plain, sent_as);
        let page = next.is_some() || place.is_some() || advice.is_some();
        Self {
            url: asked.url().into(),
            manner: asked.manner(),
            name,
            format: asked.format(),
            table,
            stale: AtomicBool::new(false),
            slot: AtomicU32::new(NOWHERE),
            until_ms: until_ms.unwrap_or(i64::MAX),
            revision,
            kind: if plain { Kind::Plain } else { Kind::Other },
            watch_bytes: 0,
            body: body.into_boxed_slice().into(),
            tag,
            page: page.then(|| Box::new(Page { next, place, advice })),
            coded: OnceLock::new(),
        }
    }

    /// Says that an answer is too long to be kept.
    pub(super) fn long(asked: &Asked<'_>) -> Self {
        Self { kind: Kind::Long, ..Self::new(asked, Whole::new(TableId(0), Vec::new()), None) }
    }

    /// Notes what it is watched by, as far as that takes room, and whether records that it looks at can expire.
    pub(super) fn watched(self, watches: &[Watch], expiring: bool) -> Self {
        let bytes: usize = watches.iter().map(Watch::bytes).sum();
        // With a change a record that lasted may begin to end.
        let kind = if expiring { Kind::Other } else { self.kind };
        Self { kind, watch_bytes: u32::try_from(bytes).unwrap_or(u32::MAX), ..self }
    }

    /// The whole record in plain JSON with another value.
    pub(super) fn renewed(&self, revision: i64, body: Vec<u8>) -> Self {
        Self {
            url: self.url.clone(),
            manner: self.manner,
            name: self.name,
            format: self.format,
            table: self.table,
            stale: AtomicBool::new(false),
            slot: AtomicU32::new(self.slot.load(Ordering::Relaxed)),
            until_ms: i64::MAX,
            revision: Some(revision),
            kind: Kind::Plain,
            watch_bytes: self.watch_bytes,
            body: body.into_boxed_slice().into(),
            tag: Tag::revision(revision),
            page: None,
            coded: OnceLock::new(),
        }
    }

    /// Whether it answers this.
    pub(super) fn answers(&self, asked: &Asked<'_>) -> bool {
        *self.url == *asked.url() && self.manner == asked.manner()
    }

    /// The place of its answer in the cache.
    pub(super) fn hash(&self) -> u64 {
        Asked::hash_of(&self.url, self.manner)
    }

    /// Whether it is what a read would show now.
    pub(super) fn is_fresh(&self) -> bool {
        !self.stale.load(Ordering::Acquire) && self.is_in_time()
    }

    /// Whether nothing that it shows has expired.
    pub(super) fn is_in_time(&self) -> bool {
        self.until_ms == i64::MAX || now_ms() < self.until_ms
    }

    pub(super) fn make_stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Whether it says only that there is no answer to be kept.
    pub(super) fn is_long(&self) -> bool {
        self.kind == Kind::Long
    }

    /// Whether the change log alone tells what it is after a change.
    pub(super) fn is_renewable(&self) -> bool {
        self.kind == Kind::Plain
    }

    /// The bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let coded: usize = self.coded.get().map_or(0, |all| {
            size_of_val(&**all) + all.iter().filter_map(OnceLock::get).map(|coded| coded.body.len()).sum::<usize>()
        });
        let page = self.page.as_ref().map_or(0, |page| size_of::<Page>() + page.next.as_ref().map_or(0, String::len));
        OVERHEAD_BYTES + size_of::<Self>() + self.watch_bytes as usize + self.url.len() + self.body.len() + coded + page
    }

    /// The encoded body that was made before.
    pub fn known(&self, coding: Coding) -> Option<&Coded> {
        self.coded.get()?[at(coding)].get()
    }

    /// The tag of the encoded body.
    pub fn coded_tag(&self, coding: Coding) -> Tag {
        let sent_as = Representation { format: self.format, coding: Some(coding) };
        self.known(coding).map_or_else(|| tag(self.revision, &self.body, false, sent_as), |coded| coded.tag)
    }

    /// Encodes the body.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) async fn encoded(&self, coding: Coding) -> io::Result<Coded> {
        let body = match self.body.len() {
            0..=limits::ENCODED_HERE_BYTES => coding::encode(coding, &self.body)?,
            _ => {
                let body = self.body.clone();
                let encoding = tokio::task::spawn_blocking(move || coding::encode(coding, &body));
                encoding.await.map_err(io::Error::other)??
            }
        };
        Ok(Coded { body: body.into_boxed_slice().into(), tag: self.coded_tag(coding) })
    }

    /// Keeps an encoded body; whether it is the first of its kind.
    pub(super) fn keep(&self, coding: Coding, coded: Coded) -> bool {
        self.coded.get_or_init(Box::default)[at(coding)].set(coded).is_ok()
    }
}

fn tag(revision: Option<i64>, body: &[u8], plain: bool, sent_as: Representation) -> Tag {
    match revision {
        Some(revision) => Tag::record(revision, body, plain, sent_as),
        None => Tag::content(body, sent_as),
    }
}

fn at(coding: Coding) -> usize {
    match coding {
        Coding::Gzip => 0,
        Coding::Brotli => 1,
        Coding::Zstd => 2,
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
