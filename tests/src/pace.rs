//! Some wait for others to get on with their work.

use std::sync::{Condvar, Mutex};

/// How far the others are.
#[derive(Debug, Default)]
pub struct Pace {
    /// Steps so far, and whether there are no more to come.
    steps: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Pace {
    /// One has made so many steps.
    pub fn steps(&self, count: usize) {
        self.steps.lock().expect("steps").0 += count;
        self.changed.notify_all();
    }

    /// Nobody makes any more.
    pub fn end(&self) {
        self.steps.lock().expect("steps").1 = true;
        self.changed.notify_all();
    }

    /// Waits for so many steps, or for the last; whether there are more to come.
    pub fn wait(&self, steps: usize) -> bool {
        let mut now = self.steps.lock().expect("steps");
        let until = now.0 + steps;
        while now.0 < until && !now.1 {
            now = self.changed.wait(now).expect("steps");
        }
        !now.1
    }
}
