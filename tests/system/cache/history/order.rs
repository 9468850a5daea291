//! Whether reads can be given positions so that whoever begins after another has ended sees no less.
//!
//! Each read may have seen one of several positions, and each constraint is a lower bound: that of a read is the greatest
//! position given to those that ended before it began. Such bounds have a least solution, and it is found by giving every
//! read, in the order of their beginnings, the smallest position that it may have seen at or above its bound: all that ended
//! before it began have theirs by then, and none of them could have a smaller one. If a read has no position left, there is
//! no solution at all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The greatest position that was known to somebody by a time that only moves on.
#[derive(Default)]
pub(super) struct Known {
    /// What is known from an end on.
    later: BinaryHeap<Reverse<(u64, usize)>>,
    now: usize,
}

impl Known {
    /// Somebody knows of a position from `end` on.
    pub(super) fn from(&mut self, end: u64, position: usize) {
        self.later.push(Reverse((end, position)));
    }

    /// What was known before `begin`, which is not before any that was asked about.
    pub(super) fn before(&mut self, begin: u64) -> usize {
        while let Some(Reverse((end, position))) = self.later.peek() {
            if *end >= begin {
                break;
            }
            self.now = self.now.max(*position);
            self.later.pop();
        }
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    /// Reads with a beginning, an end and the positions that they may have seen, by beginning.
    fn has_order(reads: &[(u64, u64, &[usize])]) -> bool {
        let mut known = Known::default();
        reads.iter().all(|(begin, end, positions)| {
            let bound = known.before(*begin);
            let found = positions.iter().find(|position| **position >= bound);
            found.iter().for_each(|position| known.from(*end, **position));
            found.is_some()
        })
    }

    #[test]
    fn one_after_the_other() {
        assert!(has_order(&[]));
        assert!(has_order(&[(0, 1, &[3]), (2, 3, &[3]), (4, 5, &[4])]));
        assert!(!has_order(&[(0, 1, &[3]), (2, 3, &[2])]));
    }

    #[test]
    fn side_by_side_they_may_cross() {
        assert!(has_order(&[(0, 5, &[3]), (1, 4, &[2])]));
        assert!(has_order(&[(0, 5, &[3]), (5, 6, &[2])]), "the end of one is the beginning of the other");
        // Who begins after the first has ended sees what it saw, whatever the second does.
        assert!(!has_order(&[(0, 2, &[3]), (1, 9, &[2]), (3, 4, &[2])]));
    }

    #[test]
    fn the_smallest_that_is_possible_leaves_most_to_others() {
        assert!(has_order(&[(0, 1, &[1, 7]), (2, 3, &[2, 8]), (4, 5, &[3])]));
        assert!(!has_order(&[(0, 1, &[1, 7]), (2, 3, &[0, 8]), (4, 5, &[3])]));
    }

    #[test]
    fn a_long_read_bounds_nobody_before_its_end() {
        assert!(has_order(&[(0, 9, &[5]), (1, 2, &[1]), (3, 4, &[2]), (10, 11, &[5])]));
        assert!(!has_order(&[(0, 9, &[5]), (1, 2, &[1]), (3, 4, &[2]), (10, 11, &[4])]));
    }
}
