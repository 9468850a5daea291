//! Zones read from TZif files: those of the system, those of a recent release that `tests/provide-tzdata` fetches, and
//! files built here; sound ones and damaged ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "zones/built.rs"]
mod built;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use built::Build;
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};
use serde_json::Value;
use stoa_schema::time::{
    COMPILED_IN_RELEASE, Instant, LocalDate, LocalDateTime, Written, Zone, ZoneFile, ZoneFileError,
};

const SYSTEM: &str = "/usr/share/zoneinfo";

fn tools(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools").join(name)
}

/// The folders with zones that are there, with their releases.
fn folders() -> Vec<(PathBuf, String)> {
    let release = |folder: &Path| {
        let database = std::fs::read_to_string(folder.join("tzdata.zi")).ok()?;
        Some(database.lines().next()?.strip_prefix("# version ")?.to_owned())
    };
    let with_release = |folder: PathBuf| match release(&folder) {
        Some(release) => Some((folder, release)),
        None => {
            eprintln!("SKIPPED: {} has no zones with a release (tests/provide-tzdata)", folder.display());
            None
        }
    };
    [PathBuf::from(SYSTEM), tools("tzdata")].into_iter().filter_map(with_release).collect()
}

fn file(folder: &Path, name: &str) -> Option<Zone> {
    let bytes = std::fs::read(folder.join(name)).ok()?;
    Some(Zone::of_file(name, ZoneFile::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))))
}

fn zone_of(bytes: &[u8]) -> Zone {
    Zone::of_file("Test/Zone", ZoneFile::parse(bytes).unwrap())
}

fn local(text: &str) -> LocalDateTime {
    match Written::parse(text) {
        Some(Written::Local(local)) => local,
        other => panic!("{text}: {other:?}"),
    }
}

fn date(text: &str) -> LocalDate {
    match Written::parse(text) {
        Some(Written::Date(date)) => date,
        other => panic!("{text}: {other:?}"),
    }
}

fn instant(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1_000).unwrap()
}

fn seconds(text: &str) -> i64 {
    Instant::parse(text).unwrap().millis() / 1_000
}

fn shown(instant: Instant, zone: Option<&Zone>) -> String {
    let mut out = Vec::new();
    instant.write_shown(zone, &mut out);
    String::from_utf8(out).unwrap()
}

fn instant_of(zone: &Zone, text: &str) -> Option<String> {
    zone.instant_of(local(text)).map(|instant| shown(instant, None))
}

fn day_start(zone: &Zone, text: &str) -> Option<String> {
    zone.day_start(date(text)).map(|instant| shown(instant, None))
}

fn vectors(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/time.json")).unwrap();
    let cases = all[group].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{group}");
    cases
}

fn field<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn check_vectors(zone: impl Fn(&str) -> Zone) {
    for case in vectors("local_to_instant") {
        let found = instant_of(&zone(field(&case, "zone")), field(&case, "local"));
        assert_eq!(found.as_deref(), Some(field(&case, "instant")), "{case}");
    }
    for case in vectors("day_bounds") {
        let zone = zone(field(&case, "zone"));
        let day: chrono::NaiveDate = field(&case, "date").parse().unwrap();
        let next = day.succ_opt().unwrap().to_string();
        let (start, end) = (day_start(&zone, field(&case, "date")), day_start(&zone, &next));
        assert_eq!(start.as_deref(), Some(field(&case, "start")), "{case}");
        assert_eq!(end.as_deref(), Some(field(&case, "end")), "{case}");
    }
    for case in vectors("render") {
        let instant = Instant::parse(field(&case, "instant")).unwrap();
        assert_eq!(shown(instant, Some(&zone(field(&case, "zone")))), field(&case, "text"), "{case}");
    }
}

#[test]
fn vectors_through_the_files_of_a_folder() {
    for (folder, _) in folders() {
        check_vectors(|name| file(&folder, name).unwrap());
    }
}

#[test]
fn vectors_through_files_built_here() {
    check_vectors(|name| zone_of(&built_of(name.parse().unwrap()).bytes(b'2')));
}

#[test]
fn vectors_that_depend_on_the_release() {
    for (folder, release) in folders() {
        for case in vectors("tzdata_dependent") {
            let expected = match release.as_str() {
                "2025b" => field(&case, "2025b"),
                newer if newer >= "2026f" => field(&case, "2026f"),
                _ => continue,
            };
            let zone = file(&folder, field(&case, "zone")).unwrap();
            assert_eq!(instant_of(&zone, field(&case, "local")).as_deref(), Some(expected), "{release}: {case}");
        }
    }
}

