//! Text from outside, made safe to print, and numbers for people.

use std::fmt::Write as _;
use std::io;

use unicode_width::UnicodeWidthStr as _;

use super::time::Timestamp;

/// `text` with everything escaped that could move a cursor, change colours or reorder a line, cut
/// after `most` characters.
///
/// Names from other machines and messages of other programs reach a terminal only through here.
pub(crate) fn printable(text: &str, most: usize) -> String {
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

/// Like [`printable`], keeping line breaks and the width of tabs, for messages of several lines.
pub(crate) fn printable_lines(text: &str, most: usize) -> String {
    let lines: Vec<_> = text
        .lines()
        .take(most)
        .map(|line| printable(&line.replace('\t', "    "), 400))
        .collect();
    lines.join("\n")
}

/// The candidate that is most like `wanted`, if one is like it at all: for "did you mean".
pub(crate) fn nearest<'c>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let wanted = wanted.to_lowercase();
    let scored = candidates.into_iter().map(|name| {
        (
            similar::TextDiff::from_chars(wanted.as_str(), name.to_lowercase().as_str()).ratio(),
            name,
        )
    });
    scored
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Text for a terminal: nothing in it moves a cursor, rings, hides or reorders. All that is printed
/// goes through here, so that a name that somebody forgot to escape is escaped all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screen(String);

impl Screen {
    /// Lines of text. Line breaks stay, and the colours that a message of ours may have.
    pub(crate) fn lines(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(end) = colour(rest) {
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let kept = matches!(c, '\n' | '\t') || rest.starts_with("\r\n");
            if !kept && (c.is_control() || is_format(c)) {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
        Self(out)
    }

    /// JSON: what would steer a terminal is written as JSON's own escapes, so that it stays the
    /// same value.
    pub(crate) fn json(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if c != '\n' && (c.is_control() || is_format(c)) {
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            } else {
                out.push(c);
            }
        }
        Self(out)
    }

    /// The bytes to write.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Writes JSON as [`Screen::json`] has it, piece by piece.
#[derive(Debug)]
pub(crate) struct JsonScreen<W>(pub(crate) W);

impl<W: io::Write> io::Write for JsonScreen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.is_ascii() || text.contains('\u{7f}') => {
                self.0.write_all(Screen::json(text).as_bytes())?;
            }
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes lines as [`Screen::lines`] has them, piece by piece.
#[derive(Debug)]
pub(crate) struct TextScreen<W>(pub(crate) W);

impl<W: io::Write> io::Write for TextScreen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .write_all(Screen::lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Where a colour (`ESC [ … m`) at the beginning of a text ends.
fn colour(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("\u{1b}[")?;
    let end = inner.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inner[end..].starts_with('m').then_some(2 + end + 1)
}

/// Characters that print nothing and change how others look: bidirectional controls, joiners, tags,
/// soft hyphens.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: impl Into<u128>) -> String {
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
pub(crate) fn count(number: impl Into<u128>, one: &str) -> String {
    let number = number.into();
    format!(
        "{} {one}{}",
        thousands(number),
        if number == 1 { "" } else { "s" }
    )
}

/// `claude-opus-4-5-20251101` as `opus-4-5`.
pub(crate) fn short_model(model: &str) -> String {
    let name = model.strip_prefix("claude-").unwrap_or(model);
    let dated = name
        .rsplit_once('-')
        .filter(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    printable(dated.map_or(name, |(base, _)| base), 40)
}

/// A text in lines of at most a width, broken at spaces and indented as its first line. A longer
/// word stays whole.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.split('\n') {
        let words = line.trim_start_matches(' ');
        let indent = &line[..line.len() - words.len()];
        let mut used = 0;
        for word in words.split(' ') {
            let more = word.width();
            if used > 0 && used + 1 + more > width {
                out.push('\n');
                used = 0;
            }
            out.push_str(if used == 0 { indent } else { " " });
            out.push_str(word);
            used += more + if used == 0 { indent.len() } else { 1 };
        }
        out.push('\n');
    }
    out
}

/// A Claude model's name for people: `claude-opus-4-5-20251101` as `opus-4.5`, `claude-3-5-haiku`
/// as `haiku-3.5`. Other names stay as they are.
pub(crate) fn model_name(model: &str) -> String {
    let short = short_model(model);
    if !model.starts_with("claude-") {
        return short;
    }
    let is_number = |part: &&str| part.len() < 3 && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = short.split('-').collect();
    let Some(first) = parts.iter().position(is_number) else {
        return short;
    };
    let numbers = parts[first..].iter().take_while(|part| is_number(part));
    let after = first + numbers.count();
    let version = parts[first..after].join(".");
    // The oldest models have the version before the family.
    let family = if first == 0 { after } else { 0 };
    let Some(name) = parts.get(family) else {
        return short;
    };
    let rest = if first == 0 {
        &parts[after + 1..]
    } else {
        &parts[after..]
    };
    let before = if first == 0 {
        &parts[..0]
    } else {
        &parts[1..first]
    };
    let all = [&[*name], before, &[version.as_str()], rest].concat();
    all.join("-")
}

/// What a spreadsheet takes for the beginning of a formula, in the wide forms of East Asian
/// keyboards too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// What separates fields in some country's spreadsheets, beside what this file is separated by.
const SEPARATORS: [char; 4] = [',', ';', '|', '\t'];

/// A text as a field. Characters that print nothing or reorder others are escaped as in
/// [`printable`].
///
/// A spreadsheet would run what begins like a formula, and where its country's lists are separated
/// by semicolons it takes each part behind one for a field: there an apostrophe keeps it a text.
pub(crate) fn csv_field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in printable(text, usize::MAX).chars() {
        if begins && FORMULA.contains(&c) {
            out.push('\'');
        }
        begins = SEPARATORS.contains(&c) || begins && (c.is_whitespace() || c == '"');
        out.push(c);
    }
    let plain = out.trim() == out && !out.contains(SEPARATORS) && !out.contains(['"', '\'']);
    if plain {
        out
    } else {
        format!("\"{}\"", out.replace('"', "\"\""))
    }
}

/// How long ago, in the largest unit that fits.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.since(then) / 60_000;
    let ago = |number: i64, unit: &str| format!("{} ago", count(number.unsigned_abs(), unit));
    match minutes {
        i64::MIN..0 => "in the future".to_owned(),
        0 => "just now".to_owned(),
        1..60 => ago(minutes, "minute"),
        60..1440 => ago(minutes / 60, "hour"),
        _ => ago(minutes / 1440, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{202e}c\u{7}é漢", 99),
            "a\\u{1b}[31mb\\u{202e}c\\u{7}é漢"
        );
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn what_is_printed_steers_no_terminal() {
        let text = Screen::lines(
            "a\u{1b}[31mred\u{1b}[0m\n\u{1b}[2J\u{1b}]0;title\u{7}\rb\u{202e}c\td\r\n",
        );
        assert_eq!(
            text.0,
            "a\u{1b}[31mred\u{1b}[0m\n\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{d}b\\u{202e}c\td\r\n"
        );
        assert_eq!(
            Screen::json("\"\u{202e}é\u{e0001}\"\n").0,
            "\"\\u202eé\\udb40\\udc01\"\n"
        );
    }

    #[test]
    fn no_spreadsheet_runs_a_field() {
        for (text, field) in [
            ("shop", "shop"),
            ("a-b=c", "a-b=c"),
            ("=1+1", "\"'=1+1\""),
            ("a,b", "\"a,b\""),
            ("lab;=HYPERLINK(\"x\")", "\"lab;'=HYPERLINK(\"\"x\"\")\""),
            ("lab; \"@x", "\"lab; \"\"'@x\""),
            ("a|+b", "\"a|'+b\""),
            (" \u{a0}-1", "\" \u{a0}'-1\""),
            ("＝1", "\"'＝1\""),
            ("a\t=1\r\nb", "a\\u{9}=1\\u{d}\\u{a}b"),
            ("a\u{202e}b\u{7f}\u{9b}", "a\\u{202e}b\\u{7f}\\u{9b}"),
        ] {
            assert_eq!(csv_field(text), field, "{text:?}");
        }
    }

    #[test]
    fn models_have_their_version_behind_the_family() {
        for (model, name) in [
            ("claude-opus-4-5-20251101", "opus-4.5"),
            ("claude-opus-4-8", "opus-4.8"),
            ("claude-sonnet-4-20250514", "sonnet-4"),
            ("claude-3-5-haiku-20241022", "haiku-3.5"),
            ("claude-3-opus-20240229", "opus-3"),
            ("claude-3-5-sonnet-latest", "sonnet-3.5-latest"),
            ("claude-opus-4-8-fast", "opus-4.8-fast"),
            ("claude-instant", "instant"),
            ("claude-3", "3"),
            ("claude-", ""),
            ("gpt-5-2-codex", "gpt-5-2-codex"),
        ] {
            assert_eq!(model_name(model), name);
        }
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0_u64), "0");
        assert_eq!(thousands(1_234_567_u64), "1,234,567");
        assert_eq!(count(1_u64, "record"), "1 record");
    }
}
