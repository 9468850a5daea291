//! Entity tags (RFC 9110 §8.8.3): the revision of a record, or a hash of what is shown.

use super::representation::Representation;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A strong tag, as it stands in a header: with its quotes, without memory of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    text: [u8; LONGEST],
    length: u8,
}

/// Two quotes, two numbers of 13 digits and what stands between them.
const LONGEST: usize = 29;

impl std::fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.quoted())
    }
}

impl Tag {
    /// A record's plain JSON.
    pub fn revision(revision: i64) -> Self {
        Self::of(revision.unsigned_abs(), None)
    }

    fn of(number: u64, hash: Option<u64>) -> Self {
        let mut tag = Self { text: [0; LONGEST], length: 0 };
        tag.push(b"\"");
        tag.push_base36(number);
        if let Some(hash) = hash {
            tag.push(b"-");
            tag.push_base36(hash);
        }
        tag.push(b"\"");
        tag
    }

    fn push(&mut self, part: &[u8]) {
        let begin = usize::from(self.length);
        if let Some(place) = self.text.get_mut(begin..begin + part.len()) {
            place.copy_from_slice(part);
            self.length += u8::try_from(part.len()).unwrap_or_default();
        }
    }

    fn push_base36(&mut self, mut number: u64) {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut digits = [0_u8; 13];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = DIGITS[usize::try_from(number % 36).unwrap_or_default()];
            number /= 36;
            if number == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
    }

    /// A record in some form; `plain`: it is the whole record in JSON.
    pub fn record(revision: i64, body: &[u8], plain: bool, sent_as: Representation) -> Self {
        if plain && sent_as == Representation::PLAIN {
            Self::revision(revision)
        } else {
            Self::variant(revision, body, sent_as)
        }
    }

    /// Another representation of a record: `REV-hash`. The body is hashed before it is encoded.
    pub fn variant(revision: i64, body: &[u8], sent_as: Representation) -> Self {
        Self::of(revision.unsigned_abs(), Some(hash(body, sent_as)))
    }

    /// A list. The body is hashed before it is encoded.
    pub fn content(body: &[u8], sent_as: Representation) -> Self {
        Self::of(hash(body, sent_as), None)
    }

    /// The tag without quotes.
    pub fn opaque(&self) -> &str {
        self.quoted().trim_matches('"')
    }

    /// The tag as it stands in a header.
    pub fn quoted(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }
}

/// Strong tags differ wherever the bytes sent do, so the encoding is part of the hash; so is the format, whose bodies may
/// be the same bytes with another meaning.
fn hash(body: &[u8], sent_as: Representation) -> u64 {
    xxh3_64_with_seed(body, sent_as.number())
}

/// The revision that a tag of a record names; `None` if it names none.
pub fn revision_in(opaque: &str) -> Option<i64> {
    let digits = opaque.split('-').next().unwrap_or_default();
    if digits.is_empty() || digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    i64::from_str_radix(digits, 36).ok().filter(|revision| *revision >= 0)
}

#[cfg(test)]
mod tests {
    use super::{Tag, revision_in};
    use crate::data::coding::Coding;
    use crate::data::representation::Representation;

    #[test]
    fn a_tag_names_its_revision() {
        for revision in [0, 35, 36, 1_732_112_345_678_901, i64::MAX] {
            assert_eq!(revision_in(Tag::revision(revision).opaque()), Some(revision));
            assert_eq!(revision_in(Tag::variant(revision, b"{}", Representation::PLAIN).opaque()), Some(revision));
        }
        let encoded = Representation { coding: Some(Coding::Gzip), ..Representation::PLAIN };
        assert_ne!(Tag::content(b"[]", Representation::PLAIN), Tag::content(b"[]", encoded));
        assert_eq!(revision_in(""), None);
        assert_eq!(revision_in("K3X"), None);
        assert_eq!(revision_in("zzzzzzzzzzzzzzzz"), None);
    }
}
