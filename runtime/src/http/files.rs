//! The files of the app's folder `web/`, as they are at the moment of the request.
//!
//! What is served lies in that folder, wherever its name leads: no segment of a path goes up, hidden files are not there, and a
//! link that leaves the folder leads nowhere. It knows no tables: their paths are looked at before.

use super::body::{AnswerBody, FileBody};
use super::headers;
use super::negotiate;
use super::problem::Problem;
use super::respond::{self, Answer, header};
use crate::data::coding::Coding;
use crate::data::format::Format;
use crate::data::representation::{Accepted, Representation};
use crate::data::tag::Tag;
use crate::limits;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LOCATION, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use stoa_schema::query::percent_decode;

const INDEX: &str = "index.html";
/// The one hidden folder that is meant to be seen (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// What is at a path.
pub(super) enum Found {
    /// A file.
    File(Opened),
    /// A folder with an index, whose path lacks its last slash.
    Folder,
}

/// A file that is to be sent.
pub(super) struct Opened {
    content: Content,
    length: u64,
    content_type: String,
    shrinks: bool,
}

enum Content {
    /// All of a short file.
    Whole(Vec<u8>),
    /// A long one, and what its tag is made of; a file that was just changed has none, because it may change again unnoticed.
    Long(File, Option<String>),
}

/// Looks up the path of a URL, which begins with `/`.
pub(super) async fn find(folder: &Path, path: &str) -> Result<Option<Found>, Box<Problem>> {
    let Some((relative, as_folder)) = relative(path) else { return Ok(None) };
    let folder = folder.to_owned();
    let looked = tokio::task::spawn_blocking(move || look(&folder, relative, as_folder)).await;
    match looked.map_err(io::Error::other).and_then(|found| found) {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            tracing::warn!(%error, path, "a file of web/ cannot be read");
            Err(Problem::unavailable("the file cannot be read now"))
        }
    }
}

/// The file that a path names, and whether it ends like that of a folder; `None` if no file has such a path.
fn relative(path: &str) -> Option<(PathBuf, bool)> {
    let segments: Vec<String> = path.strip_prefix('/')?.split('/').map(percent_decode).collect::<Option<_>>()?;
    let (last, above) = segments.split_last()?;
    let named = || above.iter().chain((!last.is_empty()).then_some(last)).enumerate();
    let plain = |(at, segment): (usize, &String)| {
        let hidden = segment.starts_with('.') && (at > 0 || segment != WELL_KNOWN);
        !segment.is_empty() && !hidden && !segment.contains(['/', '\\', '\0'])
    };
    named().all(plain).then(|| (named().map(|(_, segment)| segment).collect(), last.is_empty()))
}

fn look(folder: &Path, relative: PathBuf, as_folder: bool) -> io::Result<Option<Found>> {
    let Ok(root) = folder.canonicalize() else { return Ok(None) };
    let Some(path) = within(&root, &root.join(relative)) else { return Ok(None) };
    if !path.is_dir() {
        return if as_folder { Ok(None) } else { Ok(open(&path)?.map(Found::File)) };
    }
    let Some(index) = within(&root, &path.join(INDEX)) else { return Ok(None) };
    match as_folder {
        true => Ok(open(&index)?.map(Found::File)),
        false => Ok(index.is_file().then_some(Found::Folder)),
    }
}

/// Where a path leads; `None` if to nothing, out of the folder, or to what is hidden in it.
fn within(root: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let mut segments = path.strip_prefix(root).ok()?.iter().enumerate();
    let hidden = segments.any(|(at, name)| name.as_encoded_bytes().starts_with(b".") && (at > 0 || name != WELL_KNOWN));
    (!hidden).then_some(path)
}

/// Opens a regular file: a pipe would wait for its other end.
fn open(path: &Path) -> io::Result<Option<Opened>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let content = match metadata.len() <= limits::WHOLE_FILE_BYTES {
        true => {
            let mut bytes = Vec::new();
            file.by_ref().take(metadata.len()).read_to_end(&mut bytes)?;
            Content::Whole(bytes)
        }
        false => Content::Long(file, state(&metadata)),
    };
    let length = match &content {
        Content::Whole(bytes) => bytes.len() as u64,
        Content::Long(..) => metadata.len(),
    };
    let (content_type, shrinks) = kind(path);
    Ok(Some(Opened { content, length, content_type, shrinks }))
}

