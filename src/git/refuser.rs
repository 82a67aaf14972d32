//! Who refused a push, read from the messages of git and of hosts, and what to do next.

/// Who refused a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuser {
    /// A hook in the remote repository.
    Hook,
    /// The host: by its rules, or because these credentials may not write.
    Host,
}

impl Refuser {
    /// What to do next.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Self::Hook => "read the message of the hook; its rules are the remote repository's",
            Self::Host => {
                "check at the host that this machine's key or token may write, that the branch is not protected, and that the repository is neither archived nor full"
            }
        }
    }
}

/// Who refused a push, as far as git's message shows it.
pub(crate) fn refuser(message: &str) -> Option<Refuser> {
    if message.starts_with("git fetch") {
        return None;
    }
    let text = message.to_ascii_lowercase();
    let host = [
        "protected branch",
        "error: 403",
        "error: 401",
        "permission to ",
        "denied to",
        "read-only",
        "read only",
        "archived",
        "quota",
        "not allowed to push",
        "write access",
        "gh00",
        "gh01",
    ];
    if host.iter().any(|word| text.contains(word)) {
        return Some(Refuser::Host);
    }
    if text.contains("hook declined") {
        return Some(Refuser::Hook);
    }
    text.contains("[remote rejected]").then_some(Refuser::Host)
}
