//! Bytes and texts in other alphabets: hex, and text of XML and HTML.

use std::fmt::Write as _;

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// A text in XML or HTML, also inside an attribute between double quotes.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{hex, xml};

    #[test]
    fn bytes_and_marks_have_their_usual_forms() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(xml("a<b>&\"é"), "a&lt;b&gt;&amp;&quot;é");
    }
}