/// An island that left its mean time in 1900, skipped a whole day in 1950 and has put its clocks forward and back since
/// 2000, by a rule since 2001.
fn island() -> Build {
    Build::new(-40_123, "LMT")
        .then("1900-01-01T11:08:43Z", -39_600, "IST")
        .then("1950-06-01T11:00:00Z", 46_800, "IWT")
        .then("2000-09-30T11:00:00Z", 50_400, "IDT")
        .then("2001-03-31T13:00:00Z", 46_800, "IWT")
        .footer("<IWT>-13<IDT>,M10.1.0/0,M3.5.6/27")
}

#[test]
fn a_zone_with_everything() {
    for version in [b'3', b'4'] {
        let zone = zone_of(&island().bytes(version));
        assert_eq!(zone.name(), "Test/Zone");
        for (at, text) in [
            ("0000-01-02T00:00:00Z", "0000-01-01T12:51:00-11:09"),
            ("1900-01-01T11:08:42Z", "1899-12-31T23:59:42-11:09"),
            ("1900-01-01T11:08:43Z", "1900-01-01T00:08:43-11:00"),
            ("1950-06-01T10:59:59Z", "1950-05-31T23:59:59-11:00"),
            ("1950-06-01T11:00:00Z", "1950-06-02T00:00:00+13:00"),
            ("2000-09-30T11:00:00Z", "2000-10-01T01:00:00+14:00"),
            ("2024-10-05T10:59:59Z", "2024-10-05T23:59:59+13:00"),
            ("2024-10-05T11:00:00Z", "2024-10-06T01:00:00+14:00"),
            ("2024-03-30T12:59:59Z", "2024-03-31T02:59:59+14:00"),
            ("2024-03-30T13:00:00Z", "2024-03-31T02:00:00+13:00"),
            ("9999-12-31T09:59:59.999Z", "9999-12-31T23:59:59.999+14:00"),
            ("9999-12-31T10:00:00Z", "9999-12-31T10:00:00+00:00"),
            ("9999-06-01T00:00:00Z", "9999-06-01T13:00:00+13:00"),
        ] {
            assert_eq!(shown(Instant::parse(at).unwrap(), Some(&zone)), text, "{at}");
        }
        for (written, at) in [
            ("0000-01-01T00:00", "0000-01-01T11:08:43Z"),
            ("1899-12-31T23:59:59", "1900-01-01T11:08:42Z"),
            // Put forward by 523 seconds: 00:04 was skipped.
            ("1900-01-01T00:04", "1900-01-01T11:12:43Z"),
            ("1950-06-01T12:00", "1950-06-01T23:00:00Z"),
            ("2024-10-06T00:30", "2024-10-05T11:30:00Z"),
            ("2024-03-31T02:30", "2024-03-30T12:30:00Z"),
            ("2024-03-31T03:00", "2024-03-30T14:00:00Z"),
            ("2150-10-04T00:30", "2150-10-03T11:30:00Z"),
            ("9998-10-04T00:30", "9998-10-03T11:30:00Z"),
            ("9999-10-03T00:30", "9999-10-02T11:30:00Z"),
            ("9999-12-31T23:59:59.999", "9999-12-31T09:59:59.999Z"),
        ] {
            assert_eq!(instant_of(&zone, written).as_deref(), Some(at), "{written}");
        }
        for (day, start) in [
            ("1900-01-01", "1900-01-01T11:08:43Z"),
            ("1950-06-01", "1950-06-01T11:00:00Z"),
            ("1950-06-02", "1950-06-01T11:00:00Z"),
            ("2024-10-06", "2024-10-05T11:00:00Z"),
            ("2024-03-31", "2024-03-30T10:00:00Z"),
            ("9999-10-03", "9999-10-02T11:00:00Z"),
        ] {
            assert_eq!(day_start(&zone, day).as_deref(), Some(start), "{day}");
        }
    }
}

#[test]
fn a_local_time_whose_instant_has_no_four_digit_year() {
    let west = zone_of(&Build::new(-18_000, "EST").footer("EST5").bytes(b'2'));
    assert_eq!(instant_of(&west, "9999-12-31T19:00"), None);
    assert_eq!(instant_of(&west, "9999-12-31T18:59:59").as_deref(), Some("9999-12-31T23:59:59Z"));
    let east = zone_of(&Build::new(18_000, "PKT").footer("PKT-5").bytes(b'2'));
    assert_eq!(day_start(&east, "0000-01-01"), None);
    assert_eq!(day_start(&east, "0000-01-02").as_deref(), Some("0000-01-01T19:00:00Z"));
}

