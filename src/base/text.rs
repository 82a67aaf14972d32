//! Text from outside, made safe to print, and numbers for people.

use std::fmt::Write as _;

/// `text` with everything escaped that could move a cursor, change colours or reorder a line, cut after `most` characters.
///
/// Names from other machines and messages of other programs reach a terminal only through here.
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if c.is_control() || is_format(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Like [`printable`], keeping line breaks, for messages of several lines.
pub fn printable_lines(text: &str, most: usize) -> String {
    let lines: Vec<_> = text.lines().take(most).map(|line| printable(line, 400)).collect();
    lines.join("\n")
}

/// Characters that print nothing and change how others look: bidirectional controls, joiners, tags, soft hyphens.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: impl Into<u128>) -> String {
    let digits = number.into().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `2 records`.
pub fn count(number: impl Into<u128>, one: &str) -> String {
    let number = number.into();
    format!("{} {one}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\u{7}é漢", 99), "a\\u{1b}[31mb\\u{202e}c\\u{7}é漢");
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0_u64), "0");
        assert_eq!(thousands(1_234_567_u64), "1,234,567");
        assert_eq!(count(1_u64, "record"), "1 record");
    }
}
