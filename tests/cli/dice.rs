//! Numbers that look random and are the same on every machine, for models and benches.

/// A small generator of numbers, the same on every machine: splitmix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn number(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A place below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number(end as u64)).expect("small")
    }

    /// True in `percent` of 100 throws.
    #[allow(dead_code, reason = "only the fleet model throws it")]
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
