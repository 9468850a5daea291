//! Two records that are written together or not at all: by commits of two operations, in either order. Whoever reads both
//! at once finds the same in both.

use super::PAIR;
use super::client::{Historian, header, held, tag_in, written};
use super::record::{Action, Answer, Condition, Operation};
use serde_json::{Value as Json, json};
use stoa_tests::client::{self, Client};

impl Historian {
    /// Does something to both; whether there was an answer.
    pub(super) fn send_both(&mut self, client: &Client) -> bool {
        match self.below(10) {
            0..=2 => self.read_both(client),
            3 | 4 => self.commit(client, Action::Put),
            5 | 6 => self.commit(client, Action::Add),
            7 => self.commit(client, Action::SetTag),
            8 => self.commit(client, Action::Create),
            _ => self.commit(client, |_| Action::Delete),
        }
    }

    fn read_both(&mut self, client: &Client) -> bool {
        let path = format!("/Item/?id=in=({},{})", PAIR[0], PAIR[1]);
        let (start, end, answer) = self.ask(client, "GET", &path, &[], "");
        let answer = answer.map(|answer| {
            let found = answer.expect(200).body_json();
            match found.as_array().unwrap().as_slice() {
                [] => Answer { status: 404, held: None, tag: None },
                [one, other] => {
                    assert_eq!(held(one), held(other), "half of a commit was seen");
                    Answer { status: 200, held: Some(held(one)), tag: None }
                }
                _ => panic!("half of a commit was seen: {found}"),
            }
        });
        for key in PAIR {
            let (action, condition, answer) = (Action::Read, None, answer.clone());
            self.keep(key, Operation { client: self.number, action, condition, start, end, answer });
        }
        answer.is_some()
    }

    fn commit(&mut self, client: &Client, action: impl Fn(i64) -> Action) -> bool {
        let action = action(self.unique());
        let mut keys = PAIR;
        if self.below(2) == 0 {
            keys.reverse();
        }
        let which = self.below(2);
        let conditions = [0, 1].map(|at| if at == which { self.condition(keys[at], &action) } else { None });
        let operations: Vec<Json> = keys.iter().zip(&conditions).map(|(key, it)| document(key, &action, it)).collect();
        let body = json!({"operations": operations}).to_string();
        let headers = [("content-type", "application/json")];
        let (start, end, answer) = self.ask(client, "POST", "/_stoa/commit", &headers, &body);
        let answered = answer.is_some();
        for (at, answer) in outcomes(answer.as_ref()) {
            let (action, condition) = (action.clone(), conditions[at].clone());
            self.keep(keys[at], Operation { client: self.number, action, condition, start, end, answer });
        }
        answered
    }
}

fn document(key: &str, action: &Action, condition: &Option<Condition>) -> Json {
    let (method, path, body) = written(key, action);
    let headers = condition.as_ref().map(header).map(|(name, value)| json!({name: value}));
    json!({"method": method, "path": path, "headers": headers, "body": body})
}

/// What is known of the operations of a commit: of both that they happened, or that they may have, or of one that it was
/// refused, which undid the other.
fn outcomes(answer: Option<&client::Answer>) -> Vec<(usize, Option<Answer>)> {
    let Some(answer) = answer else { return vec![(0, None), (1, None)] };
    let document = answer.body_json();
    if answer.status != 200 {
        let at = document["index"].as_u64().unwrap_or_else(|| panic!("no index in {document}"));
        let tag = answer.header("etag").map(tag_in);
        return vec![(usize::try_from(at).unwrap(), Some(Answer { status: answer.status, held: None, tag }))];
    }
    let results = document["results"].as_array().unwrap().iter().enumerate();
    results.map(|(at, result)| (at, Some(outcome(result)))).collect()
}

fn outcome(result: &Json) -> Answer {
    let status = u16::try_from(result["status"].as_u64().unwrap()).unwrap();
    Answer {
        status,
        held: matches!(status, 200 | 201).then(|| held(&result["body"])),
        tag: result["etag"].as_str().map(tag_in),
    }
}
