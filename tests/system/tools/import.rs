//! `stoa import`.

use super::folder::{Done, Folder, assert_says};
use std::io::{BufRead, BufReader, Write};
use std::process::Command;
use stoa_tests::client::Client;
use stoa_tests::server::Server;

const SCHEMA: &str = "type Product @table @export { id: ID @primaryKey name: String @indexed price: Float stock: Int tags: [String] @indexed changed: String @updatedTime }";

fn line(at: usize) -> String {
    format!(
        "{{\"id\":\"p{at:06}\",\"name\":\"Product {at}\",\"price\":{at}.5,\"stock\":{at},\"tags\":[\"t{}\"]}}\n",
        at % 9
    )
}

fn lines(count: usize) -> String {
    (0..count).map(line).collect()
}

#[test]
fn run_again_it_writes_nothing() {
    let app = Folder::new(SCHEMA);
    app.write("all.ndjson", lines(9_000));
    let import = ["import", "all.ndjson", "--table", "Product"];
    assert_says(&app.run(&import).expect(0), &["9000 inserted, 0 updated, 0 unchanged, 0 failed"]);
    assert_eq!(app.number("SELECT count(*) FROM _changes"), 9_000);
    assert_eq!(app.number("SELECT count(*) FROM \"Product:tags\""), 9_000);
    let changed = line(5).replace("\"stock\":5", "\"stock\":6");
    app.write("some.ndjson", format!("{}{changed}{}", line(4), line(9_000)));
    assert_says(
        &app.run(&["import", "all.ndjson", "some.ndjson", "--table", "Product"]).expect(0),
        &[
            "all.ndjson: 0 inserted, 0 updated, 9000 unchanged, 0 failed",
            "some.ndjson: 1 inserted, 1 updated, 1 unchanged, 0 failed",
        ],
    );
    assert_eq!(app.number("SELECT count(*) FROM _changes"), 9_002);
    let server = app.serve();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Product/?tags=t5&stock=6&select(id)").expect(200).text(), r#"["p000005"]"#);
}

#[test]
fn lines_that_fail_are_told_and_the_others_stored() {
    let app = Folder::new(SCHEMA);
    app.write("some.csv", "id,stock\na,1\nb,x\n,3\nd,4\n");
    let output = app.run(&["import", "some.csv", "--table", "Product"]).expect(1);
    assert_says(
        &output,
        &["some.csv:3: ", "some.csv:4: ", "--new", "2 inserted, 0 updated, 0 unchanged, 2 failed", "stoa: 2 lines"],
    );
    assert_eq!(app.number("SELECT sum(stock) FROM Product"), 5);
}

#[test]
fn all_or_nothing() {
    let app = Folder::new(SCHEMA);
    app.write("some.ndjson", format!("{}{{\"id\":\"b\",\"stock\":\"x\"}}\n", lines(5_000)));
    let import = ["import", "some.ndjson", "--table", "Product", "--atomic"];
    assert_says(&app.run(&import).expect(1), &["some.ndjson:5001: ", "nothing was stored"]);
    assert_eq!(app.number("SELECT count(*) FROM Product"), 0);
    app.write("some.ndjson", lines(5_000));
    assert_says(&app.run(&import).expect(0), &["5000 inserted"]);
    app.write("again.ndjson", format!("{}{}", line(5_000), line(0)));
    let new = ["import", "again.ndjson", "--table", "Product", "--atomic", "--new"];
    assert_says(&app.run(&new).expect(1), &["again.ndjson:2: a Product with this id exists", "nothing was stored"]);
    assert_eq!(app.number("SELECT count(*) FROM Product"), 5_000);
}

#[test]
fn new_records_get_ids() {
    let app = Folder::new(SCHEMA);
    let import = ["import", "-", "--format", "csv", "--table", "Product", "--new"];
    assert_says(&app.run_with(&import, "name,id\nA,\nB,b\n").expect(0), &["-: 2 inserted"]);
    assert_says(
        &app.run_with(&import, "name,id\nA,\nB,b\n").expect(1),
        &["-:3: a Product with this id exists", "1 inserted"],
    );
    assert_eq!(app.number("SELECT count(*) FROM Product WHERE name='A' AND length(id)=36"), 2);
}

