//! CBOR (RFC 8949) as items. Tags are passed over: what they mark is read as it stands.

use super::binary::{Item, Source};
use super::error::BodyError;
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;
use std::borrow::Cow;

pub(super) struct Items<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Items<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(body) }
    }

    fn read(&mut self) -> Result<Item<'a>, Error> {
        let decoder = &mut self.decoder;
        while decoder.datatype()? == Type::Tag {
            decoder.tag()?;
        }
        Ok(match decoder.datatype()? {
            Type::Null => decoder.null().map(|()| Item::Null)?,
            Type::Undefined => decoder.undefined().map(|()| Item::Null)?,
            Type::Bool => Item::Bool(decoder.bool()?),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                Item::Int(decoder.int()?.into())
            }
            Type::F16 => Item::Float(decoder.f16()?.into()),
            Type::F32 => Item::Float(decoder.f32()?.into()),
            Type::F64 => Item::Float(decoder.f64()?),
            Type::String => Item::Text(Cow::Borrowed(decoder.str()?)),
            Type::StringIndef => Item::Text(Cow::Owned(decoder.str_iter()?.collect::<Result<String, _>>()?)),
            Type::Bytes => Item::Bytes(Cow::Borrowed(decoder.bytes()?)),
            Type::BytesIndef => Item::Bytes(Cow::Owned(decoder.bytes_iter()?.collect::<Result<Vec<_>, _>>()?.concat())),
            Type::Array | Type::ArrayIndef => Item::Array(decoder.array()?),
            Type::Map | Type::MapIndef => Item::Map(decoder.map()?),
            Type::Break => {
                decoder.set_position(decoder.position() + 1);
                Item::Break
            }
            other => return Err(Error::message(format!("{other} has no meaning here"))),
        })
    }
}

impl<'a> Source<'a> for Items<'a> {
    fn next(&mut self) -> Result<Item<'a>, BodyError> {
        let begin = self.decoder.position();
        self.read().map_err(|error| match error.is_end_of_input() {
            true => BodyError::syntax("it ends in the middle", begin),
            false => BodyError::syntax(format!("it is no valid CBOR: {error}"), error.position().unwrap_or(begin)),
        })
    }

    fn position(&self) -> usize {
        self.decoder.position()
    }

    fn at_end(&self) -> bool {
        self.decoder.position() >= self.decoder.input().len()
    }
}
