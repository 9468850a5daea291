//! How far back the change log reaches: bounds of age and size, on a real file.
#![expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]

use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_schema::model::{Schema, TableId};
use stoa_schema::sdl::{Source, load};
use stoa_schema::value::Value;
use stoa_sync::commit::{Commit, Outcome, Write, WriteKind};
use stoa_sync::store::{Interest, Interesting, Options, ReadError, Reader, Retention};
use stoa_sync::{Catalog, Store, limits};

const DAY: Duration = Duration::from_hours(24);
const LARGE: u64 = 1 << 40;

fn schema() -> Schema {
    let text = "type Item @table { id: ID @primaryKey text: String }".to_owned();
    load(&[Source { name: Arc::from("s"), text }]).unwrap().schema
}

fn open(folder: &Path, age: Duration, bytes: u64) -> (Store, Arc<Catalog>) {
    let retention = Some(Retention { age, bytes });
    Store::open(&Options { folder: folder.to_owned(), readers: 1, sweep: false, retention }, schema()).unwrap()
}

/// A folder whose log has so many changes, each with a text of so many bytes.
async fn filled(changes: usize, text_bytes: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalog) = open(folder.path(), DAY, LARGE);
    insert(&store, &catalog, 0..changes, text_bytes).await;
    store.close().await;
    folder
}

async fn insert(store: &Store, catalog: &Arc<Catalog>, ids: std::ops::Range<usize>, text_bytes: usize) -> u64 {
    let item = |id| vec![Value::Text(format!("i{id:05}")), Value::Text("x".repeat(text_bytes))];
    let writes = ids.map(|id| Write::new(TableId(0), WriteKind::Insert(item(id)))).collect();
    store.commit(Commit::new(Arc::clone(catalog), writes)).await.unwrap().seq
}

fn file(folder: &Path) -> Connection {
    let file = Connection::open(folder.join("stoa.db")).unwrap();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    file
}

