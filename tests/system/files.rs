//! Files of `web/`: what is served, how, and what is not.

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};
use stoa_tests::client::{Answer, Client, raw};
use stoa_tests::server::{Server, Start};

const SCHEMA: &str = "type Item @table @export { id: ID @primaryKey name: String }
type Page @table @export(name: \"page\") { id: ID @primaryKey }";

struct Site {
    server: Server,
    client: Client,
    folder: tempfile::TempDir,
}

impl Site {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("web").join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.client.send("GET", path, headers, b"")
    }

    fn is_absent(&self, path: &str) {
        let answer = self.client.get(path).expect(404);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
}

/// A site with these files in `web/`.
fn site(files: &[(&str, &str)]) -> Site {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.graphql"), SCHEMA).unwrap();
    std::fs::create_dir(folder.path().join("web")).unwrap();
    let server = Server::start(folder.path(), Start { dev: true, ..Start::default() });
    let site = Site { client: Client::new(&server.base), server, folder };
    files.iter().for_each(|(name, content)| site.write(name, content.as_bytes()));
    site
}

#[test]
fn files_are_served_with_their_types() {
    let page = "<!doctype html><title>Shop</title>";
    let site = site(&[
        ("index.html", page),
        ("main.js", "export {};"),
        ("style.css", "a{}"),
        ("data.json", "{}"),
        ("logo.svg", "<svg/>"),
        ("a b/é.txt", "é"),
        ("app.webmanifest", "{}"),
        ("unknown.zzz", "?"),
        ("empty.txt", ""),
        (".well-known/security.txt", "Contact: a"),
    ]);
    let typed = |path: &str, content_type: &str, body: &str| {
        let answer = site.client.get(path).expect(200);
        assert_eq!((answer.header("content-type"), answer.text().as_str()), (Some(content_type), body), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
        let head = site.client.send("HEAD", path, &[], b"").expect(200);
        // Where there is nothing, HEAD need not say so.
        assert!(body.is_empty() || head.header("content-length") == answer.header("content-length"));
        assert_eq!(head.header("etag"), answer.header("etag"));
    };
    typed("/", "text/html; charset=utf-8", page);
    typed("/index.html?a=b", "text/html; charset=utf-8", page);
    typed("/main.js", "text/javascript; charset=utf-8", "export {};");
    typed("/style.css", "text/css; charset=utf-8", "a{}");
    typed("/data.json", "application/json", "{}");
    typed("/logo.svg", "image/svg+xml", "<svg/>");
    typed("/a%20b/%C3%A9.txt", "text/plain; charset=utf-8", "é");
    typed("/app.webmanifest", "application/manifest+json", "{}");
    typed("/unknown.zzz", "application/octet-stream", "?");
    typed("/empty.txt", "text/plain; charset=utf-8", "");
    typed("/.well-known/security.txt", "text/plain; charset=utf-8", "Contact: a");
}

#[test]
fn a_folder_is_its_index() {
    let site = site(&[("help/index.html", "help"), ("pictures/a.txt", "a"), ("a b/index.html", "ab")]);
    assert_eq!(site.client.get("/help/").expect(200).text(), "help");
    let moved = |path: &str| site.client.get(path).expect(301).header("location").unwrap().to_owned();
    assert_eq!(moved("/help"), "/help/");
    assert_eq!(moved("/a%20b?q=%26"), "/a%20b/?q=%26");
    for path in ["/", "/pictures", "/pictures/", "/help/index.html/", "/help//", "//help", "//help/", "/%5Chelp"] {
        site.is_absent(path);
    }
}

#[test]
fn tables_go_before_files() {
    let site =
        site(&[("Item/index.html", "file"), ("page", "file"), ("openapi.json", "file"), ("_stoa/a.txt", "file")]);
    assert_eq!(site.client.get("/Item/").expect(200).text(), "[]");
    assert_eq!(site.client.get("/page/").expect(200).text(), "[]");
    assert!(site.client.get("/openapi.json").expect(200).text().contains("openapi"));
    site.is_absent("/_stoa/a.txt");
}

#[test]
fn other_methods_are_refused() {
    let site = site(&[("a.txt", "a")]);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = site.client.send(method, "/a.txt", &[], b"").expect(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
        site.client.send(method, "/none.txt", &[], b"").expect(404);
    }
    assert_eq!(site.client.send("OPTIONS", "/a.txt", &[], b"").expect(204).header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let site = site(&[("a.txt", "a"), (".env", "secret"), (".git/config", "secret"), ("x/.y/z.txt", "secret")]);
    let outside = site.folder.path().join("secret.txt");
    std::fs::write(&outside, "secret").unwrap();
    symlink(&outside, site.path("link.txt")).unwrap();
    symlink(site.folder.path(), site.path("up")).unwrap();
    symlink("loop.txt", site.path("loop.txt")).unwrap();
    symlink(".env", site.path("env.txt")).unwrap();
    symlink("a.txt", site.path("within.txt")).unwrap();
    assert!(Command::new("mkfifo").arg(site.path("pipe.txt")).status().unwrap().success());
    let long = format!("/{}", "a".repeat(5_000));
    for path in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/x/.y/z.txt",
        "/link.txt",
        "/up/secret.txt",
        "/up/",
        "/up",
        "/loop.txt",
        "/env.txt",
        "/pipe.txt",
        "/%2e%2e/secret.txt",
        "/x/%2e%2e/a.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/x/..%2f..%2fsecret.txt",
        "/a.txt%00",
        "/a.txt%00.html",
        "/%00",
        "/a.txt/",
        "/a.txt/b",
        "/x//../a.txt",
        "/%252e%252e/secret.txt",
        &long,
    ] {
        site.is_absent(path);
    }
    assert_eq!(site.client.get("/within.txt").expect(200).text(), "a");
    for path in ["/../secret.txt", "/x/../../secret.txt", "/./a.txt", "//a.txt", "/web/../../secret.txt"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(site.server.port(), request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[test]
fn a_tag_stands_for_what_is_sent() {
    let site = site(&[]);
    let text = "let answer = 42;\n".repeat(200);
    site.write("main.js", text.as_bytes());
    let plain = site.client.get("/main.js").expect(200);
    let tag = plain.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"'), "{tag} is strong");
    let same = site.get("/main.js", &[("if-none-match", &tag)]).expect(304);
    assert_eq!((same.header("etag"), same.body.len()), (Some(tag.as_str()), 0));

    let encoded = site.get("/main.js", &[("accept-encoding", "br")]).expect(200);
    assert_eq!(encoded.header("content-encoding"), Some("br"));
    assert!(encoded.body.len() < text.len() / 4);
    assert_ne!(encoded.header("etag"), Some(tag.as_str()));

    // The next request after a change sees it; the time of the file says nothing.
    let time = std::fs::metadata(site.path("main.js")).unwrap().modified().unwrap();
    site.write("main.js", text.replace("42", "43").as_bytes());
    std::fs::File::options().write(true).open(site.path("main.js")).unwrap().set_modified(time).unwrap();
    let changed = site.get("/main.js", &[("if-none-match", &tag)]).expect(200);
    assert!(changed.text().contains("43"));
    std::fs::remove_file(site.path("main.js")).unwrap();
    site.is_absent("/main.js");
}

/// Numbers, so that every byte tells its place.
fn numbers(bytes: usize) -> Vec<u8> {
    (0..bytes / 8).flat_map(|at| format!("{at:07}\n").into_bytes()).collect()
}

#[test]
fn parts_of_a_file() {
    let site = site(&[]);
    for length in [1 << 10, 3 << 20] {
        let content = numbers(length);
        site.write("film.mp4", &content);
        let part = |range: &str, from: usize, to: usize| {
            let answer = site.get("/film.mp4", &[("range", range), ("accept-encoding", "gzip")]).expect(206);
            assert_eq!(answer.header("content-range"), Some(format!("bytes {from}-{}/{length}", to - 1).as_str()));
            assert!(answer.body == content[from..to], "{range} of {length}");
            assert_eq!(answer.header("content-encoding"), None);
        };
        part("bytes=0-0", 0, 1);
        part("bytes=100-", 100, length);
        part("bytes=-9", length - 9, length);
        part("bytes=8-999999999", 8, length);
        let outside = site.get("/film.mp4", &[("range", &format!("bytes={length}-"))]).expect(416);
        assert_eq!(outside.header("content-range"), Some(format!("bytes */{length}").as_str()));
        for ignored in ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1"] {
            let answer = site.get("/film.mp4", &[("range", ignored)]).expect(200);
            assert_eq!(answer.header("accept-ranges"), Some("bytes"));
            assert!(answer.body == content);
        }
    }
}

#[test]
fn a_part_of_another_file_is_not_sent() {
    let site = site(&[("a.txt", "0123456789")]);
    let tag = site.client.get("/a.txt").header("etag").unwrap().to_owned();
    let asked = [("range", "bytes=2-3"), ("if-range", tag.as_str())];
    assert_eq!(site.get("/a.txt", &asked).expect(206).text(), "23");
    site.write("a.txt", b"abcdefghij");
    assert_eq!(site.get("/a.txt", &asked).expect(200).text(), "abcdefghij");
}

/// The most memory that a process has held, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_long_file_takes_no_memory() {
    let site = site(&[]);
    let path = site.path("long.bin");
    let mut file = std::fs::File::create(&path).unwrap();
    file.seek(SeekFrom::Start(256 << 20)).unwrap();
    file.write_all(b"end").unwrap();
    let before = peak_memory(site.server.pid());
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", site.server.port())).unwrap();
    stream.write_all(b"GET /long.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let (mut received, mut last, mut buffer) = (0, Vec::new(), vec![0_u8; 1 << 20]);
    loop {
        let length = stream.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        received += length;
        last = buffer[..length].to_vec();
    }
    assert!(received > 256 << 20 && last.ends_with(b"end"), "{received} bytes");
    let grown = peak_memory(site.server.pid()) - before;
    assert!(grown < 16 << 10, "{grown} KiB more");
}

/// Anew, it might change again within one tick of the file system's clock.
#[test]
fn a_long_file_has_a_tag_once_it_rests() {
    let site = site(&[]);
    site.write("long.bin", &numbers(2 << 20));
    let tag = || site.client.send("HEAD", "/long.bin", &[], b"").expect(200).header("etag").map(str::to_owned);
    assert_eq!(tag(), None);
    let began = Instant::now();
    let rested = loop {
        assert!(began.elapsed() < Duration::from_secs(30), "it has no tag yet");
        if let Some(tag) = tag() {
            break tag;
        }
    };
    site.get("/long.bin", &[("if-none-match", &rested)]).expect(304);
    site.write("long.bin", &numbers(2 << 20));
    site.get("/long.bin", &[("if-none-match", &rested)]).expect(200);
}
