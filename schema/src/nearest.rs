//! "Did you mean …?": the declared name nearest to a misspelt one.

/// The candidate that the writer of `word` most plausibly meant: at most a third of its letters differ (case aside).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
