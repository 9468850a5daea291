//! MessagePack as items.

use super::binary::{Item, Source};
use super::error::BodyError;
use rmp::Marker;
use rmp::decode;
use std::borrow::Cow;

pub(super) struct Items<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, length: body.len() }
    }

    /// The next item; `None` if the body ends before it does or its marker is none.
    fn read(&mut self) -> Option<Result<Item<'a>, std::str::Utf8Error>> {
        let rest = &mut self.rest;
        Some(Ok(match Marker::from_u8(*rest.first()?) {
            Marker::Null => decode::read_nil(rest).map(|()| Item::Null).ok()?,
            Marker::True | Marker::False => Item::Bool(decode::read_bool(rest).ok()?),
            Marker::U64 => Item::Int(decode::read_u64(rest).ok()?.into()),
            Marker::FixPos(_)
            | Marker::FixNeg(_)
            | Marker::U8
            | Marker::U16
            | Marker::U32
            | Marker::I8
            | Marker::I16
            | Marker::I32
            | Marker::I64 => Item::Int(decode::read_int::<i64, _>(rest).ok()?.into()),
            Marker::F32 => Item::Float(decode::read_f32(rest).ok()?.into()),
            Marker::F64 => Item::Float(decode::read_f64(rest).ok()?),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let length = decode::read_str_len(rest).ok()?;
                let text = std::str::from_utf8(self.take(length)?);
                return Some(text.map(|text| Item::Text(Cow::Borrowed(text))));
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                Item::Array(Some(decode::read_array_len(rest).ok()?.into()))
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                Item::Map(Some(decode::read_map_len(rest).ok()?.into()))
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = decode::read_bin_len(rest).ok()?;
                self.take(length).map(|bytes| Item::Bytes(Cow::Borrowed(bytes)))?
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                let length = decode::read_ext_meta(rest).ok()?.size;
                self.take(length).map(|_| Item::Opaque)?
            }
            Marker::Reserved => return None,
        }))
    }

    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Source<'a> for Items<'a> {
    fn next(&mut self) -> Result<Item<'a>, BodyError> {
        let begin = self.position();
        match self.read() {
            Some(Ok(item)) => Ok(item),
            Some(Err(_)) => Err(BodyError::syntax("a text in it is not UTF-8", begin)),
            None => Err(BodyError::syntax("it is no valid MessagePack, or ends in the middle", begin)),
        }
    }

    fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty()
    }
}
