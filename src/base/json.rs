//! Canonical JSON: one text for one value, the spec's keys in the spec's order and all others
//! sorted bytewise.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::money::Money;
use super::time::Timestamp;

/// Fields that this version does not know. They are kept, written back and part of every tie-break.
pub type Extra = BTreeMap<String, Value>;

/// A member's key: nearly always one that the format knows.
pub(crate) type Key = Cow<'static, str>;

/// A value on its way to text. Objects remember the order in which they were built.
#[derive(Debug, Clone)]
pub(crate) enum Doc {
    /// A finished JSON text without line breaks.
    Raw(String),
    /// An object with a line per member.
    Block(Vec<(Key, Doc)>),
    /// An array with a line per element.
    Lines(Vec<Doc>),
    /// An object on one line.
    Flat(Vec<(Key, Doc)>),
}

impl From<&Value> for Doc {
    /// `serde_json`'s maps are sorted by key and its numbers keep their digits, so its compact text
    /// is canonical.
    fn from(value: &Value) -> Self {
        Self::Raw(value.to_string())
    }
}

impl From<&str> for Doc {
    fn from(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + 2);
        write_text(&mut out, text);
        Self::Raw(out)
    }
}

impl From<u64> for Doc {
    fn from(number: u64) -> Self {
        Self::Raw(number.to_string())
    }
}

impl From<bool> for Doc {
    fn from(flag: bool) -> Self {
        Self::Raw(flag.to_string())
    }
}

impl From<Money> for Doc {
    fn from(money: Money) -> Self {
        Self::Raw(money.to_string())
    }
}

impl From<Timestamp> for Doc {
    fn from(time: Timestamp) -> Self {
        Self::Raw(format!("\"{time}\""))
    }
}

/// Builds an object: first the spec's members in their order, then the others, sorted.
#[derive(Debug, Default)]
pub(crate) struct Object {
    spec: Vec<(Key, Doc)>,
    /// Sorted by key.
    others: Vec<(Key, Doc)>,
}

impl Object {
    /// An empty object.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one of the spec's members.
    #[must_use]
    pub(crate) fn spec(mut self, key: &'static str, value: impl Into<Doc>) -> Self {
        self.spec.push((Key::Borrowed(key), value.into()));
        self
    }

    /// Adds one of the spec's members where it has a value.
    #[must_use]
    pub(crate) fn spec_opt(self, key: &'static str, value: Option<impl Into<Doc>>) -> Self {
        match value {
            Some(value) => self.spec(key, value),
            None => self,
        }
    }

    /// Adds an optional member of version 1.1 where it has a value.
    #[must_use]
    pub(crate) fn other(mut self, key: &'static str, value: Option<impl Into<Doc>>) -> Self {
        if let Some(value) = value {
            let at = self.others.partition_point(|(known, _)| &**known < key);
            self.others.insert(at, (Key::Borrowed(key), value.into()));
        }
        self
    }

    /// Adds what this version does not know. A key that it does know is not taken from there.
    #[must_use]
    pub(crate) fn extra(mut self, extra: &Extra) -> Self {
        for (key, value) in extra {
            if self.spec.iter().any(|(known, _)| known == key) {
                continue;
            }
            if let Err(at) = self
                .others
                .binary_search_by(|(known, _)| known.as_ref().cmp(key))
            {
                self.others
                    .insert(at, (Key::Owned(key.clone()), value.into()));
            }
        }
        self
    }

    fn members(mut self) -> Vec<(Key, Doc)> {
        self.spec.extend(self.others);
        self.spec
    }

    /// The object with a line per member.
    pub(crate) fn block(self) -> Doc {
        Doc::Block(self.members())
    }

    /// The object on one line.
    pub(crate) fn flat(self) -> Doc {
        Doc::Flat(self.members())
    }

    /// The object's text, without a line break.
    pub(crate) fn line(self) -> String {
        let mut out = String::with_capacity(512);
        write(&mut out, &self.flat(), 0);
        out
    }
}

/// A whole file: two-space indented, ending in a line break.
pub(crate) fn file(doc: &Doc) -> String {
    let mut out = String::new();
    write(&mut out, doc, 0);
    out.push('\n');
    out
}

