//! Every file of `tests/fixtures` is a test.

use stoa_tests::{fixture, server};

/// One test for each file, so that each fails alone and under its own name.
macro_rules! fixtures {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            fixture::run(&server::root().join("tests/fixtures").join(concat!(stringify!($name), ".http")));
        })*

        #[test]
        fn every_file_is_run() {
            let known = [$(concat!(stringify!($name), ".http")),*];
            for entry in std::fs::read_dir(server::root().join("tests/fixtures")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(known.contains(&name.as_str()), "{name} is not listed in tests/system/fixtures.rs");
            }
        }
    };
}

fixtures!(
    records,
    contract_storefront,
    contract_calendar,
    methods,
    conditional,
    queries,
    times,
    ids,
    bad_bodies,
    bad_urls,
    lists,
    pages,
    formats,
    negotiation,
    openapi,
    types,
    nested,
    open,
    hidden,
    compound_keys,
    computed,
    computed_ranges,
    checks,
    overlaps,
    references,
    expiry,
    idempotency,
    merge,
    require_match,
    commit
);
