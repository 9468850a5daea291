//! Many at the same time.

use std::sync::Barrier;
use std::thread::scope;

/// Does `work` for each number below `count`, all beginning together; what each made of it.
///
/// # Panics
/// One of them panicked.
pub fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    let one = |number| {
        start.wait();
        work(number)
    };
    let one = &one;
    scope(|scope| {
        let running: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().map(|one| one.join().expect("work that ends")).collect()
    })
}