#[test]
fn a_rule_that_changes_the_clock_on_the_last_day() {
    let zone = zone_of(&Build::new(0, "AAA").footer("AAA0BBB,J365/12,J100").bytes(b'2'));
    assert_eq!(shown(instant(seconds("9999-12-31T11:59:59Z")), Some(&zone)), "9999-12-31T11:59:59+00:00");
    assert_eq!(shown(instant(seconds("9999-12-31T12:00:00Z")), Some(&zone)), "9999-12-31T13:00:00+01:00");
    assert_eq!(instant_of(&zone, "9999-12-31T12:30").as_deref(), Some("9999-12-31T12:30:00Z"));
    assert_eq!(instant_of(&zone, "9999-12-31T14:00").as_deref(), Some("9999-12-31T13:00:00Z"));
}

#[test]
fn version_1_ends_with_its_last_transition() {
    let zone = zone_of(&island().footer("").bytes(0));
    assert_eq!(shown(instant(seconds("2000-12-01T00:00:00Z")), Some(&zone)), "2000-12-01T14:00:00+14:00");
    assert_eq!(shown(instant(seconds("2024-12-01T00:00:00Z")), Some(&zone)), "2024-12-01T13:00:00+13:00");
    // The transition of 1900 does not fit 32 bits.
    assert_eq!(instant_of(&zone, "1950-06-01T12:00").as_deref(), Some("1950-06-01T23:08:43Z"));
}

#[test]
fn what_is_no_zone_is_refused() {
    let sound = island().bytes(b'2');
    let text = |bytes: &[u8]| ZoneFile::parse(bytes).unwrap_err().to_string();
    assert!(text(b"").starts_with("no TZif file: "), "{}", text(b""));
    assert!(text(&sound[1..]).starts_with("no TZif file: "));
    for version in [0, b'2'] {
        let leap = island().leap_seconds(27).bytes(version);
        assert!(matches!(ZoneFile::parse(&leap), Err(ZoneFileError::LeapSeconds)));
    }
    let right = Path::new(SYSTEM).join("right/Europe/Paris");
    if let Ok(bytes) = std::fs::read(right) {
        assert!(matches!(ZoneFile::parse(&bytes), Err(ZoneFileError::LeapSeconds)));
    }
}

#[test]
fn an_offset_that_cannot_be_written_is_the_farthest_that_can() {
    let zone = zone_of(&Build::new(89_000, "FAR").bytes(b'2'));
    let at = Instant::parse("2024-08-15T14:00:00Z").unwrap();
    assert_eq!(shown(at, Some(&zone)), "2024-08-16T13:59:00+23:59");
    assert_eq!(zone.instant_of(local("2024-08-16T13:59")), Some(at));
}

// --- the compiled-in tables and the files of a folder -----------------------------------------------------------------

/// The instants at which a compiled-in zone changes its offset, from 1850 to 2024, to the second.
fn changes(zone: Tz) -> Vec<i64> {
    const STEP: i64 = 11 * 86_400;
    let (first, last) = (seconds("1850-01-01T00:00:00Z"), seconds("2024-12-20T00:00:00Z"));
    let mut changes = Vec::new();
    let mut offset = offset_of(zone, first);
    for at in (first..last).step_by(STEP as usize) {
        let (mut before, mut after) = (at, at + STEP);
        let later = offset_of(zone, after);
        if later == offset {
            continue;
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if offset_of(zone, middle) == offset { before = middle } else { after = middle }
        }
        changes.push(after);
        offset = later;
    }
    changes
}

fn offset_of(zone: Tz, seconds: i64) -> i32 {
    let clock = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
    zone.offset_from_utc_datetime(&clock).fix().local_minus_utc()
}

/// A file with all that a compiled-in zone has from 1850 to 2026, but no rule for the time after.
fn built_of(zone: Tz) -> Build {
    let start = Build::new(offset_of(zone, seconds("1850-01-01T00:00:00Z")), "FST");
    let changes = changes(zone).into_iter().chain(later_changes(zone));
    changes.fold(start, |built, at| built.then_at(at, offset_of(zone, at), "TST"))
}

/// Those after [`changes`], which the vectors reach.
fn later_changes(zone: Tz) -> Vec<i64> {
    let (first, last) = (seconds("2024-12-31T00:00:00Z"), seconds("2027-01-01T00:00:00Z"));
    let half_hours = (first..last).step_by(1_800);
    half_hours.filter(|at| offset_of(zone, *at) != offset_of(zone, *at - 1_800)).collect()
}

