//! Time zones from the system: the folder of TZif files that the machine's `tzdata` package keeps up to date.
//!
//! It knows where zones are kept and under which names, and which release they are; what stands in a file is read by
//! [`stoa_schema::time`], and what a zone means is said there too. A file is read once, when its zone is first asked for: a
//! new release is used after a restart.
//!
//! Invariant: nothing outside the folder is opened for the sake of a name, unless a link in the folder says so.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use stoa_schema::time::{COMPILED_IN_RELEASE, ZoneFile, ZoneSource, set_zone_source};

/// Where systems keep zones.
pub const SYSTEM_FOLDER: &str = "/usr/share/zoneinfo";

/// Bytes of a file in the folder; a larger one is not read. Zones have up to 4 KB, `tzdata.zi` has some 100.
const FILE_BYTES: u64 = 1 << 20;

/// Bytes of a zone's name; a longer one is no zone. The longest has 32.
const NAME_BYTES: usize = 64;

/// What stands in the folder beside the zones: other countings of time, and what this machine is set to.
const NO_ZONES: [&str; 4] = ["posix", "right", "posixrules", "localtime"];

/// Uses the zones in `given`; if that is not given, the newer of the system's and the compiled-in ones. Zones that a
/// folder lacks are compiled in. To be called once, at the start of the program.
///
/// # Errors
/// What was given is no folder.
pub fn use_folder(given: Option<&Path>) -> Result<(), String> {
    let source = match given {
        Some(folder) if !folder.is_dir() => return Err(format!("--zoneinfo: {} is no folder", folder.display())),
        Some(folder) => source(folder.to_owned()),
        None => {
            let source = source(SYSTEM_FOLDER.into());
            // Releases are named 2025b, 2025c, 2026a: their order in time is that of the letters.
            let older = source.release.as_deref().is_some_and(|release| release < COMPILED_IN_RELEASE);
            if older || !Path::new(SYSTEM_FOLDER).is_dir() {
                return Ok(());
            }
            source
        }
    };
    set_zone_source(source).map_err(|_| "time zones are set already".to_owned())
}

/// The zones in a folder.
pub fn source(folder: PathBuf) -> ZoneSource {
    let database = read_text(&folder.join("tzdata.zi"));
    ZoneSource {
        release: database.as_deref().and_then(release_of).or_else(|| version_of(&folder)),
        names: database.as_deref().map(names_in_database).filter(some).or_else(|| names_in_tables(&folder)),
        read: Box::new(move |name| read_zone(&folder, name)),
    }
}

fn read_zone(folder: &Path, name: &str) -> Option<ZoneFile> {
    if !is_zone_name(name) {
        return None;
    }
    let bytes = read(&folder.join(name))?;
    let zone = ZoneFile::parse(&bytes);
    if let Err(error) = &zone {
        tracing::warn!(zone = name, %error, folder = %folder.display(), "the zone's file is not used");
    }
    zone.ok()
}

/// Whether a name can be that of a zone: words of a few characters between slashes, so that it stays in the folder.
fn is_zone_name(name: &str) -> bool {
    let is_word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_".contains(&byte);
        !word.is_empty() && word.bytes().all(plain)
    };
    let first = name.split('/').next().unwrap_or(name);
    name.len() <= NAME_BYTES && name.split('/').all(is_word) && !NO_ZONES.contains(&first)
}

/// `# version 2026a`, as the first line of `tzdata.zi` has it.
fn release_of(database: &str) -> Option<String> {
    database.lines().next()?.strip_prefix("# version ").and_then(release)
}

/// The release in `+VERSION`, which BSD and macOS have.
fn version_of(folder: &Path) -> Option<String> {
    read_text(&folder.join("+VERSION")).as_deref().and_then(release)
}

/// A year and letters, and what a packager put behind them: `2026a`, `2026a-rearguard`.
fn release(text: &str) -> Option<String> {
    let text = text.trim();
    let (year, rest) = text.split_at_checked(4)?;
    let named = year.bytes().all(|byte| byte.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_graphic());
    (named && text.len() <= 32).then(|| text.to_owned())
}

