//! In which form data leaves: its format, and how its bytes are encoded.

use super::coding::Coding;
use super::format::Format;
use crate::limits;

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The format it prefers.
    pub format: Format,
    /// The encoding it prefers to plain bytes.
    pub coding: Option<Coding>,
    /// Whether it refuses plain bytes, so that even a short body is encoded.
    pub plain_refused: bool,
}

impl Accepted {
    /// JSON as it is.
    pub const PLAIN: Self = Self { format: Format::Json, coding: None, plain_refused: false };

    /// The form in which a body of this length is sent: a short one is not worth encoding.
    pub fn for_length(self, bytes: usize) -> Representation {
        let worth = self.plain_refused || bytes >= limits::ENCODED_FROM_BYTES;
        Representation { format: self.format, coding: self.coding.filter(|_| worth) }
    }
}

/// The form in which a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Representation {
    /// How its records are written.
    pub format: Format,
    /// How its bytes are encoded; as they are if `None`.
    pub coding: Option<Coding>,
}

impl Representation {
    /// JSON as it is.
    pub const PLAIN: Self = Self { format: Format::Json, coding: None };

    /// Tells every representation from every other; [`Representation::PLAIN`] is 0.
    pub fn number(self) -> u64 {
        let format = match self.format {
            Format::Json => 0,
            Format::Ndjson => 1,
            Format::Csv => 2,
            Format::Cbor => 3,
            Format::MessagePack => 4,
        };
        let coding = match self.coding {
            None => 0,
            Some(Coding::Gzip) => 1,
            Some(Coding::Brotli) => 2,
            Some(Coding::Zstd) => 3,
        };
        format * 4 + coding
    }
}