/// The instants at which two zones differ: in the offset, or in what becomes of a local time or day.
fn differences(one: &Zone, other: &Zone, changes: &[i64]) -> BTreeSet<i64> {
    let grid = (0..183).map(|year| seconds("1842-05-05T05:55:55Z") + year * 31_556_952);
    let around = changes.iter().flat_map(|at| [-90_000, -1_800, -1, 0, 1, 43_200].map(|by| at + by));
    let differs = |at: &i64| {
        let offset = one.offset_seconds_at(instant(*at));
        let earlier = one.offset_seconds_at(instant(*at - 1));
        // At a change that is where the clock was put from and to: the ends of a gap or fold.
        let clocks = if offset == earlier { vec![offset] } else { vec![offset, earlier] };
        offset != other.offset_seconds_at(instant(*at))
            || clocks.into_iter().any(|offset| {
                let clock = shown(instant(at + i64::from(offset)), None).replace('Z', "");
                let day = &clock[..10];
                one.instant_of(local(&clock)) != other.instant_of(local(&clock))
                    || one.day_start(date(day)) != other.day_start(date(day))
            })
    };
    around.chain(grid).filter(differs).collect()
}

/// Zones whose history between 1970 and 2024 was corrected from 2025b, the compiled-in release, to 2026f.
const CORRECTED_SINCE_1970: [&str; 9] = [
    "America/Bogota",
    "America/Ensenada",
    "America/Santa_Isabel",
    "America/Tijuana",
    "Asia/Tehran",
    "Europe/Chisinau",
    "Europe/Tiraspol",
    "Iran",
    "Mexico/BajaNorte",
];

/// Zones without a place. The database made them links to cities in 2024b and most of them zones again later; systems
/// keep either.
const WITHOUT_PLACE: [&str; 11] =
    ["CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"];

#[test]
fn files_and_compiled_in_tables_agree_about_the_past() {
    let folders = folders();
    let merged = merged_names();
    let of_1970 = seconds("1970-01-03T00:00:00Z");
    let mut compared = vec![0; folders.len()];
    for tz in TZ_VARIANTS.into_iter().filter(|tz| !WITHOUT_PLACE.contains(&tz.name())) {
        let (name, changes) = (tz.name(), changes(tz));
        let table = Zone::parse(name).unwrap();
        for ((folder, release), compared) in folders.iter().zip(&mut compared) {
            // Not there: a link of a newer database, or in a package of its own.
            let Some(file) = file(folder, name) else { continue };
            *compared += 1;
            let differences = differences(&table, &file, &changes);
            let Some(first) = differences.first().map(|at| shown(instant(*at), None)) else { continue };
            eprintln!("{release}: {name} differs at {first}");
            let since_1970 = differences.iter().any(|at| *at >= of_1970);
            let explained = match release.as_str() {
                COMPILED_IN_RELEASE => !since_1970 && (merged.is_empty() || merged.contains(name)),
                "2026f" => !since_1970 || CORRECTED_SINCE_1970.contains(&name),
                _ => true,
            };
            assert!(explained, "{release}: {name} differs at {first}");
        }
    }
    assert!(compared.iter().all(|compared| *compared > 300), "{compared:?}");
}

/// The names that are links: zones that are alike since 1970. A system's files may still tell them apart before it
/// (`PACKRATDATA=backzone`, as Debian has it).
fn merged_names() -> BTreeSet<String> {
    let database = std::fs::read_to_string(tools("tzdata").join("tzdata.zi")).unwrap_or_default();
    let links = database.lines().filter_map(|line| line.strip_prefix("L ")?.split(' ').nth(1));
    links.map(str::to_owned).collect()
}

// --- damaged files ----------------------------------------------------------------------------------------------------

fn any_instant() -> impl Strategy<Value = Instant> {
    (-62_167_219_200_000_i64..=253_402_300_799_999).prop_map(|ms| Instant::from_millis(ms).unwrap())
}

/// Asks a zone everything; whatever its file says, what it shows must denote the instant.
fn ask(bytes: &[u8], at: Instant) {
    let Ok(file) = ZoneFile::parse(bytes) else { return };
    let zone = Zone::of_file("Test/Zone", file);
    let ends = [0, -62_167_219_200, 253_402_300_799].map(instant);
    for at in ends.into_iter().chain([at]) {
        assert_eq!(Instant::parse(&shown(at, Some(&zone))), Some(at));
        let clock = shown(at, None).replace('Z', "");
        if let Some(found) = zone.instant_of(local(&clock)) {
            assert!((found.millis() - at.millis()).abs() <= 86_400_000);
        }
        zone.day_start(date(&clock[..10]));
    }
}

