//! Money as integers: picodollars inside, plain decimals outside.

use std::fmt;

/// An amount in picodollars (10⁻¹² USD), never negative.
///
/// One cached token of the cheapest model costs 10,000 of them, so every price per token is a whole
/// number and sums are exact in any order. Addition saturates: among numbers that are never
/// negative that still commutes and associates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(u128);

const UNIT: u128 = 1_000_000_000_000;

impl Money {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0);

    /// An amount of picodollars.
    pub(crate) const fn from_pico(pico: u128) -> Self {
        Self(pico)
    }

    /// The amount in picodollars.
    pub(crate) const fn pico(self) -> u128 {
        self.0
    }

    /// Reads a JSON number such as `45.75`, `3` or `1e-05`. Digits below a picodollar are cut off.
    ///
    /// Negative, absurd (10¹⁵ dollars and more) or malformed amounts are none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.len() > 64 {
            return None;
        }
        let scale = 12_i32
            .checked_add(exponent)?
            .checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        let length = i32::try_from(significant.len()).ok()?.checked_add(scale)?;
        if length <= 0 {
            return Some(Self::ZERO);
        }
        if length > 27 {
            return None;
        }
        let pico = if scale >= 0 {
            significant
                .parse::<u128>()
                .ok()?
                .checked_mul(10_u128.checked_pow(u32::try_from(scale).ok()?)?)?
        } else {
            significant[..usize::try_from(length).ok()?].parse().ok()?
        };
        Some(Self(pico))
    }

    /// The sum, at most the largest amount there is.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What remains of `self` after taking `other` away; nothing if that is more.
    #[must_use]
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Dollars and cents for people, rounded half up, with separators: `1,234.50`.
    pub(crate) fn cents(self) -> String {
        let cents = self.0.saturating_add(UNIT / 200) / (UNIT / 100);
        format!("{}.{:02}", super::text::thousands(cents / 100), cents % 100)
    }
}

impl fmt::Display for Money {
    /// The shortest plain decimal: `45.75`, `0.0345`, `3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / UNIT)?;
        let fraction = self.0 % UNIT;
        if fraction == 0 {
            return Ok(());
        }
        let digits = format!("{fraction:012}");
        write!(f, ".{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

/// A price that is known, or an amount of which a part has no known price.
///
/// A total is the sum of what is known; `known` is false as soon as one part was not, so that no
/// report shows a silent zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cost {
    /// Whether every part had a price. Ordered first: a priced version of a record beats an
    /// unpriced one.
    pub(crate) known: bool,
    /// The sum of the parts that had one.
    pub(crate) amount: Money,
}

impl Default for Cost {
    fn default() -> Self {
        Self::known(Money::ZERO)
    }
}

impl Cost {
    /// A known price.
    pub(crate) const fn known(amount: Money) -> Self {
        Self {
            known: true,
            amount,
        }
    }

    /// No price.
    pub(crate) const UNKNOWN: Self = Self {
        known: false,
        amount: Money::ZERO,
    };

    /// The sum, known if both are.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            known: self.known && other.known,
            amount: self.amount.plus(other.amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_and_written_exactly() {
        for (text, pico, shown) in [
            ("45.75", 45_750_000_000_000, "45.75"),
            ("22.50", 22_500_000_000_000, "22.5"),
            ("0", 0, "0"),
            ("1e-05", 10_000_000, "0.00001"),
            ("1.5E3", 1_500_000_000_000_000, "1500"),
            ("0.0000000000019", 1, "0.000000000001"),
            ("1e-400", 0, "0"),
        ] {
            let money = Money::parse(text).expect(text);
            assert_eq!(
                (money.pico(), money.to_string().as_str()),
                (pico, shown),
                "{text}"
            );
        }
        for bad in ["-1", "1e999", "", ".5", "NaN", "1e16", "1 2"] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn cents_round_half_up() {
        assert_eq!(Money::parse("1234.495").expect("valid").cents(), "1,234.50");
        assert_eq!(Money::parse("0.004999").expect("valid").cents(), "0.00");
    }
}
