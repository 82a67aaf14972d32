//! Whether a remote is known to be public: whether somebody without any credentials can read it.
//!
//! The remote is asked anonymously: whether a repository is private is no question that git's
//! protocol has an answer to.

use std::path::Path;

use super::messages::GitError;
use super::process::Git;

/// Who can read a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Everybody who reaches the server: it was read without credentials.
    Public,
    /// It was not shown to an anonymous probe.
    Closed,
    /// There is no way to ask, or no answer.
    Unknown,
}

/// Who can read the remote at `address`. `at` is the folder whose git configuration sets how the
/// network is reached; it need be no repository.
///
/// Asks over the network where there is an address that anybody could ask ([`web_address`]); no
/// credentials are used.
pub(crate) fn visibility(git: &Git, at: &Path, address: &str) -> Visibility {
    let real = git
        .rewritten(at, address)
        .unwrap_or_else(|_| address.to_owned());
    let Some(web) = web_address(&real) else {
        return Visibility::Unknown;
    };
    match git.list_anonymously(at, &web) {
        Ok(()) => Visibility::Public,
        Err(GitError::Failed { message, .. })
            if message.lines().any(|line| is_refusal(line, &web)) =>
        {
            Visibility::Closed
        }
        Err(_) => Visibility::Unknown,
    }
}

/// Servers that give the same repositories by ssh and by https, with all names that they have for
/// ssh.
const HOSTS: [(&str, &str); 7] = [
    ("github.com", "github.com"),
    ("ssh.github.com", "github.com"),
    ("gitlab.com", "gitlab.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("codeberg.org", "codeberg.org"),
    ("bitbucket.org", "bitbucket.org"),
    ("altssh.bitbucket.org", "bitbucket.org"),
];

/// The address by which anybody could ask for the repository at `address`, without user and
/// password; none where there is none.
pub(crate) fn web_address(address: &str) -> Option<String> {
    for scheme in ["https://", "http://"] {
        if let Some(rest) = address.strip_prefix(scheme) {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let (authority, path) = rest.split_once('/')?;
            let host = authority.rsplit('@').next().unwrap_or_default();
            return (!host.is_empty()).then(|| format!("{scheme}{host}/{path}"));
        }
    }
    let (authority, path) = match address.split_once("://") {
        Some(("ssh" | "git+ssh" | "ssh+git" | "git", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        // `user@host:path`; with a slash before the colon it is a path.
        None => address
            .split_once(':')
            .filter(|(host, _)| !host.contains('/'))?,
    };
    let host = authority
        .rsplit('@')
        .next()
        .and_then(|host| host.split(':').next())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let (_, host) = HOSTS.iter().find(|(name, _)| *name == host)?;
    let path = path.trim_matches('/');
    (path.contains('/') && !path.starts_with('~')).then(|| format!("https://{host}/{path}"))
}

/// Whether a line of git's is a refusal of the server at `web`. Other codes, such as 403, may be
/// from a program that stands between; and a proxy asks for a password too, in its own name.
fn is_refusal(line: &str, web: &str) -> bool {
    let host = web.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let asked = [
        "could not read Username for '",
        "could not read Password for '",
        "Authentication failed for '",
    ];
    let names = |asked: &str| {
        line.split_once(asked)
            .and_then(|(_, rest)| rest.strip_prefix(&host))
            .is_some_and(|rest| rest.starts_with(['/', '\'']))
    };
    let codes = ["401", "404", "410"];
    asked.into_iter().any(names)
        || codes
            .iter()
            .any(|code| line.contains(&format!("The requested URL returned error: {code}")))
        || (line.starts_with("fatal: repository '") && line.ends_with("' not found"))
}

#[cfg(test)]
mod tests {
    use super::{is_refusal, web_address};

    #[test]
    fn refusals_of_the_server_itself() {
        let web = "https://github.com/me/usage.git";
        for line in [
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "fatal: Authentication failed for 'https://github.com/me/usage.git/'",
            "fatal: repository 'https://github.com/me/usage.git/' not found",
            "fatal: unable to access 'https://github.com/me/usage.git/': The requested URL returned error: 410",
        ] {
            assert!(is_refusal(line, web), "{line}");
        }
        for line in [
            "fatal: could not read Username for 'http://proxy.example:3128': terminal prompts disabled",
            "fatal: could not read Username for 'https://github.com.example': terminal prompts disabled",
            "fatal: unable to access 'https://github.com/me/usage.git/': CONNECT tunnel failed, response 403",
            "fatal: unable to access 'https://github.com/me/usage.git/': The requested URL returned error: 403",
            "fatal: unable to access 'https://github.com/me/usage.git/': Could not resolve host: github.com",
            "fatal: https://github.com/me/usage.git/info/refs not valid: is this a git repository?",
        ] {
            assert!(!is_refusal(line, web), "{line}");
        }
    }

    const WEB: [(&str, &str); 9] = [
        (
            "https://me:secret@host.example/me/usage.git",
            "https://host.example/me/usage.git",
        ),
        (
            "https://me:p@ss@host.example:8443/usage",
            "https://host.example:8443/usage",
        ),
        (
            "http://host.example/usage.git?private_token=secret",
            "http://host.example/usage.git",
        ),
        (
            "git@github.com:me/usage.git",
            "https://github.com/me/usage.git",
        ),
        ("GitHub.com:/me/usage", "https://github.com/me/usage"),
        (
            "ssh://git@ssh.github.com:443/me/usage.git",
            "https://github.com/me/usage.git",
        ),
        (
            "ssh://git@gitlab.com/group/part/usage.git",
            "https://gitlab.com/group/part/usage.git",
        ),
        ("git@codeberg.org:me/usage", "https://codeberg.org/me/usage"),
        (
            "ssh://bitbucket.org/me/usage/",
            "https://bitbucket.org/me/usage",
        ),
    ];

    const NO_WEB: [&str; 15] = [
        "/srv/usage.git",
        "./github.com:me/usage",
        "../usage.git",
        "file:///srv/usage.git",
        "git@git.example:me/usage.git",
        "ssh://git@git.example/me/usage.git",
        "git@github.com:usage",
        "ssh://git@github.com",
        "https://github.com",
        "https:///usage",
        "https://me@/usage",
        "C:\\usage",
        "ext::sh -c true",
        "hg::https://host.example/usage",
        "",
    ];

    #[test]
    fn addresses_that_anybody_could_ask() {
        for (address, web) in WEB {
            assert_eq!(web_address(address).as_deref(), Some(web), "{address}");
        }
        for address in NO_WEB {
            assert_eq!(web_address(address), None, "{address}");
        }
    }
}
