//! `stoa version`: what a report of a fault should say.

use super::folder::stoa;

#[test]
fn it_tells_what_it_is_made_of() {
    for arguments in [&["version", "--verbose"][..], &["--version", "--verbose"], &["-V", "-v"]] {
        let output = stoa(arguments).expect(0);
        for part in ["stoa 0.1.0", "libSQL", "SQLite 3.", "tzdata 20", "target", "-"] {
            assert!(output.contains(part), "{part:?} is missing in {output}");
        }
    }
    for arguments in [&["version"][..], &["--version"], &["-V"]] {
        assert_eq!(stoa(arguments).expect(0), "stoa 0.1.0\n");
    }
}
