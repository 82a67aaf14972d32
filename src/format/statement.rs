//! Statements that a key was replaced: files in clear for machines with the former key.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use super::sealed::Seal;
use super::sealed_head::{VERSION, is_statement_path, statement_path};
use super::sealing_key::Derived;
use crate::base::key::mac;
use crate::base::text::printable;

/// How a statement begins.
const REPLACED: &str = "claude-sync-key-replaced ";

impl Seal {
    /// The statements that former keys were replaced: path and text. Others with this key know them
    /// by their code, as they know sealed files.
    pub(crate) fn statements(&self) -> Vec<(String, String)> {
        let statement = |old: &Derived| {
            let (path, present) = (statement_path(&old.mark), &self.present);
            let line = format!(
                "{REPLACED}{VERSION} {} {} {}\n",
                old.mark,
                present.mark,
                old.vouch(&present.mark)
            );
            let code = BASE64.encode(present.whole(&path, line.as_bytes()));
            (path, format!("{line}= {code}\n"))
        };
        self.former.iter().map(statement).collect()
    }

    /// A statement that another machine made under a former key, as this key's holders make it.
    /// None where it is no such statement.
    pub(crate) fn renew_statement(&self, path: &str, bytes: &[u8]) -> Option<String> {
        let line = std::iter::once(&self.present)
            .chain(&self.former)
            .find_map(|key| key.statement(path, bytes))?;
        let code = BASE64.encode(self.present.whole(path, line.as_bytes()));
        Some(format!("{line}= {code}\n"))
    }

    /// Whether a file is a statement that somebody with this key, or with a former one, made.
    pub(crate) fn is_statement(&self, path: &str, bytes: &[u8]) -> bool {
        self.renew_statement(path, bytes).is_some()
    }

    /// The mark of the key that replaced this one, by a statement that somebody with this key made.
    pub(crate) fn replaced_by(&self, bytes: &[u8]) -> Option<String> {
        self.present.replaced_by(bytes)
    }

    /// The mark of another key that replaced the former key, by a statement that somebody with that
    /// one made: two machines replaced it at the same time.
    pub(crate) fn rival_in(&self, bytes: &[u8]) -> Option<String> {
        let new = self.former.first()?.replaced_by(bytes)?;
        (new != self.present.mark && !self.is_former(&new)).then_some(new)
    }

    /// The path of the statement that the former key was replaced.
    pub(crate) fn former_statement(&self) -> Option<String> {
        Some(statement_path(&self.former.first()?.mark))
    }
}

impl Derived {
    /// The code of a statement about the key that replaces this one: only holders of this key can
    /// make it.
    fn vouch(&self, new: &str) -> String {
        BASE64.encode(mac(&self.replaced, new.as_bytes()))
    }

    /// The mark of the key that replaced this one, by a statement that somebody with this key made.
    fn replaced_by(&self, bytes: &[u8]) -> Option<String> {
        let line = std::str::from_utf8(bytes).ok()?.lines().next()?;
        let words: Vec<&str> = line.strip_prefix(REPLACED)?.split(' ').collect();
        let [VERSION, old, new, code] = words[..] else {
            return None;
        };
        let is_known = old == self.mark && new != old && code == self.vouch(new);
        is_known.then(|| printable(new, 20))
    }

    /// The first line of a statement with this key's code.
    fn statement(&self, path: &str, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.len() < 1000 && is_statement_path(path))?;
        let (line, rest) = text.split_once('\n')?;
        let (line, code) = (
            format!("{line}\n"),
            BASE64.decode(rest.trim_end().strip_prefix("= ")?).ok()?,
        );
        (line.starts_with(REPLACED) && code == self.whole(path, line.as_bytes())).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::Key;

    fn key(byte: u8) -> Key {
        Key::of_bytes([byte; 32])
    }

    #[test]
    fn two_keys_that_replace_one_are_rivals() {
        let [old, one, two] = [7, 8, 9].map(key);
        let [one, two] = [one, two].map(|new| Seal::new(&new.replacing(&old)));
        let statement = |seal: &Seal| seal.statements().remove(0);
        let (path, text) = statement(&two);
        assert_eq!(one.former_statement(), Some(path));
        assert_eq!(one.rival_in(text.as_bytes()), Some(two.mark().to_owned()));
        assert_eq!(two.rival_in(text.as_bytes()), None, "its own");
        // Without the former key nobody can make one.
        let other = Seal::new(&key(1).replacing(&key(2)));
        let forged = statement(&other).1.replace(&key(2).mark(), &old.mark());
        assert_eq!(one.rival_in(forged.as_bytes()), None);
    }

    #[test]
    fn a_statement_is_made_with_both_keys() {
        let (old, new) = (key(7), key(8));
        let seal = Seal::new(&new.clone().replacing(&old));
        let statements = seal.statements();
        let [(path, text)] = &statements[..] else {
            panic!("one former key")
        };
        assert_eq!(path, &format!("sync/keys/{}", old.mark()));
        assert_eq!(
            Seal::new(&old).replaced_by(text.as_bytes()),
            Some(new.mark())
        );
        assert_eq!(Seal::new(&key(9)).replaced_by(text.as_bytes()), None);
        // Others with the new key alone know it too; a forged one is none.
        assert!(Seal::new(&new).is_statement(path, text.as_bytes()));
        assert!(!Seal::new(&new).is_statement("sync/keys/00000000", text.as_bytes()));
        let forged = text.replace(&new.mark(), "00000000");
        assert!(!Seal::new(&new).is_statement(path, forged.as_bytes()));
        assert_eq!(Seal::new(&old).replaced_by(forged.as_bytes()), None);
        // After the next change it is as those make it who have the key of then.
        let third = Seal::new(&key(9).replacing(&new));
        let renewed = third
            .renew_statement(path, text.as_bytes())
            .expect("a statement");
        assert!(Seal::new(&key(9)).is_statement(path, renewed.as_bytes()));
        assert_eq!(
            Seal::new(&old).replaced_by(renewed.as_bytes()),
            Some(new.mark())
        );
    }
}
