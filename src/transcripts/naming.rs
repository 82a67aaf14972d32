//! What a project is called outside this machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::key::{hex, mac};

/// How projects are named in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Shown {
    /// The last component of its path.
    #[default]
    LastComponent,
    /// A name that is the same on all machines with this key, and reveals nothing to others.
    Hashed([u8; 32]),
    /// Nothing.
    Nothing,
}

/// How projects are named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Naming {
    /// The kind of name.
    pub(crate) shown: Shown,
    /// Names that the user chose, by path or by its last component.
    pub(crate) aliases: BTreeMap<String, String>,
}

impl Naming {
    /// The project's name, empty where projects have no names.
    pub(crate) fn of<'a>(&self, cwd: Option<&'a str>) -> Cow<'a, str> {
        let Some(path) = cwd.filter(|_| self.shown != Shown::Nothing) else {
            return Cow::Borrowed("");
        };
        // Claude's own worktrees belong to the repository.
        let path = ["/.claude/worktrees/", "\\.claude\\worktrees\\"]
            .iter()
            .find_map(|inside| Some(&path[..path.find(inside)?]))
            .unwrap_or(path);
        let last = path
            .rsplit(['/', '\\'])
            .find(|part| !part.is_empty())
            .unwrap_or("/");
        if let Some(alias) = self.aliases.get(path).or_else(|| self.aliases.get(last)) {
            return Cow::Owned(plain(alias).into_owned());
        }
        match &self.shown {
            Shown::Hashed(key) => {
                Cow::Owned(format!("p-{}", hex(&mac(key, plain(last).as_bytes())[..6])))
            }
            _ => plain(last),
        }
    }

    /// Distinguishes this naming from others, for caches of what was read under it.
    pub(crate) fn mark(&self) -> String {
        let shown = match &self.shown {
            Shown::LastComponent => "LastComponent".to_owned(),
            Shown::Hashed(key) => format!("Hashed {}", hex(&mac(key, b"mark")[..4])),
            Shown::Nothing => "NoProject".to_owned(),
        };
        let aliases: String = self
            .aliases
            .iter()
            .flat_map(|(from, to)| [from, "\0", to, "\0"])
            .collect();
        if aliases.is_empty() {
            shown
        } else {
            format!("{shown} {}", hex(&mac(b"aliases", aliases.as_bytes())[..8]))
        }
    }
}

/// A name without characters that nobody sees, and of at most 100.
fn plain(name: &str) -> Cow<'_, str> {
    if name.len() <= 100
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        return Cow::Borrowed(name);
    }
    Cow::Owned(
        name.chars()
            .filter(|c| !c.is_control() && !is_invisible(*c))
            .take(100)
            .collect(),
    )
}

/// Whether a character only changes how others are shown, as bidirectional overrides do.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
