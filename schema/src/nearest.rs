//! "Did you mean …?": the declared name nearest to a misspelt one.

/// The candidate that the writer of `word` most plausibly meant: at most a third of its letters differ (case aside).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    nearest_spelling(word, allowed, candidates.into_iter().map(|candidate| (candidate, candidate)))
}

/// What is meant by the spelling nearest to `word`, of pairs of a spelling and its meaning: at most `allowed` letters
/// differ (case aside).
pub(crate) fn nearest_spelling<'a>(
    word: &str,
    allowed: usize,
    spellings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    spellings
        .into_iter()
        // Lengths tell a lower bound of the distance, and much sooner.
        .filter(|(spelling, _)| spelling.chars().count().abs_diff(length) <= allowed)
        .map(|(spelling, meaning)| (strsim::osa_distance(&lower, &spelling.to_lowercase()), meaning))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_of_the_finger_only() {
        let names = ["String", "Boolean", "categoryId"];
        assert_eq!(nearest("Strng", names), Some("String"));
        assert_eq!(nearest("categoryid", names), Some("categoryId"));
        assert_eq!(nearest("Bolean", names), Some("Boolean"));
        assert_eq!(nearest("price", names), None);
    }
}
