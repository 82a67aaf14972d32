//! Small sets of ids, and the low bits that stand for ids where most comparisons end.

use hashbrown::HashSet;

/// A small set of ids that are hashes, asked for by many: nearly all questions end at one bit.
#[derive(Debug, Default)]
pub(crate) struct SmallIdSet {
    bits: Bits,
    exact: HashSet<u64>,
}

impl SmallIdSet {
    /// The set of these numbers.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let exact: HashSet<u64> = numbers.into_iter().collect();
        let mut bits = Bits::for_count(exact.len());
        for number in &exact {
            bits.put(low_bits(*number));
        }
        Self { bits, exact }
    }

    /// Whether it has this number.
    #[inline]
    pub(crate) fn has(&self, number: u64) -> bool {
        self.bits.has(low_bits(number)) && self.exact.contains(&number)
    }
}

/// The low 32 bits of an id: its fingerprint.
#[inline]
pub(crate) fn low_bits(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// One bit a number, shared by those that end alike. Numbers are hashes.
#[derive(Debug)]
pub(crate) struct Bits {
    words: Vec<u64>,
    mask: u32,
}

impl Default for Bits {
    fn default() -> Self {
        Self::for_count(0)
    }
}

impl Bits {
    /// Of a size at which few of so many numbers meet.
    pub(crate) fn for_count(count: usize) -> Self {
        let bits = (count.clamp(1 << 10, 1 << 27) * 16).next_power_of_two();
        Self {
            words: vec![0; bits / 64],
            mask: u32::try_from(bits - 1).unwrap_or(u32::MAX),
        }
    }

    /// Puts a number in, and returns whether its bit was there before.
    #[inline]
    pub(crate) fn put(&mut self, number: u32) -> bool {
        let at = number & self.mask;
        let (word, bit) = (&mut self.words[(at >> 6) as usize], 1 << (at & 63));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Whether a number's bit is there.
    #[inline]
    pub(crate) fn has(&self, number: u32) -> bool {
        let at = number & self.mask;
        self.words[(at >> 6) as usize] & 1 << (at & 63) != 0
    }
}
