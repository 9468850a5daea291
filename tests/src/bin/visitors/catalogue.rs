//! What can be visited: the products of `tests/bench/products.py`, the lists of their categories, and how often each is.

use stoa_tests::dice::Dice;

/// Categories of the products.
pub(crate) const CATEGORIES: usize = 50;

/// Path of a product, as `products.py` names it.
pub(crate) fn product(record: usize) -> String {
    format!("/Product/prod{record:011}")
}

/// The first page of what a category has in stock.
pub(crate) fn list(category: usize) -> String {
    format!("/Product/?categoryId=cat{category}&inStock=true&limit=20")
}

/// How often each of several things is chosen: the one of rank *n* in proportion to 1 / *n*^exponent.
pub(crate) struct Popularity {
    /// Sum of the shares up to each rank.
    cumulative: Vec<f64>,
    /// Who has that rank.
    of_rank: Vec<usize>,
}

impl Popularity {
    /// The rank of each is its number.
    pub(crate) fn in_order(things: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let share = |rank: usize| {
            sum += (rank as f64).powf(-exponent);
            sum
        };
        Self { cumulative: (1..=things).map(share).collect(), of_rank: (0..things).collect() }
    }

    /// Ranks are dealt out, the same way every time, so that the popular ones do not share pages of the database.
    pub(crate) fn scattered(things: usize, exponent: f64) -> Self {
        let mut popularity = Self::in_order(things, exponent);
        let mut dice = Dice::new(0x5701);
        for last in (1..things).rev() {
            popularity.of_rank.swap(last, dice.below(last + 1));
        }
        popularity
    }

    pub(crate) fn choose(&self, dice: &mut Dice) -> usize {
        const PARTS: usize = 1 << 48;
        let all = self.cumulative.last().copied().unwrap_or_default();
        let at = dice.below(PARTS) as f64 / PARTS as f64 * all;
        let rank = self.cumulative.partition_point(|up_to| *up_to <= at);
        self.of_rank[rank.min(self.of_rank.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::Popularity;
    use stoa_tests::dice::Dice;

    /// The first of 100,000 has 8.27 % of all: one part of the harmonic number 12.09.
    #[test]
    fn the_first_ranks_have_their_shares() {
        let popularity = Popularity::scattered(100_000, 1.0);
        let mut dice = Dice::new(1);
        let mut chosen = vec![0; 100_000];
        (0..100_000).for_each(|_| chosen[popularity.choose(&mut dice)] += 1);
        for (rank, expected) in [(0, 8_271), (1, 4_136), (9, 827)] {
            let count: i32 = chosen[popularity.of_rank[rank]];
            assert!((count - expected).abs() < 300, "{count} of rank {rank}");
        }
    }

    #[test]
    fn everything_has_one_rank() {
        let mut all = Popularity::scattered(1_000, 1.0).of_rank;
        assert!(all[..3] != [0, 1, 2]);
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }
}
