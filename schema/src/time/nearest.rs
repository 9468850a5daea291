//! The zone name that was probably meant by a text that names none.
//!
//! It does not know which texts are names; it is asked when the search has failed.
//!
//! Invariant: the work is bounded, however long the text ([`LONGEST`]).

use chrono_tz::TZ_VARIANTS;

/// A longer text is no misspelled name (the longest name has 32 letters), and is not worth the comparison.
const LONGEST: usize = 40;

/// The zone whose name, or whose name's last part, differs from `text` in the fewest letters, capitals aside: at most
/// one in four, so that three letters such as `PST` do not suggest another zone of three.
pub(super) fn zone_name(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return None;
    }
    let (distance, name) = TZ_VARIANTS
        .iter()
        .map(|zone| (distance_to(zone.name(), text), zone.name()))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= text.len() / 4).then_some(name)
}

fn distance_to(name: &str, text: &str) -> usize {
    let place = name.rsplit('/').next().unwrap_or(name);
    edit_distance(name.as_bytes(), text.as_bytes()).min(edit_distance(place.as_bytes(), text.as_bytes()))
}

/// The fewest insertions, deletions and substitutions of bytes that turn one text into the other, ASCII capitals equal
/// to small letters (Wagner and Fischer, "The String-to-String Correction Problem", 1974; one row kept).
fn edit_distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (row_index, from_byte) in from.iter().enumerate() {
        let mut diagonal = row_index;
        let mut left = row_index + 1;
        row[0] = left;
        for (to_byte, cell) in to.iter().zip(&mut row[1..]) {
            let substituted = diagonal + usize::from(!from_byte.eq_ignore_ascii_case(to_byte));
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row[to.len()]
}
