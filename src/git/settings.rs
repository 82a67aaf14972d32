//! The user's git configuration, as the user's git reads it: with `GIT_CONFIG_GLOBAL`,
//! `XDG_CONFIG_HOME`, includes and all scopes.

use std::ffi::OsString;

/// All settings that hold in a repository, in the order in which git reads them: of a name that is
/// set twice the last one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings(Vec<Setting>);

#[derive(Debug, Clone)]
struct Setting {
    scope: String,
    name: String,
    value: String,
}

/// Whom a commit names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// `user.name`, or the name for this role.
    pub(crate) name: String,
    /// `user.email`, or the address for this role.
    pub(crate) email: String,
}

/// What a commit names a person as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who wrote it.
    Author,
    /// Who committed it.
    Committer,
}

impl Settings {
    /// Reads the output of `git config --list --show-scope -z`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split('\0');
        let mut out = Vec::new();
        while let (Some(scope), Some(entry)) = (parts.next(), parts.next()) {
            // A setting without `=` is true.
            let (name, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            out.push(Setting {
                scope: scope.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
        Self(out)
    }

    /// A setting's value. The name is written in lower case, apart from a subsection.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rfind(|setting| setting.name == name)
            .map(|setting| setting.value.as_str())
    }

    /// Whether a setting is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            ["true", "yes", "on", "1"].contains(&value.to_ascii_lowercase().as_str())
        })
    }

    /// Whether a setting is made in the repository itself, not for all repositories of the user.
    pub(crate) fn is_local(&self, name: &str) -> bool {
        self.0.iter().any(|setting| {
            setting.name == name && ["local", "worktree"].contains(&setting.scope.as_str())
        })
    }

    /// Whom commits name, in git's order: variables, `author.*`, `user.*`, `EMAIL`. None where git
    /// would have to guess.
    pub(crate) fn person(&self, role: Role) -> Option<Person> {
        let (variable, section) = match role {
            Role::Author => ("GIT_AUTHOR", "author"),
            Role::Committer => ("GIT_COMMITTER", "committer"),
        };
        let part = |name: &str| {
            let given = var(&format!("{variable}_{}", name.to_ascii_uppercase()))
                .map(|value| value.to_string_lossy().into_owned());
            let set = |section: &str| {
                self.get(&format!("{section}.{name}"))
                    .filter(|value| !value.trim().is_empty())
                    .map(str::to_owned)
            };
            given.or_else(|| set(section)).or_else(|| set("user"))
        };
        let email = part("email")
            .or_else(|| var("EMAIL").map(|value| value.to_string_lossy().into_owned()));
        Some(Person {
            name: part("name")?,
            email: email?,
        })
    }
}

/// A variable that is set to something.
pub(crate) fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
