//! Content codings (RFC 9110 §8.4.1): bytes are encoded piece by piece as an answer is made, and decoded as they are
//! asked for, so that nobody can make more of them than the reader takes.

use bytes::Bytes;
use std::io::{self, Read, Write};

/// A way to make bytes fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// Fast levels: an answer is made for one client and thrown away.
const GZIP_LEVEL: u32 = 6;
const BROTLI_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 3;
/// A window of 512 KiB: all of a page, and little memory for a stream.
const BROTLI_WINDOW_BITS: u32 = 19;
const BUFFER_BYTES: usize = 16 << 10;
/// A window of 8 MiB: what RFC 9659 allows as a content coding.
const ZSTD_WINDOW_BITS: u32 = 23;

/// Encodes a body piece by piece.
pub enum Encoder {
    /// See [`Coding::Gzip`].
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    /// See [`Coding::Brotli`].
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    /// See [`Coding::Zstd`].
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// An encoder of one body.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
            Coding::Brotli => Self::Brotli(Box::new(brotli::CompressorWriter::new(
                Vec::new(),
                BUFFER_BYTES,
                BROTLI_LEVEL,
                BROTLI_WINDOW_BITS,
            ))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    /// Takes a piece of the body, and gives what is encoded by now: often nothing.
    ///
    /// # Errors
    /// The encoder is broken.
    pub fn push(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let encoded = match self {
            Self::Gzip(encoder) => {
                encoder.write_all(piece)?;
                encoder.get_mut()
            }
            Self::Brotli(encoder) => {
                encoder.write_all(piece)?;
                encoder.get_mut()
            }
            Self::Zstd(encoder) => {
                encoder.write_all(piece)?;
                encoder.get_mut()
            }
        };
        Ok(std::mem::take(encoded).into())
    }

    /// The end of the encoded body.
    ///
    /// # Errors
    /// The encoder is broken.
    pub fn finish(self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Brotli(encoder) => encoder.into_inner(),
            Self::Zstd(encoder) => encoder.finish()?,
        }
        .into())
    }
}

/// Encodes a whole body.
///
/// # Errors
/// There is no memory for it.
pub fn encode(coding: Coding, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(coding)?;
    let mut encoded = Vec::from(encoder.push(body)?);
    encoded.extend_from_slice(&encoder.finish()?);
    Ok(encoded)
}

/// The decoded bytes of a body on which these codings were applied in turn, made as they are read.
///
/// # Errors
/// There is no memory for a decoder.
pub fn decoder<'a>(codings: &[Coding], body: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut decoded: Box<dyn Read + 'a> = Box::new(body);
    for coding in codings.iter().rev() {
        decoded = match coding {
            Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(decoded)),
            Coding::Brotli => Box::new(brotli::Decompressor::new(decoded, BUFFER_BYTES)),
            Coding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(decoded)?;
                decoder.window_log_max(ZSTD_WINDOW_BITS)?;
                Box::new(decoder)
            }
        };
    }
    Ok(decoded)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Coding, Encoder, decoder, encode};
    use std::io::Read;

    const ALL: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

    fn decoded(codings: &[Coding], body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decoder(codings, body)?.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn pieces_come_out_as_they_went_in() {
        let pieces: Vec<Vec<u8>> = (0..300_u32).map(|at| at.to_be_bytes().repeat(900)).collect();
        for coding in ALL {
            let mut encoder = Encoder::new(coding).unwrap();
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend_from_slice(&encoder.push(piece).unwrap());
            }
            body.extend_from_slice(&encoder.finish().unwrap());
            assert!(body.len() < 100_000, "{coding:?}");
            assert_eq!(decoded(&[coding], &body).unwrap(), pieces.concat(), "{coding:?}");
        }
    }

    #[test]
    fn codings_are_undone_from_the_last() {
        let body = encode(Coding::Zstd, &encode(Coding::Gzip, b"text").unwrap()).unwrap();
        assert_eq!(decoded(&[Coding::Gzip, Coding::Zstd], &body).unwrap(), b"text");
        assert!(decoded(&[Coding::Zstd, Coding::Gzip], &body).is_err());
    }

    #[test]
    fn half_a_body_is_an_error() {
        for coding in ALL {
            let body = encode(coding, &[7; 5_000]).unwrap();
            assert!(decoded(&[coding], &body[..body.len() - 2]).is_err(), "{coding:?}");
            assert!(decoded(&[coding], b"no such thing").is_err(), "{coding:?}");
        }
    }
}
