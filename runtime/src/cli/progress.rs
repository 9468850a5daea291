//! How far a long command is: a bar where somebody watches, otherwise a line now and then.

use crate::limits;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Read};
use std::time::Instant;

/// The progress of one command, on standard error.
pub(super) struct Progress {
    what: String,
    bar: ProgressBar,
    began: Instant,
    /// When the last line was written; `None` where there is a bar.
    told: Option<Instant>,
    /// What is done of `of`: bytes, or records.
    of: Of,
}

/// What the whole is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Bytes read.
    Bytes,
    /// Records.
    Records,
}

impl Progress {
    /// Begins; `total` is the whole, if it is known.
    pub(super) fn new(what: impl Into<String>, of: Of, total: Option<u64>) -> Self {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style(of, total.is_some()));
        let began = Instant::now();
        let told = (!std::io::stderr().is_terminal()).then_some(began);
        Self { what: what.into(), bar, began, told, of }
    }

    /// The same reader, whose bytes count.
    pub(super) fn reading<R: Read>(&self, reader: R) -> impl Read + use<R> {
        self.bar.wrap_read(reader)
    }

    /// So many records are done by now.
    pub(super) fn records(&mut self, records: u64) {
        if self.of == Of::Records {
            self.bar.set_position(records);
        }
        if let Some(told) = &mut self.told {
            if told.elapsed() >= limits::PROGRESS_EVERY {
                *told = Instant::now();
                eprintln!("{}", self.line(records));
            }
            return;
        }
        let rate = per_second(records, self.began);
        self.bar.set_message(format!("{} {} records, {rate}/s", self.what, HumanCount(records)));
    }

    /// Takes the bar away: what follows are results.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// "in 3 seconds, 41,000 records/s"
    pub(super) fn pace(&self, records: u64) -> String {
        format!("in {:.1} s, {} records/s", self.began.elapsed().as_secs_f64(), per_second(records, self.began))
    }

    fn line(&self, records: u64) -> String {
        let share = self.bar.length().filter(|total| *total > 0).map(|total| {
            let percent = self.bar.position().saturating_mul(100) / total;
            format!(", {percent} %, {} left", HumanDuration(self.bar.eta()))
        });
        let bytes = if self.of == Of::Bytes { format!(", {}", HumanBytes(self.bar.position())) } else { String::new() };
        let rate = per_second(records, self.began);
        format!("{}: {} records, {rate}/s{bytes}{}", self.what, HumanCount(records), share.unwrap_or_default())
    }
}

fn per_second(records: u64, began: Instant) -> HumanCount {
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    HumanCount(records.saturating_mul(1_000) / millis)
}

fn style(of: Of, known: bool) -> ProgressStyle {
    let template = match (of, known) {
        (Of::Bytes, true) => "{msg}  {wide_bar} {bytes} of {total_bytes}, {eta} left",
        (Of::Bytes, false) => "{msg}  {bytes} in {elapsed}",
        (Of::Records, _) => "{msg}  {wide_bar} of {human_len}, {eta} left",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
