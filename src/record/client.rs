//! What made a request: the program that ran Claude Code, the kind of subagent, and Claude Code's
//! version.

use std::cmp::Ordering;

use crate::base::ids::Name;

/// What the transcript shows of the program that made a request. Each text is empty where it is not
/// known.
///
/// Transcripts may hold any text in these places, so that reading them lets only known words and
/// version numbers through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Client {
    /// How Claude Code was started, by its own word (`entrypoint`): `cli`, `claude-vscode`,
    /// `sdk-py`, …
    pub entrypoint: Name,
    /// The kind of subagent, by Claude Code's own word (`agentType`); `custom` for any other.
    pub agent: Name,
    /// Claude Code's version, such as `2.1.59`.
    pub version: Name,
}

/// The words of `entrypoint` that Claude Code has by itself. An SDK's user can set any other.
const ENTRYPOINTS: [&str; 11] = [
    "claude-code-github-action",
    "claude-desktop",
    "claude-vscode",
    "cli",
    "local-agent",
    "mcp",
    "remote",
    "remote_mobile",
    "sdk-cli",
    "sdk-py",
    "sdk-ts",
];

/// The subagents that Claude Code brings. All others are the user's own, and their names are texts
/// of the user's.
const AGENTS: [&str; 11] = [
    "Explore",
    "Plan",
    "claude",
    "claude-code-guide",
    "fork",
    "general-purpose",
    "output-style-setup",
    "statusline-setup",
    "teammate",
    "verification",
    "workflow-subagent",
];

/// A known entrypoint, or `other`.
pub(crate) fn entrypoint(text: &str) -> &'static str {
    ENTRYPOINTS
        .iter()
        .find(|known| **known == text)
        .copied()
        .unwrap_or("other")
}

/// A known kind of subagent, or `custom`.
pub(crate) fn agent(text: &str) -> &'static str {
    AGENTS
        .iter()
        .find(|known| **known == text)
        .copied()
        .unwrap_or("custom")
}

/// A version of three numbers, as numbers.
pub(crate) fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| {
        part.parse()
            .ok()
            .filter(|_| part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit()))
    });
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// What is known comes before what is not, so that the smaller of two copies is the one with more
/// in it.
impl Ord for Client {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |text: &Name| (text.is_empty(), text.clone());
        let all = |client: &Self| {
            (
                key(&client.entrypoint),
                key(&client.agent),
                key(&client.version),
            )
        };
        if self == other {
            Ordering::Equal
        } else {
            all(self).cmp(&all(other))
        }
    }
}

impl PartialOrd for Client {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_the_users_is_a_known_word() {
        assert_eq!(
            (entrypoint("cli"), entrypoint("acme-runner"), entrypoint("")),
            ("cli", "other", "other")
        );
        assert_eq!(
            (
                agent("Explore"),
                agent("explore the merger"),
                agent("plugin:Explore")
            ),
            ("Explore", "custom", "custom")
        );
        assert_eq!(
            (
                version("2.1.59"),
                version("2.1"),
                version("2.1.0-acme"),
                version("2.1.5.9")
            ),
            (Some([2, 1, 59]), None, None, None)
        );
        assert_eq!(
            (version("+2.1.5"), version("2.1.99999999999")),
            (None, None)
        );
    }

    #[test]
    fn the_known_comes_first() {
        let client = |entrypoint: &str, version: &str| Client {
            entrypoint: entrypoint.into(),
            version: version.into(),
            ..Client::default()
        };
        assert!(client("cli", "") < client("", "2.1.0"));
        assert!(client("cli", "2.1.0") < client("cli", ""));
        assert!(Client::default() > client("", "2.1.0"));
    }
}
