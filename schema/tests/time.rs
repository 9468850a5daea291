//! Instants, zones and local times through the public door of `stoa_schema::time`.
//!
//! The vectors (`vectors/time.json`) were checked with another implementation; the tables here are written by hand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;
use stoa_schema::time::{COMPILED_IN_RELEASE, Instant, LocalDate, LocalDateTime, Written, Zone, tzdata_version};

const YEAR_0000_MS: i64 = -62_167_219_200_000;
const YEAR_9999_END_MS: i64 = 253_402_300_799_999;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
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

fn shown(instant: Instant, zone: Option<&Zone>) -> String {
    let mut out = Vec::new();
    instant.write_shown(zone, &mut out);
    String::from_utf8(out).unwrap()
}

fn shown_in(name: &str, text: &str) -> String {
    shown(Instant::parse(text).unwrap(), Some(&zone(name)))
}

fn instant_of(name: &str, text: &str) -> Option<String> {
    let instant = zone(name).instant_of(local(text))?;
    Some(shown(instant, None))
}

fn day_start(name: &str, text: &str) -> Option<String> {
    let instant = zone(name).day_start(date(text))?;
    Some(shown(instant, None))
}

fn next_day(text: &str) -> String {
    let day: chrono::NaiveDate = text.parse().unwrap();
    day.succ_opt().unwrap().to_string()
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

#[test]
fn vectors_of_local_times() {
    for case in vectors("local_to_instant") {
        let found = instant_of(field(&case, "zone"), field(&case, "local"));
        assert_eq!(found.as_deref(), Some(field(&case, "instant")), "{case}");
    }
}

#[test]
fn vectors_of_days() {
    for case in vectors("day_bounds") {
        let (zone, date) = (field(&case, "zone"), field(&case, "date"));
        let (start, end) = (day_start(zone, date), day_start(zone, &next_day(date)));
        assert_eq!(start.as_deref(), Some(field(&case, "start")), "{case}");
        assert_eq!(end.as_deref(), Some(field(&case, "end")), "{case}");
    }
}

#[test]
fn vectors_of_shown_texts() {
    for case in vectors("render") {
        let found = shown_in(field(&case, "zone"), field(&case, "instant"));
        assert_eq!(found, field(&case, "text"), "{case}");
    }
}

#[test]
fn accepted_instants() {
    for (text, stored) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("2024-08-15T10:30:00-04:00", "2024-08-15T14:30:00.000Z"),
        ("2024-08-15t14:30:00z", "2024-08-15T14:30:00.000Z"),
        ("2024-08-15T14:30:00-00:00", "2024-08-15T14:30:00.000Z"),
        ("2024-08-15T14:30:00.5Z", "2024-08-15T14:30:00.500Z"),
        ("2024-08-15T14:30:00.05Z", "2024-08-15T14:30:00.050Z"),
        ("2024-08-15T14:30:00.9999999999999999999999Z", "2024-08-15T14:30:00.999Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("1969-12-31T23:59:59.0001Z", "1969-12-31T23:59:59.000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60.75Z", "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T18:59:60-05:00", "2017-01-01T00:00:00.000Z"),
        ("2024-02-29T00:00:00+23:59", "2024-02-28T00:01:00.000Z"),
        ("2000-02-29T23:59:59-23:59", "2000-03-01T23:58:59.000Z"),
        ("0000-02-29T12:00:00Z", "0000-02-29T12:00:00.000Z"),
        ("0000-01-01T00:00:00-00:01", "0000-01-01T00:01:00.000Z"),
        ("9999-12-31T23:59:59.9999+00:01", "9999-12-31T23:58:59.999Z"),
    ] {
        let found = Instant::parse(text).map(Instant::stored);
        assert_eq!(found.as_deref(), Some(stored), "{text}");
        assert_eq!(Written::parse(text), Instant::parse(text).map(Written::Instant), "{text}");
    }
}

#[test]
fn rejected_instants() {
    for text in [
        "",
        "2024-08-15",
        "2024-08-15T14:30Z",
        "2024-08-15T14:30:00",
        "2024-08-15 14:30:00Z",
        "2024-08-15T14:30:00 Z",
        "2024-08-15T14:30:00Z ",
        " 2024-08-15T14:30:00Z",
        "2024-08-15T14:30:00.Z",
        "2024-08-15T14:30:00,5Z",
        "2024-08-15T14:30:00.5",
        "2024-08-15T14:30:00.5.5Z",
        "2024-08-15T14:30:00+0400",
        "2024-08-15T14:30:00+04",
        "2024-08-15T14:30:00+4:00",
        "2024-08-15T14:30:00+24:00",
        "2024-08-15T14:30:00+04:60",
        "2024-08-15T14:30:00~04:00",
        "2024-08-15T14:30:00\u{2212}04:00",
        "2024-08-15T24:00:00Z",
        "2024-08-15T14:60:00Z",
        "2024-08-15T14:30:61Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-W33-4T14:30:00Z",
        "+2024-08-15T14:30:00Z",
        "-2024-08-15T14:30:00Z",
        "12024-08-15T14:30:00Z",
        "2O24-08-15T14:30:00Z",
        "2024-08-15T+4:30:00Z",
        "２024-08-15T14:30:00Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
    ] {
        assert_eq!(Instant::parse(text), None, "{text}");
    }
}

#[test]
fn only_the_stored_form_is_read_as_stored() {
    let stored = "2024-08-15T14:30:00.250Z";
    assert_eq!(Instant::parse_stored(stored).map(Instant::millis), Some(1_723_732_200_250));
    for text in [
        "2024-08-15T14:30:00Z",
        "2024-08-15T14:30:00.25Z",
        "2024-08-15T14:30:00.2500Z",
        "2024-08-15t14:30:00.250Z",
        "2024-08-15T14:30:00.250z",
        "2024-08-15T14:30:60.000Z",
        "2024-08-15T14:30:00.25ZZ",
        "2024-08-15T14:30:0000250Z",
        "2024-02-30T14:30:00.250Z",
        "2024-08-15T14:30:00+04:00",
        "2024-08-15T14:30:00-0:00Z",
    ] {
        assert_eq!(Instant::parse_stored(text), None, "{text}");
    }
}

#[test]
fn instants_end_with_the_four_digit_years() {
    let first = Instant::from_millis(YEAR_0000_MS).map(Instant::stored);
    assert_eq!(first.as_deref(), Some("0000-01-01T00:00:00.000Z"));
    assert_eq!(Instant::from_millis(YEAR_0000_MS - 1), None);
    let last = Instant::from_millis(YEAR_9999_END_MS).map(Instant::stored);
    assert_eq!(last.as_deref(), Some("9999-12-31T23:59:59.999Z"));
    assert_eq!(Instant::from_millis(YEAR_9999_END_MS + 1), None);
    assert_eq!(Instant::from_millis(i64::MIN), None);
}

#[test]
fn shown_with_the_offset_of_the_zone() {
    for (name, instant, text) in [
        ("UTC", "2024-08-15T14:00:00Z", "2024-08-15T14:00:00+00:00"),
        ("Z", "2024-08-15T14:00:00Z", "2024-08-15T14:00:00+00:00"),
        ("+05:30", "2024-08-15T14:00:00.050Z", "2024-08-15T19:30:00.050+05:30"),
        ("-08:00", "1969-12-31T23:59:59.999Z", "1969-12-31T15:59:59.999-08:00"),
        ("US/Eastern", "2024-11-03T05:30:00Z", "2024-11-03T01:30:00-04:00"),
        // Local mean time -04:56:02 and +00:17:30.
        ("America/New_York", "1800-01-01T00:00:00Z", "1799-12-31T19:04:00-04:56"),
        ("Europe/Brussels", "1800-01-01T00:00:00Z", "1800-01-01T00:18:00+00:18"),
        ("-00:01", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+00:00"),
        ("-00:01", "0000-01-01T00:01:00Z", "0000-01-01T00:00:00-00:01"),
        ("+14:00", "9999-12-31T23:00:00Z", "9999-12-31T23:00:00+00:00"),
        ("Asia/Tokyo", "9999-12-31T14:59:59.999Z", "9999-12-31T23:59:59.999+09:00"),
    ] {
        assert_eq!(shown_in(name, instant), text, "{name} {instant}");
    }
    let instant = Instant::parse("2024-08-15T14:00:00.070Z").unwrap();
    assert_eq!(shown(instant, None), "2024-08-15T14:00:00.070Z");
}

#[test]
fn local_times_that_are_skipped_or_occur_twice() {
    for (name, written, instant) in [
        ("America/New_York", "2024-03-10T02:00", "2024-03-10T07:00:00Z"),
        ("America/New_York", "2024-03-10T02:59:59.999", "2024-03-10T07:59:59.999Z"),
        ("America/New_York", "2024-03-10T03:00", "2024-03-10T07:00:00Z"),
        ("America/New_York", "2024-11-03T02:00", "2024-11-03T07:00:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T00:00", "1993-08-21T12:00:00Z"),
        ("America/New_York", "1850-01-01T00:00:00", "1850-01-01T04:56:02Z"),
        ("-03:00", "1969-12-31T23:59:59.999", "1970-01-01T02:59:59.999Z"),
        // Behind the end of the compiled-in tables their last rules go on.
        ("America/New_York", "2099-07-01T12:00", "2099-07-01T16:00:00Z"),
        ("America/New_York", "2100-03-14T02:30", "2100-03-14T07:30:00Z"),
        ("America/New_York", "2150-11-01T01:30", "2150-11-01T05:30:00Z"),
        ("Australia/Sydney", "9996-02-29T12:00", "9996-02-29T01:00:00Z"),
        ("Africa/Casablanca", "2150-08-01T12:00", "2150-08-01T11:00:00Z"),
    ] {
        assert_eq!(instant_of(name, written).as_deref(), Some(instant), "{name} {written}");
    }
}

#[test]
fn days_that_do_not_begin_at_midnight() {
    for (name, day, start) in [
        ("Africa/Cairo", "2025-04-25", "2025-04-24T22:00:00Z"),
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),
        ("America/Santiago", "2025-04-06", "2025-04-06T04:00:00Z"),
        ("America/St_Johns", "2006-10-29", "2006-10-29T02:30:00Z"),
        // The clock went from 23:30 to 00:30.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00Z"),
        ("Africa/Cairo", "2150-05-01", "2150-04-30T21:00:00Z"),
        ("Africa/Cairo", "2150-04-24", "2150-04-23T22:00:00Z"),
        ("+05:30", "2024-12-25", "2024-12-24T18:30:00Z"),
    ] {
        assert_eq!(day_start(name, day).as_deref(), Some(start), "{name} {day}");
    }
}

#[test]
fn local_times_whose_instant_has_no_four_digit_year() {
    assert_eq!(day_start("+00:01", "0000-01-01"), None);
    assert_eq!(day_start("-00:01", "0000-01-01").as_deref(), Some("0000-01-01T00:01:00Z"));
    assert_eq!(instant_of("America/New_York", "9999-12-31T19:00"), None);
    let last = instant_of("America/New_York", "9999-12-31T18:59:59.999");
    assert_eq!(last.as_deref(), Some("9999-12-31T23:59:59.999Z"));
}

#[test]
fn texts_without_an_offset() {
    assert_eq!(local("2024-08-15T10:00"), local("2024-08-15t10:00:00.0009"));
    assert_eq!(local("2024-12-31T23:59:60"), local("2025-01-01T00:00"));
    assert!(date("2024-02-29") < date("2024-03-01"));
    for text in [
        "2024-08-15T10",
        "2024-08-15T",
        "2024-08-15T10:00Z",
        "2024-08-15T10:00-04:00",
        "2024-08-15T10:00:",
        "2024-08-15T10:00.5",
        "2024-08-15T10:00:00.",
        "2024-08-15T10:00:00x",
        "2024-08-15T10:00:00+24:00",
        "2024-08-15T24:00",
        "2024-08-15 10:00",
        "2023-02-29T10:00",
        "2023-02-29",
        "2024-8-15",
        "2024-08",
        "20240815",
        "9999-12-31T23:59:60",
        "tomorrow",
    ] {
        assert_eq!(Written::parse(text), None, "{text}");
    }
}

#[test]
fn zone_names() {
    for name in ["US/Eastern", "Etc/GMT+5", "UTC", "Z", "+05:30", "-23:59", "Asia/Kathmandu"] {
        assert_eq!(zone(name).name(), name);
    }
    for (name, nearest) in [
        ("EUROPE/PARIS", Some("Europe/Paris")),
        ("Europe/Pari", Some("Europe/Paris")),
        ("America/NewYork", Some("America/New_York")),
        ("Los Angeles", Some("America/Los_Angeles")),
        ("Kathmandu", Some("Asia/Kathmandu")),
        ("PST", None),
        ("z", None),
        ("+5:30", None),
        ("+24:00", None),
        ("+05:60", None),
        ("", None),
        ("Mars/Olympus_Mons", None),
    ] {
        let unknown = Zone::parse(name).unwrap_err();
        assert_eq!((unknown.name.as_str(), unknown.nearest.as_deref()), (name, nearest));
    }
    let unknown = Zone::parse("Europe/Pari").unwrap_err();
    assert_eq!(unknown.to_string(), r#"unknown time zone "Europe/Pari" (did you mean "Europe/Paris"?)"#);
}

#[test]
fn offsets_at_instants() {
    let summer = Instant::parse("2024-08-15T14:00:00Z").unwrap();
    assert_eq!(zone("America/New_York").offset_seconds_at(summer), -14_400);
    assert_eq!(zone("Asia/Kathmandu").offset_seconds_at(summer), 20_700);
    assert_eq!(zone("-08:00").offset_seconds_at(summer), -28_800);
    for last_of_standard in ["1969-04-27T06:59:59.999Z", "2024-03-10T06:59:59.999Z"] {
        let instant = Instant::parse(last_of_standard).unwrap();
        assert_eq!(zone("America/New_York").offset_seconds_at(instant), -18_000);
    }
}

#[test]
fn the_version_of_the_tables_is_a_release_name() {
    let version = tzdata_version();
    let release = version.strip_suffix(" (compiled in)").unwrap();
    assert_eq!(release, COMPILED_IN_RELEASE);
    let (year, letter) = release.split_at(4);
    assert!(year.parse::<u16>().is_ok_and(|year| year >= 2025), "{year}");
    assert!(letter.chars().all(|letter| letter.is_ascii_lowercase()), "{letter}");
}

fn instants() -> impl Strategy<Value = Instant> {
    (YEAR_0000_MS..=YEAR_9999_END_MS).prop_map(|ms| Instant::from_millis(ms).unwrap())
}

/// From 1973 to 2286: every zone counts in whole minutes, most change their clocks.
fn instants_of_clocks() -> impl Strategy<Value = Instant> {
    (100_000_000_000_i64..10_000_000_000_000).prop_map(|ms| Instant::from_millis(ms).unwrap())
}

fn zones() -> impl Strategy<Value = Zone> {
    proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]).prop_map(|tz| zone(tz.name()))
}

