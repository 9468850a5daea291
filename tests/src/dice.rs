//! A small generator (xorshift64*), so that every run has the same cases.

/// A sequence of numbers that its seed decides.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of this seed, which is not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).expect("64 bits") % bound
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).expect("8 bits")
    }
}

/// How many of something: few by default, the full count with `STOA_LONG=1`.
pub fn count(few: usize, full: usize) -> usize {
    if crate::server::long() { full } else { few }
}

/// The seeds of this run: `STOA_SEED` alone, or the first of all.
pub fn seeds(few: u64, full: u64) -> std::ops::Range<u64> {
    match std::env::var("STOA_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 1..1 + if crate::server::long() { full } else { few },
    }
}

/// Says which seed it was, should the test end while it is in use.
#[derive(Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The cases of one of many.
    pub fn dice(&self, number: usize) -> Dice {
        let mixed =
            self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
        Dice::new(mixed | 1)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- STOA_SEED={}", self.0);
        }
    }
}
