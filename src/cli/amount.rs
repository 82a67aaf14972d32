//! Amounts of money of the command line.

use crate::base::money::Money;

/// Parses an amount in USD, with or without a dollar sign.
pub(crate) fn amount(text: &str) -> Result<Money, String> {
    Money::parse(text.trim_start_matches('$'))
        .ok_or_else(|| "write an amount in USD such as 20 or 7.50".to_owned())
}
