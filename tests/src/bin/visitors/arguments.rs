//! The command line → what to measure, every number within its bounds.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

pub(crate) const USAGE: &str = "visitors zipf ADDRESS:PORT [options]
visitors open ADDRESS:PORT [options]

Visits a Stoa on loopback that holds the products of tests/bench/products.py, for a while, and prints one line: what was
measured. Ends with 1 if anything but the expected was answered, or a connection broke.

zipf   each connection asks again as soon as it has its answer; some products are asked for far more often than others,
       and most requests say what they have seen (If-None-Match); meanwhile products change
  --exponent X        of the Zipf distribution (1.0)
  --revalidate N      percent of the requests that send the tag seen last, where there is one (80)
  --lists N           percent of the requests that ask for 20 products of one of 50 categories (10)
  --change WHAT       price (set anew), stock (one taken off), or none: every 10 ms, on a connection of its own (price)

open   requests are sent at their times, whatever the answers do, and each is measured from the time when it was due:
       a server that stands still for a moment shows all that waited. Reads of single products, evenly spread
  --rate N            requests a second (500)
  --scan              meanwhile one client runs scans that take about 300 ms each alone, every one another query
  --write-rows N      and another writes so many rows a second, each in a request of its own (0)

both
  --records N         how many products the server holds (100000)
  --connections N     how many connections read (32)
  --seconds N         how long is measured (8, at most 600)
  --warm-up N         seconds before that, which do not count (3, at most 600)
  --help              this text";

pub(crate) enum Wanted {
    Help,
    Measurement(Mode),
}

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Zipf(ZipfOptions),
    Open(OpenOptions),
}

/// What both modes have.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) address: SocketAddr,
    pub(crate) records: usize,
    pub(crate) connections: usize,
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
}

#[derive(Clone, Copy)]
pub(crate) struct ZipfOptions {
    pub(crate) visit: Visit,
    pub(crate) exponent: f64,
    pub(crate) revalidate_percent: usize,
    pub(crate) lists_percent: usize,
    pub(crate) change: Option<Change>,
}

#[derive(Clone, Copy)]
pub(crate) enum Change {
    Price,
    Stock,
}

#[derive(Clone, Copy)]
pub(crate) struct OpenOptions {
    pub(crate) visit: Visit,
    pub(crate) rate: u32,
    pub(crate) scan: bool,
    pub(crate) rows_per_second: u32,
}

pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mode = arguments.next().ok_or("zipf or open?")?;
    if mode == "--help" || mode == "-h" {
        return Ok(Wanted::Help);
    }
    let mut given = Given(arguments.collect());
    if given.flag("--help") || given.flag("-h") {
        return Ok(Wanted::Help);
    }
    let visit = given.visit()?;
    let mode = match mode.as_str() {
        "zipf" => Mode::Zipf(given.zipf(visit)?),
        "open" => Mode::Open(given.open(visit)?),
        other => return Err(format!("no mode {other}")),
    };
    match given.0.first() {
        Some(unknown) => Err(format!("unknown argument {unknown}")),
        None => Ok(Wanted::Measurement(mode)),
    }
}

/// Arguments that nobody has taken yet.
struct Given(Vec<String>);

impl Given {
    fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|argument| argument != name);
        self.0.len() < before
    }

    fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|argument| argument == name) else { return Ok(None) };
        let mut both = self.0.drain(at..self.0.len().min(at + 2)).skip(1);
        both.next().map(Some).ok_or_else(|| format!("{name} needs a value"))
    }

    fn number<T>(&mut self, name: &str, default: T, least: T, most: T) -> Result<T, String>
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let Some(text) = self.value(name)? else { return Ok(default) };
        let within = text.parse().ok().filter(|number| (&least..=&most).contains(&number));
        within.ok_or_else(|| format!("{name} takes a number from {least} to {most}"))
    }

    fn visit(&mut self) -> Result<Visit, String> {
        Ok(Visit {
            records: self.number("--records", 100_000, 1, 9_999_999)?,
            connections: self.number("--connections", 32, 1, 1_000)?,
            measured: Duration::from_secs(self.number("--seconds", 8, 1, 600)?),
            warm_up: Duration::from_secs(self.number("--warm-up", 3, 0, 600)?),
            address: self.address()?,
        })
    }

    fn address(&mut self) -> Result<SocketAddr, String> {
        if self.0.first().is_none_or(|argument| argument.starts_with("--")) {
            return Err("an ADDRESS:PORT is missing".into());
        }
        let text = self.0.remove(0);
        let address: SocketAddr = text.parse().map_err(|_| format!("{text} is not ADDRESS:PORT"))?;
        // What is measured is this machine; somebody else's server is not loaded by a slip of the hand.
        if address.ip().is_loopback() { Ok(address) } else { Err(format!("{address} is not on loopback")) }
    }

    fn zipf(&mut self, visit: Visit) -> Result<ZipfOptions, String> {
        Ok(ZipfOptions {
            visit,
            exponent: self.number("--exponent", 1.0, 0.0, 10.0)?,
            revalidate_percent: self.number("--revalidate", 80, 0, 100)?,
            lists_percent: self.number("--lists", 10, 0, 100)?,
            change: match self.value("--change")?.as_deref() {
                None | Some("price") => Some(Change::Price),
                Some("stock") => Some(Change::Stock),
                Some("none") => None,
                Some(other) => return Err(format!("--change takes price, stock or none, not {other}")),
            },
        })
    }

    fn open(&mut self, visit: Visit) -> Result<OpenOptions, String> {
        Ok(OpenOptions {
            visit,
            rate: self.number("--rate", 500, 1, 100_000)?,
            scan: self.flag("--scan"),
            rows_per_second: self.number("--write-rows", 0, 0, 10_000)?,
        })
    }
}
