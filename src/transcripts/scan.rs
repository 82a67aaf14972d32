//! JSON read without a parser's detours: strings are passed over sixteen bytes at a time, and
//! nothing is copied.
//!
//! It reads less than JSON allows, and nothing that JSON does not: what it does not know, as an
//! escape in a text that is wanted, it refuses, and the line is read by `serde_json`.

use std::borrow::Cow;

use wide::u8x16;

use super::lenient::{Count, Text};

/// The deepest value that is passed over.
const DEEPEST: u32 = 64;

/// The longest number that is taken for a counter. One of 19 digits always fits.
const DIGITS: usize = 19;

/// A line, and how far it is read.
pub(super) struct Scan<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Scan<'l> {
    /// A line from its start.
    pub(super) fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Whether the rest of the line is blank.
    pub(super) fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }

    /// The next byte that is no white space.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            match self.line.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    /// Passes over this byte; none where another one stands.
    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.line.get(self.at..)?.starts_with(word);
        found.then(|| self.at += word.len())
    }

    /// Gives each member of the next object to `member`, which reads its value.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'l [u8]) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.next()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.plain()?;
            // Anything else may be the escaped or another form of a known key.
            key.is_ascii().then_some(())?;
            self.take(b':')?;
            member(self, key)?;
            match self.next()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Calls `element` at each element of the next array.
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.next()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            element(self)?;
            match self.next()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The next string, which has no escapes.
    #[inline]
    fn plain(&mut self) -> Option<&'l [u8]> {
        self.take(b'"')?;
        let start = self.at;
        self.at = self.special(start);
        (*self.line.get(self.at)? == b'"').then_some(())?;
        self.at += 1;
        self.line.get(start..self.at - 1)
    }

    /// The next value, if it is a text without escapes; no text of a simple value of another kind.
    #[inline]
    pub(super) fn text(&mut self) -> Option<Text<'l>> {
        if self.next()? != b'"' {
            return self.simple().map(|()| Text(None));
        }
        let text = std::str::from_utf8(self.plain()?).ok()?;
        Some(Text(Some(Cow::Borrowed(text))))
    }

    /// The digits of the next value, if it is a number; an empty text of null.
    #[inline]
    pub(super) fn digits(&mut self) -> Option<&'l str> {
        if self.next()? == b'n' {
            return self.word(b"null").map(|()| "");
        }
        let start = self.at;
        self.number()?;
        std::str::from_utf8(self.line.get(start..self.at)?).ok()
    }

    /// The next value as a whole number, or null.
    #[inline]
    pub(super) fn count(&mut self) -> Option<Count> {
        let digits = self.digits()?;
        if digits.is_empty() {
            return Some(Count::None);
        }
        let plain = digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Count::Some))?
    }

    /// The next value, if it is true, false or null, which is false.
    #[inline]
    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.next()? {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            _ => self.word(b"null").map(|()| false),
        }
    }

    /// Whether the next value is an object. Null is passed over.
    pub(super) fn is_object(&mut self) -> Option<bool> {
        match self.next()? {
            b'{' => Some(true),
            _ => self.word(b"null").map(|()| false),
        }
    }

    /// Whether the next value is an array. Null is passed over.
    pub(super) fn is_array(&mut self) -> Option<bool> {
        match self.next()? {
            b'[' => Some(true),
            _ => self.word(b"null").map(|()| false),
        }
    }

    /// Passes over a value that is no string, array or object.
    #[inline]
    fn simple(&mut self) -> Option<()> {
        match self.next()? {
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Option<()> {
        // Which of the values around this one are objects; the innermost in the lowest bit.
        let (mut objects, mut depth) = (0_u64, 0);
        loop {
            match self.next()? {
                b'"' => self.string()?,
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let object = open == b'{';
                    if self.next()? == open + 2 {
                        self.at += 1;
                    } else {
                        (depth < DEEPEST).then_some(())?;
                        depth += 1;
                        objects = objects << 1 | u64::from(object);
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.simple()?,
            }
            loop {
                if depth == 0 {
                    return Some(());
                }
                let object = objects & 1 == 1;
                match self.next()? {
                    b',' => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return None,
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    #[inline]
    fn key(&mut self) -> Option<()> {
        (self.next()? == b'"').then_some(())?;
        self.string()?;
        self.take(b':')
    }

    /// Passes over a string with any escapes. As in `serde_json`, its bytes need not be UTF-8.
    #[inline]
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at = self.special(self.at);
            match self.line.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.line.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.line.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    /// Where the next quote, backslash or control character stands, from `at`; the line's length
    /// where there is none.
    #[inline]
    fn special(&self, mut at: usize) -> usize {
        let (quote, slash, control) = (u8x16::splat(b'"'), u8x16::splat(b'\\'), u8x16::splat(0x1f));
        let rest = self.line.get(at..).unwrap_or_default();
        let (chunks, last) = rest.as_chunks::<16>();
        for chunk in chunks {
            let bytes = u8x16::new(*chunk);
            let found =
                bytes.simd_eq(quote) | bytes.simd_eq(slash) | bytes.min(control).simd_eq(bytes);
            let mask = found.to_bitmask();
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += 16;
        }
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        at + last.iter().position(is_special).unwrap_or(last.len())
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        if self.line.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.line.get(self.at)? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.at_digits()?,
            _ => return None,
        }
        if self.line.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.at_digits()?;
        }
        if let Some(b'e' | b'E') = self.line.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.line.get(self.at) {
                self.at += 1;
            }
            self.at_digits()?;
        }
        Some(())
    }

    /// Passes over one digit or more.
    #[inline]
    fn at_digits(&mut self) -> Option<()> {
        let rest = self.line.get(self.at..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }
}
