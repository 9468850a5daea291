//! The examples in the docs do what the pages say.

use stoa_schema::expression::{Expression, Reach};
use stoa_schema::model::{Table, TableId};
use stoa_schema::sdl::{Source, load};
use stoa_tests::{page, server};

/// One test for each page, so that each fails alone and under its own name.
macro_rules! pages {
    ($($name:ident: $path:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            page::run(&server::root().join($path));
        })*

        #[test]
        fn every_page_is_run() {
            let run = [$($path),*];
            for entry in std::fs::read_dir(server::root().join("docs")).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("docs/{}", path.file_name().unwrap().to_string_lossy());
                let has_examples = path.extension().is_some_and(|kind| kind == "md") && name != "docs/README.md";
                assert!(!has_examples || run.contains(&name.as_str()), "{name} is not listed in tests/system/docs.rs");
            }
        }
    };
}

pages! {
    readme: "README.md",
    storefront: "examples/storefront/README.md",
    calendar: "examples/calendar/README.md",
    caching: "docs/caching.md",
    configuration: "docs/configuration.md",
    deploy: "docs/deploy.md",
    expressions: "docs/expressions.md",
    formats: "docs/formats.md",
    http: "docs/http.md",
    live: "docs/live.md",
    openapi: "docs/openapi.md",
    performance: "docs/performance.md",
    queries: "docs/queries.md",
    rules: "docs/rules.md",
    schema: "docs/schema.md",
    times: "docs/times.md",
    tools: "docs/tools.md",
    web: "docs/web.md",
}

/// The names that stand in the tables of `docs/expressions.md`.
const NAMED: &str = "
type Sample @table { id: ID status: String email: String name: String sku: String version: Int quantity: Int balance: Int
  price: Float discount: Float latitude: Float rating: Int gift: Boolean cancelled: Boolean isMember: Boolean
  startTime: String endTime: String tags: [String] attendeeIds: [ID] }";

/// The last cells of the tables of operators and functions.
#[test]
fn the_examples_of_expressions_can_be_read() {
    let schema = load(&[Source { name: "sample".into(), text: NAMED.into() }]).unwrap().schema;
    let tables: Vec<&Table> = schema.tables.iter().collect();
    let page = std::fs::read_to_string(server::root().join("docs/expressions.md")).unwrap();
    let (_, from_operators) = page.split_once("## Operators").unwrap();
    let (operators_and_functions, _) = from_operators.split_once("## Types").unwrap();
    let cells = operators_and_functions.lines().filter_map(|line| line.strip_suffix("` |")?.rsplit_once("| `"));
    let examples: Vec<String> = cells.map(|(_, example)| example.replace("\\|", "|")).collect();
    assert!(examples.len() > 20, "{examples:?}");
    for example in examples {
        let read = Expression::parse(&tables, TableId(0), &example, Reach::Related);
        assert!(read.is_ok(), "{example}: {read:?}");
    }
}