/// The positions that the log holds, which have no gap.
fn positions(folder: &Path) -> Vec<u64> {
    let file = file(folder);
    let mut statement = file.prepare("SELECT seq FROM _changes ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    let positions: Vec<u64> = rows.map(|row| row.unwrap().unsigned_abs()).collect();
    assert!(positions.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a gap");
    positions
}

/// Somebody who wants to hear of everything.
struct Everything;

impl Interest for Everything {
    fn of(&self, _: TableId) -> Interesting<'_> {
        Interesting::All
    }

    fn is_wanted(&self, _: TableId, _: usize, _: &Value) -> bool {
        true
    }
}

/// The position behind which the log holds everything.
async fn log_begins(store: &Store) -> u64 {
    store.read(|reader| reader.log_begins()).await.unwrap().unwrap()
}

async fn until_the_log_begins(store: &Store, wanted: impl Fn(u64) -> bool) -> u64 {
    let began = Instant::now();
    loop {
        let begins = log_begins(store).await;
        if wanted(begins) {
            return begins;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the log still begins at {begins}");
    }
}

#[tokio::test]
async fn an_empty_log_begins_at_the_first_position() {
    let folder = tempfile::tempdir().unwrap();
    let (store, catalog) = open(folder.path(), DAY, LARGE);
    assert_eq!((log_begins(&store).await, store.position()), (0, 0));
    insert(&store, &catalog, 0..3, 1).await;
    assert_eq!((log_begins(&store).await, store.position()), (0, 3));
}

#[tokio::test]
async fn what_is_too_old_goes_up_to_the_first_that_is_not() {
    let folder = filled(2_000, 10).await;
    // One that is old again stands behind a younger one: taken alone it would leave a gap.
    file(folder.path()).execute("UPDATE _changes SET at=at-90000000 WHERE seq<=1500 OR seq=1700", []).unwrap();
    let (store, catalog) = open(folder.path(), DAY, LARGE);
    until_the_log_begins(&store, |begins| begins == 1_500).await;
    insert(&store, &catalog, 2_000..2_010, 10).await;
    store.close().await;
    assert_eq!(positions(folder.path()), (1_501..=2_010).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_too_much_goes_from_the_oldest_on() {
    // Texts of a kilobyte, some 1,100 bytes with what stands around them.
    let folder = filled(3_000, 1_000).await;
    let (store, catalog) = open(folder.path(), DAY, 1_000_000);
    until_the_log_begins(&store, |begins| (2_000..2_200).contains(&begins)).await;
    // It goes on measuring what comes.
    insert(&store, &catalog, 3_000..4_000, 1_000).await;
    let begins = until_the_log_begins(&store, |begins| (3_000..3_200).contains(&begins)).await;
    store.close().await;
    assert_eq!(positions(folder.path()), (begins + 1..=4_000).collect::<Vec<_>>());
    let sum = "SELECT sum(octet_length(after)) FROM _changes";
    let bytes: i64 = file(folder.path()).query_row(sum, [], |row| row.get(0)).unwrap();
    assert!((800_000..1_000_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn the_newest_change_stays_and_with_it_position_and_numbering() {
    let folder = filled(700, 10).await;
    file(folder.path()).execute("UPDATE _changes SET at=0", []).unwrap();
    let (store, catalog) = open(folder.path(), Duration::ZERO, 0);
    until_the_log_begins(&store, |begins| begins == 699).await;
    store.close().await;
    assert_eq!(positions(folder.path()), [700]);

    let (store, _) = open(folder.path(), DAY, LARGE);
    assert_eq!((store.position(), log_begins(&store).await), (700, 699));
    assert_eq!(insert(&store, &catalog, 700..701, 10).await, 701);
    store.close().await;
    assert_eq!(positions(folder.path()), [700, 701]);
}

#[tokio::test]
async fn a_revision_is_not_given_again_when_the_log_has_forgotten_it() {
    // As if the clock had been ahead when the first record was stored.
    const FUTURE: i64 = 4_102_444_800_000_000;
    let folder = filled(1, 10).await;
    file(folder.path()).execute("UPDATE Item SET \"$rev\"=?1", [FUTURE]).unwrap();
    let (store, catalog) = open(folder.path(), DAY, 0);
    let given = revision(&store, &catalog, 1).await;
    let given = given.max(revision(&store, &catalog, 2).await);
    for id in ["i00002", "i00001"] {
        let delete = Write::new(TableId(0), WriteKind::Delete { id: Value::Text(id.into()) });
        store.commit(Commit::new(Arc::clone(&catalog), vec![delete])).await.unwrap();
    }
    // What is left tells of the first deleted, whose revision was the smaller one.
    until_the_log_begins(&store, |begins| begins == 5).await;
    store.close().await;
    drop(store);
    let (store, catalog) = open(folder.path(), DAY, LARGE);
    assert!(revision(&store, &catalog, 2).await > given && given > FUTURE);
}

#[tokio::test]
async fn nobody_is_told_what_happened_with_a_gap() {
    let folder = filled(100, 10).await;
    file(folder.path()).execute("UPDATE _changes SET at=0 WHERE seq<=40", []).unwrap();
    let (store, catalog) = open(folder.path(), DAY, LARGE);
    until_the_log_begins(&store, |begins| begins == 40).await;
    let reaches = |reader: &Reader| [40, 39].map(|position| position >= reader.log_begins().unwrap());
    assert_eq!(store.read(reaches).await.unwrap(), [true, false]);
    let told = move |reader: &Reader| {
        // In a snapshot, so that nothing is trimmed between the question and the answer.
        let told = |from| reader.alterations(&catalog, from, 100, &Everything).map(|found| found.iter().count());
        reader.snapshot(|| Ok::<_, ReadError>([told(40).ok(), told(39).ok(), told(0).ok(), told(100).ok()]))
    };
    assert_eq!(store.read(told).await.unwrap().unwrap(), [Some(60), None, None, Some(0)]);
}

/// The revision that a record is stored with.
async fn revision(store: &Store, catalog: &Arc<Catalog>, id: usize) -> i64 {
    let write = Write::new(TableId(0), WriteKind::Insert(vec![Value::Text(format!("i{id:05}")), Value::Null]));
    let committed = store.commit(Commit::new(Arc::clone(catalog), vec![write])).await.unwrap();
    let Outcome::Stored { revision, .. } = committed.outcomes[0] else { unreachable!("it was stored") };
    revision
}

/// Notes in the file, per transaction that trims, how many changes it takes away.
fn note_slices(folder: &Path) {
    let triggers = "
        CREATE TABLE trimmed(seq); CREATE TABLE slices(trimmed);
        CREATE TRIGGER note_trimmed AFTER DELETE ON _changes BEGIN INSERT INTO trimmed VALUES(old.seq); END;
        CREATE TRIGGER note_slice AFTER INSERT ON _meta WHEN new.key='revision' BEGIN
          INSERT INTO slices SELECT count(*) FROM trimmed; DELETE FROM trimmed; END;
        CREATE TRIGGER note_next_slice AFTER UPDATE ON _meta WHEN new.key='revision' BEGIN
          INSERT INTO slices SELECT count(*) FROM trimmed; DELETE FROM trimmed; END;";
    file(folder).execute_batch(triggers).unwrap();
}

fn slices(folder: &Path) -> Vec<usize> {
    let file = file(folder);
    let mut statement = file.prepare("SELECT trimmed FROM slices ORDER BY rowid").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_transaction_takes_few_rows() {
    let folder = filled(1_300, 10).await;
    note_slices(folder.path());
    let (store, _) = open(folder.path(), DAY, 0);
    until_the_log_begins(&store, |begins| begins == 1_299).await;
    store.close().await;
    let rows = limits::TRIMMED_ROWS;
    assert_eq!(slices(folder.path()), [rows, rows, 1_299 - 2 * rows]);
}

#[tokio::test]
async fn a_transaction_takes_few_bytes() {
    let folder = filled(11, 400_000).await;
    note_slices(folder.path());
    let (store, _) = open(folder.path(), DAY, 0);
    until_the_log_begins(&store, |begins| begins == 10).await;
    store.close().await;
    assert_eq!(slices(folder.path()), [3, 3, 3, 1]);
}

#[tokio::test]
async fn a_slice_that_fails_leaves_everything_and_harms_no_write() {
    let folder = filled(100, 10).await;
    let refuse = "CREATE TRIGGER refuse AFTER DELETE ON _changes WHEN old.seq=50 BEGIN SELECT RAISE(ABORT,'no'); END";
    file(folder.path()).execute_batch(refuse).unwrap();
    let (store, catalog) = open(folder.path(), DAY, 0);
    let mut id = 100;
    // Writes go on while it fails.
    let began = Instant::now();
    while began.elapsed() < limits::LOG_LOOK * 3 {
        insert(&store, &catalog, id..id + 1, 10).await;
        id += 1;
    }
    assert_eq!(log_begins(&store).await, 0);
    file(folder.path()).execute_batch("DROP TRIGGER refuse").unwrap();
    let last = store.position();
    until_the_log_begins(&store, |begins| begins == last - 1).await;
    store.close().await;
    let items: usize = file(folder.path()).query_row("SELECT count(*) FROM Item", [], |row| row.get(0)).unwrap();
    assert_eq!(items, id);
}
