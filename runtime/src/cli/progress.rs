//! How far a long command is: a bar where somebody watches, otherwise a line now and then.

use crate::limits;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use stoa_sync::store;

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

/// The progress of a region's first replica, on standard error.
#[derive(Default)]
pub(super) struct Filling {
    state: Mutex<Option<(ProgressBar, Instant)>>,
}

impl Filling {
    /// Shows a step: a bar where somebody watches, otherwise a line now and then.
    pub(super) fn show(&self, step: store::Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.is_none();
        let (bar, told) = state.get_or_insert_with(|| {
            (ProgressBar::new(0).with_style(style(Of::Bytes, true)).with_message("filling the replica"), Instant::now())
        });
        let watched = std::io::stderr().is_terminal();
        let tells = first || told.elapsed() >= limits::PROGRESS_EVERY;
        if tells && !watched {
            *told = Instant::now();
        }
        match step {
            store::Progress::Waiting(reason) if watched => {
                bar.set_message(format!("waiting for the primary: {reason}"))
            }
            store::Progress::Waiting(reason) if tells => eprintln!("waiting for the primary: {reason}"),
            store::Progress::Filling { frames, of } if watched => {
                bar.set_length(of * store::FRAME_BYTES);
                bar.set_position(frames * store::FRAME_BYTES);
                bar.set_message("filling the replica");
                if frames >= of {
                    bar.finish_and_clear();
                }
            }
            store::Progress::Filling { frames, of } if tells => {
                eprintln!(
                    "filling the replica: {} of {}",
                    HumanBytes(frames * store::FRAME_BYTES),
                    HumanBytes(of * store::FRAME_BYTES)
                );
            }
            store::Progress::Waiting(_) | store::Progress::Filling { .. } => {}
        }
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