/// What differs wherever the bytes of a file do, as far as the file system tells times apart.
fn state(metadata: &Metadata) -> Option<String> {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(metadata.ctime()).ok()?);
    let settled = changed.elapsed().is_ok_and(|age| age > limits::FILE_SETTLED);
    let (device, inode, length) = (metadata.dev(), metadata.ino(), metadata.len());
    let times = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec());
    settled.then(|| format!("{device} {inode} {length} {times:?}"))
}

/// The media type of a file by its name, and whether encoding makes it smaller. Text is UTF-8.
fn kind(path: &Path) -> (String, bool) {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    let (essence, suffix) = (guessed.essence_str(), guessed.suffix().map(|suffix| suffix.as_str()));
    let text = guessed.type_() == "text" || essence == "application/javascript";
    let shrinks = text
        || matches!(suffix, Some("xml" | "json"))
        || matches!(essence, "application/json" | "application/wasm" | "application/xml" | "font/ttf" | "font/otf");
    (if text { format!("{essence}; charset=utf-8") } else { essence.to_owned() }, shrinks)
}

impl Found {
    /// The answer to a `GET` of it.
    pub(super) fn answer(self, path: &str, query: Option<&str>, asked: &HeaderMap) -> Result<Answer, Box<Problem>> {
        match self {
            Self::File(file) => file.answer(asked),
            Self::Folder => {
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                let mut answer = respond::bare(StatusCode::MOVED_PERMANENTLY, AnswerBody::EMPTY);
                answer.headers_mut().insert(LOCATION, header(&format!("{path}/{query}")));
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                Ok(answer)
            }
        }
    }
}

impl Opened {
    fn answer(self, asked: &HeaderMap) -> Result<Answer, Box<Problem>> {
        let coding = self.coding(asked)?;
        let tag = self.tag(coding);
        if let Some(tag) = &tag
            && headers::not_modified(asked, tag)?
        {
            return Ok(headed(StatusCode::NOT_MODIFIED, AnswerBody::EMPTY, Some(tag)));
        }
        let (length, content_type) = (self.length, header(&self.content_type));
        let (status, body, range) = match self.range(asked, tag.as_ref())? {
            Some(range) => (StatusCode::PARTIAL_CONTENT, self.part(range.clone())?, Some(range)),
            None => (StatusCode::OK, self.whole(coding)?, None),
        };
        let mut answer = headed(status, body, tag.as_ref());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(range) = range {
            headers.insert(CONTENT_RANGE, header(&format!("bytes {}-{}/{length}", range.start, range.end - 1)));
        } else if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(super::encode::name(coding)));
        }
        Ok(answer)
    }

    /// How the body is encoded. A part is one of the plain bytes, and a long file is sent as it is.
    fn coding(&self, asked: &HeaderMap) -> Result<Option<Coding>, Box<Problem>> {
        let Content::Whole(bytes) = &self.content else { return Ok(None) };
        if asked.contains_key(RANGE) {
            return Ok(None);
        }
        let (coding, plain_refused) = negotiate::coding(asked)?;
        let coding = coding.filter(|_| self.shrinks || plain_refused);
        Ok(Accepted { format: Format::Json, coding, plain_refused }.for_length(bytes.len()).coding)
    }

    fn tag(&self, coding: Option<Coding>) -> Option<Tag> {
        match &self.content {
            Content::Whole(bytes) => Some(Tag::content(bytes, Representation { coding, ..Representation::PLAIN })),
            Content::Long(_, state) => state.as_ref().map(|it| Tag::content(it.as_bytes(), Representation::PLAIN)),
        }
    }

    /// The part that is asked for, if there is one and the rest of it would fit (RFC 9110 §13.1.5, §14.2).
    fn range(&self, asked: &HeaderMap, tag: Option<&Tag>) -> Result<Option<Range<u64>>, Box<Problem>> {
        let Some(range) = asked.get(RANGE).and_then(|range| part(range.to_str().ok()?, self.length)) else {
            return Ok(None);
        };
        if asked.get(IF_RANGE).is_some_and(|held| tag.is_none_or(|tag| held != tag.quoted())) {
            return Ok(None);
        }
        match range.is_empty() {
            true => Err(Problem::range(self.length)),
            false => Ok(Some(range)),
        }
    }

    fn whole(self, coding: Option<Coding>) -> Result<AnswerBody, Box<Problem>> {
        match (self.content, coding) {
            (Content::Whole(bytes), None) => Ok(bytes.into()),
            (Content::Whole(bytes), Some(coding)) => Ok(AnswerBody::Unencoded(bytes, coding)),
            (Content::Long(file, _), _) => Ok(AnswerBody::File(FileBody::new(file, self.length))),
        }
    }

    fn part(self, range: Range<u64>) -> Result<AnswerBody, Box<Problem>> {
        match self.content {
            Content::Whole(bytes) => {
                let within = |at: u64| usize::try_from(at).unwrap_or(bytes.len());
                Ok(bytes[within(range.start)..within(range.end)].to_vec().into())
            }
            Content::Long(mut file, _) => {
                let sought = file.seek(SeekFrom::Start(range.start));
                sought.map_err(|_| Problem::unavailable("the file cannot be read now"))?;
                Ok(AnswerBody::File(FileBody::new(file, range.end - range.start)))
            }
        }
    }
}

