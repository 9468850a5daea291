//! Files of records: what their names say of their format and coding.

use crate::data::coding::{Coding, Encoder, decoder};
use crate::data::format::Format;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The name that stands for the standard streams.
pub(super) const STANDARD_STREAM: &str = "-";

/// What a file's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) format: Option<Format>,
    pub(super) coding: Option<Coding>,
}

impl Named {
    /// Reads `name.FORMAT` and `name.FORMAT.CODING`.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let (rest, last) = name.rsplit_once('.').unwrap_or((&name, ""));
        let coding = match last {
            "gz" => Some(Coding::Gzip),
            "br" => Some(Coding::Brotli),
            "zst" => Some(Coding::Zstd),
            _ => None,
        };
        let extension = if coding.is_some() { rest.rsplit_once('.').map_or("", |(_, last)| last) } else { last };
        Self { format: format(extension), coding }
    }
}

/// The format that an extension or a flag names.
pub(super) fn format(name: &str) -> Option<Format> {
    if name == "jsonl" { Some(Format::Ndjson) } else { Format::named(name) }
}

/// Opens a file to read, and its length in bytes if that is known.
pub(super) fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), String> {
    if path.as_os_str() == STANDARD_STREAM {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |error| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    Ok((Box::new(file), about.is_file().then_some(about.len())))
}

/// What a file holds once its coding is undone.
pub(super) fn decoded<'a>(coding: Option<Coding>, file: impl Read + 'a) -> Result<Box<dyn Read + 'a>, String> {
    decoder(coding.as_slice(), file).map_err(|error| format!("there is no memory to decode with: {error}"))
}

/// A file that is written beside the one it replaces, and takes its place when it is complete.
pub(super) struct Replacement {
    path: PathBuf,
    beside: PathBuf,
    file: File,
    encoder: Option<Encoder>,
}

impl Replacement {
    /// Begins the file beside `path`, packed as its name says.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let beside = PathBuf::from(name);
        let encoder = Named::of(path).coding.map(Encoder::new).transpose()?;
        Ok(Self { path: path.to_owned(), file: File::create(&beside)?, beside, encoder })
    }

    /// Puts it, with all that was written on disk, in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(encoder) = self.encoder.take() {
            self.file.write_all(&encoder.finish()?)?;
        }
        self.file.sync_all()?;
        std::fs::rename(&self.beside, &self.path)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            Some(encoder) => self.file.write_all(&encoder.push(bytes)?).map(|()| bytes.len()),
            None => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{Coding, Format, Named};
    use std::path::Path;

    #[test]
    fn a_name_says_format_and_coding() {
        let cases = [
            ("a/p.ndjson", Some(Format::Ndjson), None),
            ("p.JSONL", Some(Format::Ndjson), None),
            ("p.csv.gz", Some(Format::Csv), Some(Coding::Gzip)),
            ("p.ndjson.zst", Some(Format::Ndjson), Some(Coding::Zstd)),
            ("p.br", None, Some(Coding::Brotli)),
            ("csv", None, None),
            ("-", None, None),
            ("p.txt", None, None),
        ];
        for (name, format, coding) in cases {
            assert_eq!(Named::of(Path::new(name)), Named { format, coding }, "{name}");
        }
    }
}
