//! The setting `accounts`: the user's names for subscription accounts.
//!
//! An account is known by the configuration folder of Claude Code that is logged in to it, and
//! never by an id or an address of Anthropic's. It is no account of the ledger (`record::Ledger`).

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::json::{FieldError, Fields};
use crate::record::is_name;
use crate::transcripts::pattern;

/// The account of Claude Code's default configuration folder.
pub(crate) const DEFAULT: &str = "default";

/// Names by configuration folder: an absolute path, one from `~/` on, or `default`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Accounts(BTreeMap<String, String>);

/// Takes the setting out of `fields`.
pub(super) fn take(fields: &mut Fields) -> Result<Accounts, FieldError> {
    let accounts = fields.object("accounts")?;
    let named = accounts.map(Fields::rest).unwrap_or_default().into_iter();
    let name = |(folder, name): (String, serde_json::Value)| {
        let is_folder = folder == DEFAULT || pattern::absolute(&folder, Path::new("")).is_some();
        let name = name.as_str().filter(|name| is_folder && is_name(name))?;
        Some((folder, name.to_owned()))
    };
    let named: Option<BTreeMap<_, _>> = named.map(name).collect();
    named.map(Accounts).ok_or_else(|| FieldError {
        key: "accounts".to_owned(),
        want: "an object of names by folder: a path that is absolute or begins with ~/, or default; a name has 1 to 64 letters, digits, '.', '_' or '-'",
    })
}

impl Accounts {
    /// The name of the account of a configuration folder: that of the settings, or by the last part
    /// of its path. `folder`: none for the default one. `home`: for paths that begin with `~/`.
    pub(crate) fn name(&self, folder: Option<&Path>, home: &Path) -> String {
        let own = [home.join(".claude"), home.join(".config/claude")];
        let is_own = |folder: &&Path| !own.iter().any(|own| own == folder);
        let Some(folder) = folder.filter(is_own) else {
            let names = [DEFAULT, "~/.claude", "~/.config/claude"];
            let given = names.iter().find_map(|key| self.0.get(*key));
            return given.cloned().unwrap_or_else(|| DEFAULT.to_owned());
        };
        let is_meant = |key: &str| match key.strip_prefix("~/") {
            Some(below) => home.join(below) == folder,
            None => Path::new(key) == folder,
        };
        let given = self.0.iter().find(|(key, _)| is_meant(key));
        given
            .map(|(_, name)| name.clone())
            .or_else(|| name_of(folder))
            .unwrap_or_else(|| DEFAULT.to_owned())
    }

    /// Whether an account has its name from the settings, or is the default one.
    pub(crate) fn is_named(&self, account: &str) -> bool {
        account == DEFAULT || self.0.values().any(|name| name == account)
    }
}

/// The last part of a folder's path, of plain characters.
fn name_of(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name = name.trim_start_matches('.').chars().map(plain);
    let name: String = name.take(64).collect();
    is_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(names: &[(&str, &str)]) -> Accounts {
        let names = names
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Accounts(names.collect())
    }

    #[test]
    fn an_account_is_named_by_settings_or_by_its_folder() {
        let home = Path::new("/home/ada");
        let name = |all: &Accounts, folder: &str| all.name(Some(Path::new(folder)), home);
        let none = Accounts::default();
        assert_eq!(none.name(None, home), "default");
        assert_eq!(name(&none, "/home/ada/.claude"), "default");
        assert_eq!(name(&none, "/home/ada/.claude-work"), "claude-work");
        assert_eq!(name(&none, "/home/ada/.cla ude/é x"), "--x");
        assert_eq!(name(&none, "/"), "default");
        let some = accounts(&[("default", "private"), ("~/.claude-work", "acme")]);
        assert_eq!(some.name(None, home), "private");
        assert_eq!(name(&some, "/home/ada/.claude"), "private");
        assert_eq!(name(&some, "/home/ada/.claude-work"), "acme");
        assert!(some.is_named("acme") && some.is_named("default") && !some.is_named("claude-work"));
    }

    #[test]
    fn names_of_other_characters_are_no_names() {
        let read = |text: &str| {
            let value = serde_json::from_str(text).expect("JSON");
            take(&mut Fields::of(value).expect("an object"))
        };
        assert_eq!(read("{}"), Ok(Accounts::default()));
        let good = read(r#"{"accounts":{"~/.claude-work":"acme","default":"a.b_c-1"}}"#);
        assert!(good.is_ok(), "{good:?}");
        for bad in [
            r#"{"accounts":[]}"#,
            r#"{"accounts":{"default":7}}"#,
            r#"{"accounts":{"default":""}}"#,
            r#"{"accounts":{"default":"a b"}}"#,
            r#"{"accounts":{"relative/folder":"a"}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
