//! Lines too long for memory: a copy without conversation text, made as the bytes come.

/// A longer text is left out of the copy. No accounting field is as long.
const LONGEST_TEXT: usize = 4096;
/// The copy is no longer.
const MOST: usize = 1 << 20;
/// Members that hold text and no figure.
const LEFT_OUT: [&[u8]; 4] = [
    b"content",
    b"toolUseResult",
    b"normalizedMessages",
    b"thinking",
];

/// The copy of one line. A line that is no JSON stays none.
#[derive(Debug, Default)]
pub(crate) struct Slim {
    out: Vec<u8>,
    /// The text that is being read, or was last.
    text: Vec<u8>,
    in_text: bool,
    escaped: bool,
    /// The text is longer than [`LONGEST_TEXT`].
    long: bool,
    /// How deep inside a value that is left out.
    leaving_out: Option<u64>,
}

impl Slim {
    /// Takes the line's next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// The copy; none where it is too long as well.
    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        (self.out.len() <= MOST).then_some(self.out)
    }

    fn byte(&mut self, byte: u8) {
        if self.in_text {
            return self.text(byte);
        }
        match (self.leaving_out, byte) {
            (_, b'"') => {
                self.in_text = true;
                self.long = false;
                self.text.clear();
            }
            (None, b':') => {
                self.emit(b":");
                if LEFT_OUT.contains(&self.text.as_slice()) {
                    self.emit(b"null");
                    self.leaving_out = Some(0);
                }
            }
            (None, byte) => self.emit(&[byte]),
            (Some(depth), b'{' | b'[') => self.leaving_out = Some(depth.saturating_add(1)),
            (Some(0), b',' | b'}' | b']') => {
                self.leaving_out = None;
                self.emit(&[byte]);
            }
            (Some(depth), b'}' | b']') => self.leaving_out = (depth > 1).then(|| depth - 1),
            (Some(_), _) => {}
        }
    }

    fn text(&mut self, byte: u8) {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        if !ends {
            if self.text.len() >= LONGEST_TEXT {
                self.long = true;
                self.text.clear();
            }
            if !self.long && self.leaving_out.is_none() {
                self.text.push(byte);
            }
            return;
        }
        self.in_text = false;
        if self.leaving_out.is_none() {
            let text = std::mem::take(&mut self.text);
            self.emit(b"\"");
            self.emit(&text);
            self.emit(b"\"");
            self.text = text;
        }
    }

    fn emit(&mut self, bytes: &[u8]) {
        if self.out.len() <= MOST {
            self.out.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slim(line: &str) -> Option<String> {
        // In pieces of any size.
        let whole = {
            let mut slim = Slim::default();
            slim.push(line.as_bytes());
            slim.finish()
        };
        let mut slim = Slim::default();
        line.as_bytes().chunks(3).for_each(|part| slim.push(part));
        assert_eq!(slim.finish(), whole);
        whole.map(|copy| String::from_utf8(copy).expect("UTF-8"))
    }

    #[test]
    fn figures_stay_and_text_goes() {
        let long = "x\\\"\\\\".repeat(2000);
        for (line, want) in [
            (
                r#"{"a":1,"content":[{"text":"}]\"{"},[1]],"b":2}"#.to_owned(),
                r#"{"a":1,"content":null,"b":2}"#,
            ),
            (
                r#"{"content":"x","b":2}"#.to_owned(),
                r#"{"content":null,"b":2}"#,
            ),
            (r#"{"content":true}"#.to_owned(), r#"{"content":null}"#),
            (
                r#"{"m":{"content":{"content":[]}},"b":"content"}"#.to_owned(),
                r#"{"m":{"content":null},"b":"content"}"#,
            ),
            (
                format!(r#"{{"t":"{long}","u":"\u00e4"}}"#),
                r#"{"t":"","u":"\u00e4"}"#,
            ),
        ] {
            assert_eq!(slim(&line).as_deref(), Some(want));
        }
    }

    #[test]
    fn what_stays_too_long_is_none() {
        assert_eq!(slim(&format!("[{}1]", "1,".repeat(MOST))), None);
    }
}