/// The one range of bytes that a header names, within a file of this length: empty if it begins behind it, `None` if the header is to be
/// ignored.
fn part(text: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    match (first, last) {
        ("", suffix) => Some(length.saturating_sub(number(suffix)?)..length),
        (first, "") => Some(number(first)?.min(length)..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(length)..last.saturating_add(1).min(length))
        }
    }
}

fn headed(status: StatusCode, body: AnswerBody, tag: Option<&Tag>) -> Answer {
    let mut answer = respond::bare(status, body);
    let headers = answer.headers_mut();
    if let Some(tag) = tag {
        headers.insert(ETAG, header(tag.quoted()));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use super::{part, relative};
    use std::path::PathBuf;

    #[test]
    fn paths_that_may_name_a_file() {
        let read = |path| relative(path).map(|(path, folder)| (path.display().to_string(), folder));
        assert_eq!(read("/"), Some((String::new(), true)));
        assert_eq!(read("/a%20b/c.js"), Some(("a b/c.js".into(), false)));
        assert_eq!(read("/a+b/"), Some(("a+b".into(), true)));
        assert_eq!(read("/.well-known/security.txt"), Some((".well-known/security.txt".into(), false)));
        assert_eq!(relative("/%C3%A9"), Some((PathBuf::from("é"), false)));
    }

    #[test]
    fn paths_that_name_no_file() {
        for path in [
            "/..",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/%2E%2E%2Fa",
            "/a%2Fb",
            "/..%2f",
            "/.env",
            "/a/.git/config",
            "/a%00",
            "/a%5Cb",
            "/.",
            "//a",
            "/a//b",
            "//",
            "/a/.well-known/b",
            "/%ff",
            "/%2",
            "*",
            "/.well-known/../a",
        ] {
            assert_eq!(relative(path), None, "{path}");
        }
    }

    #[test]
    fn parts_of_ten_bytes() {
        let read = |text| part(text, 10).map(|range| (range.start, range.end));
        assert_eq!(read("bytes=0-0"), Some((0, 1)));
        assert_eq!(read("bytes=2-"), Some((2, 10)));
        assert_eq!(read("bytes=-3"), Some((7, 10)));
        assert_eq!(read("bytes=-30"), Some((0, 10)));
        assert_eq!(read("bytes=8-99"), Some((8, 10)));
        assert_eq!(read("bytes=10-"), Some((10, 10)));
        assert_eq!(read("bytes=-0"), Some((10, 10)));
        assert_eq!(read("bytes=0-18446744073709551615"), Some((0, 10)));
        for ignored in [
            "bytes=3-2",
            "bytes=0-1,3-4",
            "bytes=-",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=a-",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(read(ignored), None, "{ignored}");
        }
    }
}