/// The names of zones (`Z NAME …`) and of links (`L TARGET NAME`) in `tzdata.zi`.
fn names_in_database(database: &str) -> HashSet<String> {
    let name = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        match words.next()? {
            "Z" => words.next().map(str::to_owned),
            "L" => words.nth(1).map(str::to_owned),
            _ => None,
        }
    };
    database.lines().filter_map(name).collect()
}

/// The names in the tables of places, where there is no `tzdata.zi`.
fn names_in_tables(folder: &Path) -> Option<HashSet<String>> {
    let tables = ["zone1970.tab", "zone.tab"].map(|table| read_text(&folder.join(table)).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines()).filter(|line| !line.starts_with('#'));
    let names: HashSet<String> = rows.filter_map(|row| row.split('\t').nth(2)).map(str::to_owned).collect();
    Some(names).filter(some)
}

fn some(names: &HashSet<String>) -> bool {
    !names.is_empty()
}

fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(read(path)?).ok()
}

/// The bytes of a plain file that is not too large. Everything else counts as not there: the folder is the machine's, and
/// there is something to fall back on.
fn read(path: &Path) -> Option<Vec<u8>> {
    let usable = |length: u64| length <= FILE_BYTES;
    // Asked before opening, which would wait at a pipe.
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() || !usable(about.len()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    usable(bytes.len() as u64).then_some(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{is_zone_name, names_in_database, release, release_of};

    #[test]
    fn names_stay_in_the_folder_and_name_zones() {
        for name in ["UTC", "Etc/GMT+5", "America/Port-au-Prince", "America/Argentina/Buenos_Aires", "right_hand"] {
            assert!(is_zone_name(name), "{name}");
        }
        let long = "a".repeat(65);
        for name in [
            "",
            "/",
            "/etc/passwd",
            "../passwd",
            "Europe/../UTC",
            "Europe/.",
            "Europe//Paris",
            "Europe/",
            "UTC\0",
            "a b",
            "é",
            "C:\\x",
            "zone.tab",
            "posix",
            "posix/UTC",
            "right/UTC",
            "posixrules",
            "localtime",
            &long,
        ] {
            assert!(!is_zone_name(name), "{name}");
        }
    }

    #[test]
    fn the_release_is_read_from_what_the_folder_says() {
        assert_eq!(release_of("# version 2026a\n# This zic input file…\n").as_deref(), Some("2026a"));
        assert_eq!(release("2025b\n").as_deref(), Some("2025b"));
        assert_eq!(release_of("R A 1916 o"), None);
        for text in ["", "2O26a", "2026 a", "unknown", "202é", &"2".repeat(33)] {
            assert_eq!(release(text), None, "{text}");
        }
    }

    #[test]
    fn zones_and_links_are_listed() {
        let names = names_in_database(
            "# version 2026a\nR d 1916 o - Jun 14 23s 1 S\nZ Africa/Algiers 0:12:12 -\n0 d WE%sT\nL Africa/Algiers Africa/X\n",
        );
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        assert_eq!(names, ["Africa/Algiers", "Africa/X"]);
    }

    #[test]
    fn the_systems_folder_is_read_if_there_is_one() {
        if !std::path::Path::new(super::SYSTEM_FOLDER).join("UTC").is_file() {
            return;
        }
        let source = super::source(super::SYSTEM_FOLDER.into());
        assert!((source.read)("UTC").is_some());
        for name in [
            "right/UTC",
            "posix/UTC",
            "posixrules",
            "localtime",
            "tzdata.zi",
            "Europe",
            "leapseconds",
            "Europe/Nowhere",
        ] {
            assert!((source.read)(name).is_none(), "{name}");
        }
        if let Some(names) = source.names {
            assert!(names.contains("US/Eastern") && !names.contains("localtime"));
        }
        source.release.unwrap();
    }
}
