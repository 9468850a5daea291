//! The source of zones that a program sets once for its process: hence one test, in a process of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "zones.rs builds more")]
#[path = "zones/built.rs"]
mod built;

use std::collections::HashSet;
use std::sync::Mutex;

use built::Build;
use stoa_schema::time::{COMPILED_IN_RELEASE, Instant, Zone, ZoneFile, ZoneSource, set_zone_source, tzdata_version};

static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// `Europe/Paris` an hour further east than it is, and a zone that only this source has.
fn read(name: &str) -> Option<ZoneFile> {
    ASKED.lock().unwrap().push(name.to_owned());
    let zone = match name {
        "Europe/Paris" => Build::new(7_200, "AAA").footer("AAA-2"),
        "Test/Island" => Build::new(20_700, "BBB").footer("BBB-5:45"),
        _ => return None,
    };
    ZoneFile::parse(&zone.bytes(b'2')).ok()
}

fn source(release: Option<&str>) -> ZoneSource {
    let names = ["Europe/Paris", "Test/Island", "Test/Damaged"].map(str::to_owned);
    ZoneSource { release: release.map(str::to_owned), names: Some(HashSet::from(names)), read: Box::new(read) }
}

fn offset(name: &str) -> Option<i32> {
    let winter = Instant::parse("2024-01-15T12:00:00Z").unwrap();
    Zone::parse(name).ok().map(|zone| zone.offset_seconds_at(winter))
}

fn asked() -> Vec<String> {
    std::mem::take(&mut *ASKED.lock().unwrap())
}

#[test]
fn zones_of_the_source_go_before_those_compiled_in() {
    assert_eq!(offset("Europe/Paris"), Some(3_600));
    assert_eq!(tzdata_version(), format!("{COMPILED_IN_RELEASE} (compiled in)"));

    assert!(set_zone_source(source(Some("2026a"))).is_ok());
    assert_eq!(tzdata_version(), "2026a");
    assert_eq!((offset("Europe/Paris"), offset("Test/Island")), (Some(7_200), Some(20_700)));
    assert_eq!(asked(), ["Europe/Paris", "Test/Island"]);
    assert_eq!((offset("Europe/Paris"), offset("Test/Island")), (Some(7_200), Some(20_700)));
    assert!(asked().is_empty(), "they are kept");

    assert_eq!((offset("Europe/Rome"), offset("Europe/Rome")), (Some(3_600), Some(3_600)));
    assert_eq!(asked(), ["Europe/Rome"], "a compiled-in zone that the source lacks is asked for once");
    assert_eq!((offset("Test/Damaged"), offset("Test/Nowhere"), offset("+05:30")), (None, None, Some(19_800)));
    assert_eq!(asked(), ["Test/Damaged"], "only names that are listed or compiled in are asked for");
    assert_eq!(Zone::parse("test/iland").unwrap_err().nearest.as_deref(), Some("Test/Island"));

    let refused = set_zone_source(source(Some("2026b"))).unwrap_err();
    assert_eq!(format!("{refused:?}"), r#"ZoneSource { release: Some("2026b"), .. }"#);
    assert_eq!(tzdata_version(), "2026a", "the first source stays");
}
