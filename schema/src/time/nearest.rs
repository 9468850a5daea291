//! The zone name that was probably meant by a text that names none.
//!
//! It does not know which texts are names; it is asked when the search has failed.

use chrono_tz::TZ_VARIANTS;

use super::source;
use crate::nearest::nearest_spelling;

/// The zone whose name, or whose name's last part, differs from `text` in the fewest letters, capitals aside: at most
/// one in four, so that three letters such as `PST` do not suggest another zone of three.
pub(super) fn zone_name(text: &str) -> Option<&'static str> {
    let names = TZ_VARIANTS.iter().map(|zone| zone.name()).chain(source::listed_names());
    let spellings = names.flat_map(|name| {
        let place = name.rsplit('/').next().unwrap_or(name);
        [(name, name), (place, name)]
    });
    nearest_spelling(text, text.chars().count() / 4, spellings)
}
