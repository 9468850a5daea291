//! Records → bytes in one of five formats, the only place where they are made: one walk over rows ([`Renderer`]), and for
//! each format an encoder of values. Numbers keep every bit, instants are shown in the asked zone.
//!
//! It knows no media types and no HTTP. Nothing is built up as a tree, so that a list of any length takes constant memory.

mod cbor;
mod csv;
mod encoder;
mod json;
mod msgpack;
mod selected;
mod render;
mod undeclared;

pub use render::{Renderer, Walk};
pub use selected::Selected;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON value (RFC 8259); a list is an array.
    Json,
    /// A JSON value on each line.
    Ndjson,
    /// A header and a line for each record (RFC 4180).
    Csv,
    /// CBOR (RFC 8949); a list is an array of indefinite length.
    Cbor,
    /// MessagePack; a list is an array 32.
    MessagePack,
}

impl Format {
    /// What the names of files in each format end in, without the dot.
    pub const EXTENSIONS: [(&str, Self); 5] = [
        ("json", Self::Json),
        ("ndjson", Self::Ndjson),
        ("csv", Self::Csv),
        ("cbor", Self::Cbor),
        ("msgpack", Self::MessagePack),
    ];

    /// What the names of its files end in, without the dot.
    pub fn extension(self) -> &'static str {
        Self::EXTENSIONS.iter().find(|(_, format)| *format == self).map_or("", |(extension, _)| extension)
    }

    /// The format with this extension.
    pub fn named(extension: &str) -> Option<Self> {
        Self::EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, format)| *format)
    }

    /// Begins a list, before its first record.
    pub fn begin_list(self, out: &mut Vec<u8>) {
        match self {
            Self::Json => out.push(b'['),
            Self::Ndjson | Self::Csv => {}
            Self::Cbor => out.push(cbor::ARRAY_WITHOUT_LENGTH),
            Self::MessagePack => out.extend_from_slice(&msgpack::array_header(0)),
        }
    }

    /// Stands between two records of a list.
    pub fn separate(self, out: &mut Vec<u8>) {
        if self == Self::Json {
            out.push(b',');
        }
    }

    /// Ends a record, alone or in a list.
    pub fn end_record(self, out: &mut Vec<u8>) {
        match self {
            Self::Ndjson => out.push(b'\n'),
            Self::Csv => out.extend_from_slice(csv::LINE_END),
            Self::Json | Self::Cbor | Self::MessagePack => {}
        }
    }

    /// Ends a list.
    pub fn end_list(self, out: &mut Vec<u8>) {
        match self {
            Self::Json => out.push(b']'),
            Self::Cbor => out.push(cbor::BREAK),
            Self::Ndjson | Self::Csv | Self::MessagePack => {}
        }
    }

    /// Whether the beginning of a list says how many records follow: then [`Format::set_count`] must be called.
    pub fn needs_count(self) -> bool {
        self == Self::MessagePack
    }

    /// Writes the number of records into the beginning of a list.
    pub fn set_count(self, count: u64, list: &mut [u8]) {
        if let (Self::MessagePack, Some(header)) = (self, list.get_mut(..msgpack::ARRAY_HEADER_BYTES)) {
            header.copy_from_slice(&msgpack::array_header(count));
        }
    }
}
