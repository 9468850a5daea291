//! A message of the stream, as far as it is understood here.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One message. A member that is not there is `None`.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'m> {
    #[serde(rename = "type", borrow)]
    name: Cow<'m, str>,
    #[serde(borrow)]
    pub(super) table: Option<Cow<'m, str>>,
    /// A text, a number, or a list of them.
    #[serde(borrow)]
    pub(super) id: Option<&'m RawValue>,
    #[serde(borrow)]
    pub(super) value: Option<&'m RawValue>,
    pub(super) seq: Option<u64>,
    #[serde(borrow)]
    pub(super) since: Option<Cow<'m, str>>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Cow<'m, str>>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record is, or became, so.
    Put,
    /// A record is gone.
    Delete,
    /// A record does not belong here any more.
    Leave,
    /// The state is complete.
    Ready,
    /// The state follows anew.
    Reset,
    /// Something this program does not know.
    Unknown,
}

impl<'m> Message<'m> {
    /// The message of a text, if it is one.
    pub(super) fn read(text: &'m str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn kind(&self) -> Kind {
        match self.name.as_ref() {
            "put" => Kind::Put,
            "delete" => Kind::Delete,
            "leave" => Kind::Leave,
            "ready" => Kind::Ready,
            "reset" => Kind::Reset,
            _ => Kind::Unknown,
        }
    }

    /// The kind as it was written.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
