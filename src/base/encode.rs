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

/// The bytes that 64 hex digits stand for, in lower case or upper case. None for any other text.
pub(crate) const fn unhex(digits: &[u8]) -> Option<[u8; 32]> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 64 {
        let digit = match digits[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'f' => letter - b'a' + 10,
            letter @ b'A'..=b'F' => letter - b'A' + 10,
            _ => return None,
        };
        bytes[at / 2] = bytes[at / 2] << 4 | digit;
        at += 1;
    }
    Some(bytes)
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
    use super::{hex, unhex, xml};

    #[test]
    fn bytes_and_marks_have_their_usual_forms() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        let bytes = std::array::from_fn(|at| u8::try_from(at * 8).unwrap_or(u8::MAX));
        assert_eq!(unhex(hex(&bytes).as_bytes()), Some(bytes));
        assert_eq!(unhex(hex(&bytes).to_uppercase().as_bytes()), Some(bytes));
        for text in ["", "00", &"g".repeat(64), &"0".repeat(65)] {
            assert_eq!(unhex(text.as_bytes()), None, "{text}");
        }
        assert_eq!(xml("a<b>&\"é"), "a&lt;b&gt;&amp;&quot;é");
    }
}
