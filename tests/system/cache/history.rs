//! Many write and many read a few records at random; every question is recorded with its answer and when they were sent.
//! Afterwards the change log says what was to be answered at every position, and each answer must be that of a position
//! which it may be of:
//!
//! - not before what was acknowledged, or told with `Stoa-Seq`, by the time it was asked for, nor what it names itself;
//! - not after what could have been there when it came: the first write that began later comes too late;
//! - not before what others had seen when it was asked for ([`order`]);
//! - none within a commit.
//!
//! What a question means is written down a second time ([`meaning`]). A tag must stand for the same bytes always, and a 304
//! shows what its tag stands for. What ends by itself may be there or not while its end lies between question and answer.
//!
//! `STOA_LONG=1` makes many rounds; `STOA_SEED=n` repeats the cases of one seed, which a failure prints.

mod ask;
mod judge;
mod lie;
mod meaning;
mod order;
mod positions;
mod query;
mod read;
mod shown;
mod write;

use judge::{Fault, Summary, Wrong};
use lie::{Liar, Lie, Old};
use positions::Positions;
use read::{Reader, Tags};
use std::thread::scope;
use std::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::dice::{Seed, count, seeds};
use stoa_tests::pace::Pace;
use stoa_tests::server::{Server, Start, serve_knows};
use write::{Write, Writer};

const SCHEMA: &str = "
type Category @table @export {
  id: ID @primaryKey name: String @indexed rank: Int stamp: String products: [Product] @relationship(to: categoryId)
}
type Product @table @export {
  id: ID @primaryKey name: String @indexed price: Int @indexed stock: Int @check(min: 0)
  inStock: Boolean @computed(from: \"stock > 0\") @indexed
  categoryId: ID @indexed since: Date text: String stamp: String
  category: Category @relationship(from: categoryId, onDelete: setNull)
  holds: [Hold] @relationship(to: productId)
}
type Hold @table @export {
  id: ID @primaryKey productId: ID @indexed person: String until: Date @expiresAt stamp: String
  product: Product @relationship(from: productId, onDelete: cascade)
}
type User @table @export { id: ID @primaryKey name: String stamp: String events: [Event] @relationship(to: attendeeIds) }
type Event @table @export {
  id: ID @primaryKey title: String organizerId: ID @indexed attendeeIds: [ID] @indexed stamp: String
  organizer: User @relationship(from: organizerId) attendees: [User] @relationship(from: attendeeIds)
}";

const WRITERS: usize = 8;
const READERS: usize = 32;

/// How much a server may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Default,
    /// So little that what is kept goes soon.
    Tiny,
    Nothing,
}

impl Memory {
    /// A server that keeps nothing needs not be told so.
    fn arguments(self) -> Vec<String> {
        let megabytes = match self {
            Self::Default => return Vec::new(),
            Self::Tiny => "0.02",
            Self::Nothing => "0",
        };
        match serve_knows("--cache-megabytes") {
            true => vec!["--cache-megabytes".to_owned(), megabytes.to_owned()],
            false => Vec::new(),
        }
    }
}

#[test]
fn every_answer_is_what_was_there() {
    seeds(1, 10).map(Seed).for_each(|seed| holds(&seed, Memory::Default));
}

#[test]
fn every_answer_is_what_was_there_while_what_is_kept_goes_soon() {
    seeds(1, 10).map(Seed).for_each(|seed| holds(&seed, Memory::Tiny));
}

#[test]
fn every_answer_is_what_was_there_where_nothing_is_kept() {
    seeds(1, 4).map(Seed).for_each(|seed| holds(&seed, Memory::Nothing));
}

fn holds(seed: &Seed, memory: Memory) {
    let judged = history(seed, memory, None, count(300, 1_000)).unwrap_or_else(|fault| panic!("{memory:?}: {fault}"));
    eprintln!("{memory:?}: {judged:?}");
    let Summary { open, changed, not_modified, heads, missing, encoded, pages, counted, other_forms, .. } = judged;
    let tried = [open, changed, not_modified, heads, missing, encoded, pages, counted, other_forms];
    assert!(tried.iter().all(|count| *count > 30), "not everything was tried: {judged:?}");
    let Summary { hits, misses, .. } = judged;
    match memory {
        Memory::Nothing => assert_eq!(hits, 0, "there is nothing to hit"),
        Memory::Default => assert!(hits + misses == 0 || (hits > 100 && misses > 100), "{hits} hits, {misses} misses"),
        Memory::Tiny => assert!(hits + misses == 0 || misses > 100, "{hits} hits, {misses} misses"),
    }
}

/// A check that sees nothing would not be noticed otherwise.
#[test]
fn every_kind_of_wrong_answer_is_seen() {
    for (lie, wrong) in [
        // What has ended since was never to be answered; what was asked with a later position has a position of its own.
        (Lie::Old, &[Wrong::Stale, Wrong::Never, Wrong::Position][..]),
        (Lie::OldAsNew, &[Wrong::Stale, Wrong::OwnPosition, Wrong::Never]),
        (Lie::Ahead, &[Wrong::Position]),
        (Lie::NotModified, &[Wrong::Tag]),
        (Lie::LastPage, &[Wrong::Never, Wrong::Stale]),
        (Lie::Count, &[Wrong::Never]),
        (Lie::Reversed, &[Wrong::Tag, Wrong::Never]),
        (Lie::OldTag, &[Wrong::Tag, Wrong::Never]),
        (Lie::Missing, &[Wrong::Never, Wrong::Stale]),
    ] {
        match history(&Seed(1), Memory::Nothing, Some(lie), 50) {
            Ok(judged) => panic!("{lie:?} is not seen: {judged:?}"),
            Err(fault) => assert!(wrong.contains(&fault.wrong), "{lie:?} is taken for {fault}"),
        }
    }
}

/// All at once, so many questions from each reader; what the check says of it.
fn history(seed: &Seed, memory: Memory, lie: Option<Lie>, questions: usize) -> Result<Summary, Fault> {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    let server = Server::start(app.path(), Start { arguments: memory.arguments(), ..Start::default() });
    let (clock, tags, pace, old) = (Instant::now(), Tags::default(), Pace::default(), Old::default());
    let mut first = Writer::new("fill".to_owned(), seed.dice(99), clock);
    first.fill(&Client::new(&server.base));
    let (reads, mut writes) = scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                let liar = Liar::new(lie, seed.dice(200 + number), &old);
                let mut reader = Reader::new(seed, seed.dice(100 + number), clock, &tags, liar);
                let (client, pace) = (Client::new(&server.base), &pace);
                scope.spawn(move || {
                    for _ in 0..questions {
                        reader.read(&client);
                        pace.steps(1);
                    }
                    reader.reads
                })
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let mut dice = seed.dice(300 + number);
                let mut writer = Writer::new(format!("w{number}"), seed.dice(number), clock);
                let (client, pace) = (Client::new(&server.base), &pace);
                scope.spawn(move || {
                    // Now one after the other, now with some quiet between them.
                    while pace.wait(if dice.below(2) == 0 { dice.below(600) } else { dice.below(12) }) {
                        writer.write(&client);
                    }
                    writer.writes
                })
            })
            .collect();
        let reads: Vec<_> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        pace.end();
        let writes: Vec<Write> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        (reads, writes)
    });
    writes.append(&mut first.writes);
    let positions = Positions::of(server.data(), &writes);
    let done = writes.iter().filter(|write| write.is_done()).count();
    eprintln!("{} positions, {done} writes of {}, {} ms", positions.last(), writes.len(), clock.elapsed().as_millis());
    judge::check(&positions, &writes, &reads)
}
