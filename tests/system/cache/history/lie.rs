//! Answers that are wrong on purpose, to see that the check sees them.

use std::collections::HashMap;
use std::sync::Mutex;
use stoa_tests::client::Answer;
use stoa_tests::dice::Dice;

/// In which way answers are wrong now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// The answer of a while ago, to the same question.
    Old,
    /// The same, with the position of now.
    OldAsNew,
    /// A position that is yet to come.
    Ahead,
    /// What is held is said to be current.
    NotModified,
    /// There is no next page.
    LastPage,
    /// Fewer in all than there are.
    Count,
    /// A list the other way round.
    Reversed,
    /// The tag of what was there before.
    OldTag,
    /// The record is not there.
    Missing,
}

/// The first answer that anybody was given to each question.
pub(super) type Old = Mutex<HashMap<String, Answer>>;

pub(super) struct Liar<'t> {
    lie: Option<Lie>,
    dice: Dice,
    old: &'t Old,
}

impl<'t> Liar<'t> {
    pub(super) fn new(lie: Option<Lie>, dice: Dice, old: &'t Old) -> Self {
        Self { lie, dice, old }
    }

    /// The answer as it is told.
    pub(super) fn tell(&mut self, variant: &str, conditional: bool, answer: Answer) -> Answer {
        let Some(lie) = self.lie else { return answer };
        let old = match !conditional && answer.status == 200 && !answer.body.is_empty() {
            true => Some(self.old.lock().unwrap().entry(variant.to_owned()).or_insert_with(|| answer.clone()).clone()),
            false => None,
        };
        if self.dice.below(10) > 0 {
            return answer;
        }
        match (lie, old) {
            (Lie::Old, Some(old)) => old,
            (Lie::OldAsNew, Some(old)) => with(old, "stoa-seq", answer.header("stoa-seq")),
            (Lie::OldTag, Some(old)) => with(answer, "etag", old.header("etag")),
            (Lie::Ahead, _) => {
                let seq = answer.header("stoa-seq").and_then(|seq| seq.rsplit_once('-'));
                let ahead = seq.map(|(log, number)| format!("{log}-9{number}"));
                with(answer, "stoa-seq", ahead.as_deref())
            }
            (Lie::NotModified, _) if conditional && answer.status == 200 => {
                Answer { status: 304, body: Vec::new(), ..answer }
            }
            (Lie::LastPage, _) => with(answer, "link", None),
            (Lie::Count, _) => {
                let fewer = answer.header("content-range").map(|range| format!("{range}0"));
                with(answer, "content-range", fewer.as_deref())
            }
            (Lie::Reversed, Some(_)) if answer.body.starts_with(b"[") => {
                let reversed: Vec<_> = answer.body_json().as_array().into_iter().flatten().rev().cloned().collect();
                Answer { body: serde_json::to_vec(&reversed).unwrap(), ..answer }
            }
            (Lie::Missing, Some(_)) => Answer { status: 404, ..answer },
            _ => answer,
        }
    }
}

fn with(mut answer: Answer, name: &str, value: Option<&str>) -> Answer {
    answer.headers.retain(|(known, _)| known != name);
    answer.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    answer
}