/// A text with one of its characters replaced.
fn misspelled(text: &str, position: prop::sample::Index, character: char) -> String {
    let position = position.index(text.len());
    let replaced = |(at, old)| if at == position { character } else { old };
    text.chars().enumerate().map(replaced).collect()
}

proptest! {
    #[test]
    fn the_stored_form_is_read_back(instant in instants()) {
        let stored = instant.stored();
        prop_assert_eq!(stored.len(), 24);
        prop_assert_eq!(Instant::parse(&stored), Some(instant));
        prop_assert_eq!(Instant::parse_stored(&stored), Some(instant));
    }

    #[test]
    fn stored_texts_are_in_the_order_of_time(one in instants(), other in instants()) {
        prop_assert_eq!(one.stored().cmp(&other.stored()), one.millis().cmp(&other.millis()));
    }

    #[test]
    fn stored_dates_are_those_of_another_calendar(instant in instants()) {
        let other = chrono::DateTime::from_timestamp_millis(instant.millis()).unwrap();
        let other = other.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        prop_assert_eq!(instant.stored(), other);
    }

    #[test]
    fn the_shown_form_denotes_the_same_instant(instant in instants(), zone in zones()) {
        prop_assert_eq!(Instant::parse(&shown(instant, Some(&zone))), Some(instant));
        prop_assert_eq!(Instant::parse(&shown(instant, None)), Some(instant));
    }

    #[test]
    fn a_shown_local_time_is_read_as_its_first_occurrence(
        instant in instants_of_clocks(),
        zone in zones(),
    ) {
        let clock = |instant| shown(instant, Some(&zone)).split_at(19).0.to_owned();
        let found = zone.instant_of(local(&clock(instant))).unwrap();
        prop_assert_eq!(clock(found), clock(instant));
        prop_assert!(found <= instant);
    }

    #[test]
    fn only_stored_texts_are_read_as_stored(
        instant in instants(),
        position in any::<prop::sample::Index>(),
        character in "[0-9TZtz:.+ -]",
    ) {
        let text = misspelled(&instant.stored(), position, character.parse().unwrap());
        if let Some(found) = Instant::parse_stored(&text) {
            prop_assert_eq!(found.stored(), text);
        }
    }

    #[test]
    fn texts_read_as_instants_are_read_alike_by_another_parser(
        instant in instants(),
        zone in zones(),
        position in any::<prop::sample::Index>(),
        character in "[0-9TZtz:.+ -]",
    ) {
        let text = shown(instant, Some(&zone));
        let text = misspelled(&text, position, character.parse().unwrap());
        let other = chrono::DateTime::parse_from_rfc3339(&text).map(|other| other.timestamp_millis());
        if let (Some(found), false) = (Instant::parse(&text), text.contains(":60")) {
            prop_assert_eq!(Ok(found.millis()), other);
        }
    }

    #[test]
    fn no_text_makes_reading_panic(any in any::<String>(), near in "[0-9TZtz:.+-]{0,40}") {
        for text in [any, near] {
            prop_assert!(Instant::parse_stored(&text).is_none());
            prop_assert_eq!(Written::parse(&format!("{text}!")), None);
            let name = Zone::parse(&text).map_or_else(|unknown| unknown.name, |zone| zone.name().to_owned());
            prop_assert_eq!(name, text);
        }
    }
}