/// Sound files: of every version, fat and slim, with strange footers.
fn sound_files() -> impl Strategy<Value = Vec<u8>> {
    let footers =
        ["", "IWT-13", "<IWT>-13<IDT>,M10.1.0/0,M3.5.6/27", "IWT-13IDT,300/-100,J60/25", "IWT-13IDT,J365/25,0/0"];
    let built = (prop::sample::select(&[0, b'2', b'3', b'4'][..]), prop::sample::select(footers.to_vec()))
        .prop_map(|(version, footer)| island().footer(footer).bytes(version));
    let names = ["Europe/Dublin", "Africa/Casablanca", "Pacific/Apia", "America/Nuuk", "UTC"];
    let read: Vec<Vec<u8>> = [PathBuf::from(SYSTEM), tools("tzdata")]
        .iter()
        .flat_map(|folder| names.iter().filter_map(|name| std::fs::read(folder.join(name)).ok()))
        .chain([island().bytes(b'3')])
        .collect();
    proptest::strategy::Union::new([built.boxed(), prop::sample::select(read).boxed()])
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in any::<Vec<u8>>(), at in any_instant()) {
        ask(&bytes, at);
        ask(&[b"TZif", &bytes[..]].concat(), at);
    }

    #[test]
    fn no_block_makes_reading_panic(
        counts in prop::array::uniform6(0_u8..6),
        block in prop::collection::vec(any::<u8>(), 0..200),
        small in any::<bool>(),
        at in any_instant(),
    ) {
        let header = |version| [b"TZif".as_slice(), &[version], &[0; 15], &counts.map(|count| [0, 0, 0, count]).concat()].concat();
        let block: Vec<u8> = block.into_iter().map(|byte| if small { byte % 6 } else { byte }).collect();
        ask(&[header(0), block.clone()].concat(), at);
        let empty = [b"TZif2".as_slice(), &[0; 39]].concat();
        ask(&[&empty, &header(b'2'), &block, b"\nEST5EDT,M3.2.0,M11.1.0\n".as_slice()].concat(), at);
    }

    #[test]
    fn truncated_files_are_refused_or_read(file in sound_files(), end in any::<prop::sample::Index>(), at in any_instant()) {
        ask(&file[..end.index(file.len())], at);
    }

    #[test]
    fn damaged_files_are_refused_or_read(
        file in sound_files(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..6),
        at in any_instant(),
    ) {
        let mut file = file;
        for (place, bit) in damages {
            let place = place.index(file.len());
            file[place] ^= 1 << bit;
        }
        ask(&file, at);
    }

    #[test]
    fn no_footer_makes_reading_panic(footer in "[<>A-Z0-9+:,./JM-]{0,40}", at in any_instant()) {
        ask(&Build::new(0, "UTC").footer(&footer).bytes(b'3'), at);
    }

    #[test]
    fn a_built_file_is_read_as_it_was_built(at in any_instant()) {
        let zone = zone_of(&island().bytes(b'3'));
        prop_assert_eq!(Instant::parse(&shown(at, Some(&zone))), Some(at));
    }
}

// --- departures -------------------------------------------------------------------------------------------------------

/// Every scheduled departure of New York in 2013, with the hour in UTC as airlines had it.
#[test]
fn a_year_of_departures() {
    let path = std::env::var_os("STOA_TEST_FLIGHTS").map_or_else(|| tools("flights.csv"), PathBuf::from);
    let Ok(flights) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there (tests/provide-flights)", path.display());
        return;
    };
    let table = Zone::parse("America/New_York").unwrap();
    let files = folders().into_iter().filter_map(|(folder, _)| file(&folder, "America/New_York"));
    for zone in files.chain([table]) {
        let mut lines = flights.lines();
        let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
        let [year, month, day, hour, minute, time_hour] = ["year", "month", "day", "hour", "minute", "time_hour"]
            .map(|name| columns.iter().position(|column| *column == name).unwrap());
        let mut converted = 0;
        for line in lines {
            let row: Vec<&str> = line.split(',').collect();
            let two = |column: usize| format!("{:0>2}", row[column]);
            let written = format!("{}-{}-{}T{}:{}", row[year], two(month), two(day), two(hour), two(minute));
            let found = instant_of(&zone, &written).unwrap();
            assert_eq!((&found[..13], &found[14..16]), (&row[time_hour][..13], two(minute).as_str()), "{line}");
            converted += 1;
        }
        assert_eq!(converted, 336_776);
    }
}
