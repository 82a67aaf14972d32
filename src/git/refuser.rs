//! Who refused a push, read from the messages of git and of hosts, and what to do next.

/// Who refused a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuser {
    /// A hook in the remote repository.
    Hook,
    /// The host: by its rules, or because these credentials may not write.
    Host,
    /// The host, which has no room: a quota is used up, or its disk is full.
    Full,
}

impl Refuser {
    /// What to do next.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Self::Hook => "read the message of the hook; its rules are the remote repository's",
            Self::Host => {
                "check at the host that this machine's key or token may write, that the branch is not protected, and that the repository is neither archived nor full"
            }
            Self::Full => {
                "delete at the host what nobody needs, or have the limit raised: it may be the repository's (to see its size: claude-sync git count-objects -vH), the account's or the disk's. To move to another host: claude-sync git remote set-url origin ADDRESS"
            }
        }
    }
}

/// What hosts write where a quota is used up, in lower case. A warning that it soon will be, such
/// as GitHub's "approaching its size quota", is none of these.
const QUOTAS: [&str; 8] = [
    // GitHub.
    "above its size quota",
    // Forgejo.
    "forgejo: quota exceeded",
    // GitLab: of the instance, of a project, of a group.
    "exceeded its size limit",
    "allocated storage for your project",
    "namespace storage limit",
    // Bitbucket.
    "over the size limit",
    "over its size limit",
    // Backlog.
    "because the repository would have exceeded",
];

/// What the system of the remote writes. On this machine's own disk it would be no word of the
/// host.
const DISKS: [&str; 2] = ["disk quota exceeded", "no space left on device"];

/// Who refused a push, as far as git's message shows it.
pub(crate) fn refuser(message: &str) -> Option<Refuser> {
    if message.starts_with("git fetch") {
        return None;
    }
    let text = message.to_ascii_lowercase();
    if is_full(&text) {
        return Some(Refuser::Full);
    }
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

fn is_full(text: &str) -> bool {
    let contains = |line: &str, signs: &[&str]| signs.iter().any(|sign| line.contains(sign));
    contains(text, &QUOTAS)
        || text
            .lines()
            .any(|line| line.starts_with("remote: ") && contains(line, &DISKS))
}

#[cfg(test)]
mod tests {
    use super::{Refuser, refuser};

    /// Messages of pushes, without the first and the last line.
    const MESSAGES: [(&str, Refuser); 13] = [
        (
            "remote: error: Repository is above its size quota. Contact GitHub Support for further assistance.",
            Refuser::Full,
        ),
        ("remote: Forgejo: Quota exceeded", Refuser::Full),
        (
            "remote: Your push to this repository cannot be completed because this repository has exceeded the allocated storage for your project.",
            Refuser::Full,
        ),
        (
            "remote: Your push has been rejected, because this repository has exceeded its size limit of 10 GB by 2 GB.",
            Refuser::Full,
        ),
        (
            "remote: Your push to this repository has been rejected because the namespace storage limit of 10 GB has been reached.",
            Refuser::Full,
        ),
        (
            "remote: Repository is over the size limit (4 GB) and will not accept further additions.",
            Refuser::Full,
        ),
        (
            "remote: The push was rejected because the repository would have exceeded the 10.0 GB limit for Git repository in Backlog.",
            Refuser::Full,
        ),
        (
            "remote: fatal: write error: Disk quota exceeded\nerror: remote unpack failed: index-pack abnormal exit",
            Refuser::Full,
        ),
        (
            "remote: fatal: unable to write loose object file: No space left on device\nerror: remote unpack failed: unpack-objects abnormal exit",
            Refuser::Full,
        ),
        // A full disk of this machine's.
        ("fatal: write error: No space left on device", Refuser::Hook),
        // Still room.
        (
            "remote: warning: this repository is approaching its size quota\nremote: error: GH006: Protected branch update failed",
            Refuser::Host,
        ),
        (
            "remote: ERROR: Permission to me/usage.git denied to you.",
            Refuser::Host,
        ),
        ("remote: not on a Sunday", Refuser::Hook),
    ];

    #[test]
    fn messages_name_who_refused() {
        for (message, who) in MESSAGES {
            let push = format!("git push failed:\n{message}\n[remote rejected] (hook declined)");
            assert_eq!(refuser(&push), Some(who), "{message}");
            assert_eq!(refuser(&format!("git fetch failed:\n{message}")), None);
        }
        assert_eq!(refuser("git push failed:\nfatal: early EOF"), None);
    }
}