#[test]
fn packed_files() {
    let app = Folder::new(SCHEMA);
    for (name, pack) in [("a.ndjson.gz", "gzip"), ("b.ndjson.zst", "zstd"), ("c.ndjson.br", "br")] {
        app.write(name, packed(pack, lines(3_000).replace("\"p0", &format!("\"{pack}0")).as_bytes()));
        assert_says(&app.run(&["import", name, "--table", "Product"]).expect(0), &["3000 inserted"]);
    }
    let whole = packed("gzip", lines(3_000).as_bytes());
    app.write("cut.csv.gz", &whole[..whole.len() / 2]);
    app.write("cut.ndjson.gz", &whole[..whole.len() / 2]);
    assert_says(&app.run(&["import", "cut.ndjson.gz", "--table", "Product"]).expect(1), &["cannot be read to its end"]);
}

fn packed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4_096, 4, 19);
            encoder.write_all(bytes).unwrap();
            encoder.into_inner()
        }
        _ => zstd::encode_all(bytes, 3).unwrap(),
    }
}

#[test]
fn what_it_refuses_it_explains() {
    let app = Folder::new(SCHEMA);
    app.write("some.txt", "");
    app.write("some.json", "[]");
    app.write("wrong.csv", "id,nmae\na,b\n");
    let refused = |arguments: &[&str], parts: &[&str]| assert_says(&app.run(arguments).expect(1), parts);
    refused(&["import", "none.csv", "--table", "Product"], &["none.csv"]);
    refused(&["import", "some.txt", "--table", "Product"], &["--format"]);
    refused(&["import", "some.json", "--table", "Product"], &["jq -c"]);
    refused(&["import", "-", "--table", "Product"], &["--format"]);
    refused(&["import", "wrong.csv", "--table", "Product"], &["nmae"]);
    refused(&["import", "wrong.csv", "--table", "Prodct"], &["no table Prodct", "Product"]);
    refused(&["import", "a.csv", "b.csv", "--atomic", "--table", "Product"], &["one file"]);
}

#[test]
fn a_server_that_runs_is_named_with_the_request_that_does_the_same() {
    let app = Folder::new(SCHEMA);
    let server = app.serve();
    app.write("some.ndjson.gz", packed("gzip", lines(10).as_bytes()));
    let output = app.run(&["import", "some.ndjson.gz", "--table", "Product"]).expect(1);
    assert_says(&output, &["another stoa is running"]);
    let request = output.lines().find_map(|line| line.trim().strip_prefix("curl ")).expect(&output);
    assert_says(request, &[&server.base]);
    let sent =
        Command::new("sh").arg("-c").arg(format!("curl -sS {request}")).current_dir(app.path()).output().unwrap();
    assert_says(&Done(sent).expect(0), &[r#""inserted":10"#]);
}

#[test]
fn interrupted_it_says_so_and_goes_on_when_run_again() {
    let app = Folder::new(SCHEMA);
    let mut child = app.spawn(&["import", "-", "--format", "ndjson", "--table", "Product"]);
    let mut input = child.stdin.take().unwrap();
    // More than a piece and a chunk, so that something is stored while it waits for the rest.
    input.write_all(lines(20_000).as_bytes()).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut said = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_line(&mut said).unwrap();
    assert_says(&said, &["stopping"]);
    // It stops at the next piece that it gets.
    _ = input.write_all((20_000..40_000).map(line).collect::<String>().as_bytes());
    errors.read_line(&mut said).unwrap();
    let output = Done(child.wait_with_output().unwrap()).expect(1);
    let stored = app.number("SELECT count(*) FROM Product");
    assert!((1..40_000).contains(&stored), "{stored} are stored");
    assert_says(&output, &[&format!("{stored} inserted")]);
    assert_says(&said, &["run the same command again to go on"]);
    app.write("all.ndjson", lines(40_000));
    let again = app.run(&["import", "all.ndjson", "--table", "Product"]).expect(0);
    assert_says(&again, &[&format!("{} inserted, 0 updated, {stored} unchanged", 40_000 - stored)]);
}

#[test]
fn killed_it_leaves_whole_records() {
    let app = Folder::new(SCHEMA);
    app.write("all.ndjson", lines(60_000));
    let mut child = app.spawn(&["import", "all.ndjson", "--table", "Product"]);
    let wal = app.path().join(".stoa/stoa.db-wal");
    while std::fs::metadata(&wal).map_or(0, |wal| wal.len()) < 1 << 20 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let again = app.run(&["import", "all.ndjson", "--table", "Product"]).expect(0);
    assert_says(&again, &["0 updated", "0 failed"]);
    assert_eq!(app.number("SELECT count(*) FROM Product"), 60_000);
    assert_eq!(app.number("SELECT count(*) FROM _changes"), 60_000, "every record is in the log once");
    let server: Server = app.serve();
    assert_eq!(Client::new(&server.base).get("/Product/?id=p059999&select(stock)").expect(200).text(), "[59999]");
}
