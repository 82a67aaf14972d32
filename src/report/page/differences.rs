//! Columns of numbers that compress well.

/// Each number as its difference to the one before it.
pub(super) fn differences(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0_i64;
    let step = |value: i64| value.wrapping_sub(std::mem::replace(&mut before, value));
    values.map(step).collect()
}
