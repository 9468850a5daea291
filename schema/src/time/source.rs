//! The zones of the running program: given once at its start, each read when it is first asked for, then kept.
//!
//! This is the one place of the module that depends on more than its arguments. The folder, the files and what is said
//! about damaged ones belong to the program, which hands over a function; without it, as in a test of this crate, there
//! are the compiled-in tables only.
//!
//! Invariants: the source never changes once it is set; a zone, once found, stays as it is until the program ends; what is
//! kept is bounded by [`KEPT`], whatever names are asked for.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{OnceLock, PoisonError, RwLock};

use super::tables;
use super::tzif::ZoneFile;

/// Zones kept after they were read (there are some 600 names); more are read again whenever they are asked for.
const KEPT: usize = 2_000;

/// Where zones are found besides the compiled-in tables, and before them.
pub struct ZoneSource {
    /// The release of the IANA Time Zone Database, such as `2026a`, if the source says which it is.
    pub release: Option<String>,
    /// The names of its zones, if the source lists them: only these and the names of the compiled-in tables are asked
    /// for. Without a list every name is.
    pub names: Option<HashSet<String>>,
    /// Reads a zone. `None`, for one that is not there or cannot be read, is the compiled-in zone of that name, if any.
    /// The name may be any text.
    pub read: ReadZone,
}

/// The zone of a name.
pub type ReadZone = Box<dyn Fn(&str) -> Option<ZoneFile> + Send + Sync>;

impl fmt::Debug for ZoneSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ZoneSource").field("release", &self.release).finish_non_exhaustive()
    }
}

struct Zones {
    source: ZoneSource,
    /// Also the names of the compiled-in tables that have no file, so that the source is asked once for each.
    found: RwLock<HashMap<Box<str>, Option<ZoneFile>>>,
}

static ZONES: OnceLock<Zones> = OnceLock::new();

/// Sets where zones come from, for the rest of the process; before it there are the compiled-in tables only. To be called
/// once, before the first zone is parsed: zones parsed earlier keep their data.
///
/// # Errors
///
/// There is a source already, which stays; the new one is given back.
pub fn set_zone_source(source: ZoneSource) -> Result<(), ZoneSource> {
    ZONES.set(Zones { source, found: RwLock::default() }).map_err(|zones| zones.source)
}

/// The release of the IANA Time Zone Database in use, such as `2026a`. Compiled-in tables are called so
/// (`2025b (compiled in)`); a source that does not say its release is `unknown`.
pub fn tzdata_version() -> String {
    match ZONES.get() {
        Some(zones) => zones.source.release.clone().unwrap_or_else(|| "unknown".to_owned()),
        None => format!("{} (compiled in)", tables::RELEASE),
    }
}

/// The zone of that name in the source, if there is a source and it has one.
pub(super) fn find(name: &str) -> Option<ZoneFile> {
    ZONES.get().and_then(|zones| zones.find(name))
}

/// The names that the source lists.
pub(super) fn listed_names() -> impl Iterator<Item = &'static str> {
    ZONES.get().and_then(|zones| zones.source.names.as_ref()).into_iter().flatten().map(String::as_str)
}

impl Zones {
    fn find(&self, name: &str) -> Option<ZoneFile> {
        let compiled_in = tables::has(name);
        let listed = self.source.names.as_ref().is_none_or(|names| names.contains(name));
        if !compiled_in && !listed {
            return None;
        }
        if let Some(found) = self.found.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return found.clone();
        }
        let found = (self.source.read)(name);
        if found.is_some() || compiled_in {
            self.keep(name, found.clone());
        }
        found
    }

    fn keep(&self, name: &str, zone: Option<ZoneFile>) {
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        if found.len() < KEPT {
            found.insert(name.into(), zone);
        }
    }
}
