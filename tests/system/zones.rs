//! Time zones come from the folder that the server is told of.

use std::path::Path;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const SCHEMA: &str = "type Meeting @table @export { id: ID @primaryKey, startTime: String }";

fn app() -> tempfile::TempDir {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    app
}

fn start(app: &Path, zoneinfo: &Path) -> Result<Server, String> {
    let arguments = vec!["--zoneinfo".to_owned(), zoneinfo.to_str().unwrap().to_owned()];
    Server::try_start(app, Start { arguments, ..Start::default() })
}

/// A TZif file (RFC 9636 §3) of a zone that is always four hours east of UTC.
fn four_hours_east() -> Vec<u8> {
    let header = [b"TZif2".as_slice(), &[0; 15], &[0; 16], &[0, 0, 0, 1, 0, 0, 0, 4]].concat();
    let block = [header.as_slice(), &14_400_i32.to_be_bytes(), &[0, 0], b"+04\0"].concat();
    [&block, &block, b"\n<+04>-4\n".as_slice()].concat()
}

#[test]
fn zones_of_a_folder_are_used_and_those_it_lacks_are_compiled_in() {
    let (app, zoneinfo) = (app(), tempfile::tempdir().unwrap());
    let write = |name: &str, bytes: &[u8]| {
        let path = zoneinfo.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("tzdata.zi", b"# version 2030c\nZ Europe/Paris 4 - +04\nZ Test/Island 4 - +04\nL Test/Island Test/Link\nZ right/Oslo 0 - -\n");
    for name in ["Europe/Paris", "Test/Island", "Test/Link", "Test/Unlisted", "right/Oslo"] {
        write(name, &four_hours_east());
    }
    write("Europe/Rome", b"TZif2, and nothing that belongs there");
    std::fs::write(app.path().join("outside"), four_hours_east()).unwrap();

    let server = start(app.path(), zoneinfo.path()).unwrap();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/_stoa/health").body_json()["tzdata"], "2030c");
    let meeting = serde_json::json!({"startTime": "2026-01-15T12:00:00Z"});
    client.json("PUT", "/Meeting/m", &meeting).expect(201);
    for (zone, start) in [
        ("Europe/Paris", "2026-01-15T16:00:00+04:00"),
        ("Test/Island", "2026-01-15T16:00:00+04:00"),
        ("Test/Link", "2026-01-15T16:00:00+04:00"),
        // Its file is damaged.
        ("Europe/Rome", "2026-01-15T13:00:00+01:00"),
        ("Asia/Kathmandu", "2026-01-15T17:45:00+05:45"),
    ] {
        let answer = client.get(&format!("/Meeting/m?timezone={zone}")).expect(200);
        assert_eq!(answer.body_json()["startTime"], start, "{zone}");
    }
    server.wait_for_output("the zone's file is not used");
    assert_eq!(server.output().matches("the zone's file is not used").count(), 1);
    for zone in ["Test/Unlisted", "right/Oslo", "test/island", "Test", "../outside", "Test/Island/", "tzdata.zi"] {
        client.get(&format!("/Meeting/m?timezone={zone}")).expect(422);
    }
}

#[test]
fn a_folder_that_is_not_there_is_said_at_once() {
    let app = app();
    let Err(output) = start(app.path(), &app.path().join("nowhere")) else { panic!("it started") };
    assert!(output.contains("--zoneinfo: ") && output.contains("nowhere is no folder"), "{output}");
}