fn write(out: &mut String, doc: &Doc, depth: usize) {
    match doc {
        Doc::Raw(text) => out.push_str(text),
        Doc::Block(members) if members.is_empty() => out.push_str("{}"),
        Doc::Lines(items) if items.is_empty() => out.push_str("[]"),
        Doc::Block(members) => write_rows(out, depth, ['{', '}'], members, |out, (key, value)| {
            write_key(out, key);
            out.push(' ');
            write(out, value, depth + 1);
        }),
        Doc::Lines(items) => write_rows(out, depth, ['[', ']'], items, |out, item| {
            write(out, item, depth + 1);
        }),
        Doc::Flat(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_key(out, key);
                write(out, value, depth);
            }
            out.push('}');
        }
    }
}

/// Writes a text as JSON does. Nearly all texts have nothing to escape.
fn write_text(out: &mut String, text: &str) {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        let _ = write!(out, "{}", Value::from(text));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

fn write_key(out: &mut String, key: &str) {
    write_text(out, key);
    out.push(':');
}

fn write_rows<T>(
    out: &mut String,
    depth: usize,
    [open, close]: [char; 2],
    rows: &[T],
    mut row: impl FnMut(&mut String, &T),
) {
    out.push(open);
    for (i, item) in rows.iter().enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n("  ", depth + 1));
        row(out, item);
    }
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
    out.push(close);
}

/// Joins two sets of unknown fields: per key the value with the greater text.
#[must_use]
pub(crate) fn join_extra(a: &Extra, b: &Extra) -> Extra {
    let text = |value: &Value| value.to_string();
    let mut out = a.clone();
    for (key, value) in b {
        match out.get(key) {
            Some(mine) if text(mine) >= text(value) => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    out
}

/// Takes known members out of a parsed object; what is left is [`Extra`].
#[derive(Debug, Default)]
pub(crate) struct Fields(Extra);

/// A member that is missing or has the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{key}\" is not {want}")]
pub(crate) struct FieldError {
    /// The member's name.
    pub(crate) key: String,
    /// What it should have been.
    pub(crate) want: &'static str,
}

impl Fields {
    /// The members of an object; none for any other value.
    pub(crate) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map.into_iter().collect())),
            _ => None,
        }
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    fn opt<T>(
        &mut self,
        key: &str,
        want: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => read(&value).map(Some).ok_or(FieldError {
                key: key.to_owned(),
                want,
            }),
        }
    }

    /// A text of at most 1,000 bytes, empty where it is missing.
    pub(crate) fn text(&mut self, key: &str) -> Result<String, FieldError> {
        let text = self.opt(key, "a text of at most 1000 bytes", |v| {
            v.as_str().filter(|s| s.len() <= 1000).map(str::to_owned)
        })?;
        Ok(text.unwrap_or_default())
    }

    /// A whole number that is not negative, 0 where it is missing.
    pub(crate) fn number(&mut self, key: &str) -> Result<u64, FieldError> {
        Ok(self
            .opt(key, "a whole number from 0 to 2^53", |v| {
                v.as_u64().filter(|n| *n <= 1 << 53)
            })?
            .unwrap_or(0))
    }

    /// A sum of whole numbers, 0 where it is missing: it may be larger than any number that goes
    /// into it.
    pub(crate) fn sum(&mut self, key: &str) -> Result<u64, FieldError> {
        Ok(self.opt(key, "a whole number", Value::as_u64)?.unwrap_or(0))
    }

    /// An amount of money, if there is one.
    pub(crate) fn money(&mut self, key: &str) -> Result<Option<Money>, FieldError> {
        self.opt(key, "an amount in USD", |v| {
            Money::parse(v.as_number()?.as_str())
        })
    }

    /// A point in time, if there is one.
    pub(crate) fn time(&mut self, key: &str) -> Result<Option<Timestamp>, FieldError> {
        self.opt(key, "an ISO 8601 time", |v| Timestamp::parse(v.as_str()?))
    }

    /// A flag, false where it is missing.
    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, FieldError> {
        Ok(self
            .opt(key, "true or false", Value::as_bool)?
            .unwrap_or(false))
    }

    /// An object, if there is one.
    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Self>, FieldError> {
        let value = self.take(key);
        value
            .map(|v| {
                Self::of(v).ok_or(FieldError {
                    key: key.to_owned(),
                    want: "an object",
                })
            })
            .transpose()
    }

    /// An array, empty where it is missing.
    pub(crate) fn array(&mut self, key: &str) -> Result<Vec<Value>, FieldError> {
        Ok(self
            .opt(key, "an array", |v| v.as_array().cloned())?
            .unwrap_or_default())
    }

    /// The members that were not taken.
    pub(crate) fn rest(self) -> Extra {
        self.0
    }
}
