//! Every kept input of `tests/corpus` keeps every promise, and so do inputs near it; `fuzz/README.md` tells where they
//! come from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use stoa_tests::dice::Dice;
use stoa_tests::fuzz::{self, mutation};
use stoa_tests::server::{long, root};

/// How long one input may take, on a machine that has other things to do.
const AT_MOST: Duration = Duration::from_secs(5);

/// One test for each target, so that each fails alone and under its own name.
macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), fuzz::$name);
        })*

        #[test]
        fn every_corpus_is_run() {
            let run = [$(stringify!($name)),*];
            for entry in std::fs::read_dir(root().join("tests/corpus")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(run.contains(&name.as_str()), "{name} is the corpus of no target");
            }
        }
    };
}

targets!(query, sdl, expression, json, ndjson, csv, cbor, msgpack, cursor);

fn replay(name: &str, target: fn(&[u8])) {
    let kept = kept(name);
    kept.iter().for_each(|input| run(name, target, input));
    let rounds = if long() { 200_000 } else { 2_000 };
    let mut dice = Dice::new(0x5EED_0003);
    for _ in 0..rounds {
        let (input, other) = (&kept[dice.below(kept.len())], &kept[dice.below(kept.len())]);
        run(name, target, &mutation::mutated(input, other, &mut dice));
    }
}

/// The kept inputs, in the order of their names.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("tests/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn run(name: &str, target: fn(&[u8]), input: &[u8]) {
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| target(input)));
    assert!(ended.is_ok(), "{name} breaks a promise on b\"{}\"", input.escape_ascii());
    assert!(began.elapsed() < AT_MOST, "{name} takes {:?} for b\"{}\"", began.elapsed(), input.escape_ascii());
}
