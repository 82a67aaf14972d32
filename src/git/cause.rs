//! Why a remote was not reached or did not take a push, read from the messages of git, curl and
//! ssh, and what to do next.

/// Why a remote could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It asks for a login, and git has none.
    NoLogin,
    /// It does not accept the login that git has.
    LoginRefused,
    /// It refuses access to the user who is logged in.
    Forbidden,
    /// There is no repository at this address, or none that this login may see.
    NotFound,
    /// The host may not show it, by law (HTTP 451).
    Blocked,
    /// The server reports an error of its own.
    Server,
    /// What answers is no git server, such as a login page of a network.
    NotGit,
    /// It names its objects by another hash than this clone.
    ObjectFormat,
    /// The TLS certificate is not accepted.
    Certificate,
    /// The ssh host key is another one than before.
    HostKeyChanged,
    /// The ssh host key is not known yet.
    HostKeyUnknown,
    /// No ssh key that was offered is accepted.
    SshKey,
    /// The host's name is not found.
    Name,
    /// There is no connection to the host.
    Connection,
    /// Nothing came for longer than the limit.
    Silence,
    /// The connection broke off.
    Cut,
}

/// What messages contain, in lower case. The first that fits is the cause: of several messages the
/// one that explains the others.
const SIGNS: [(Cause, &[&str]); 16] = [
    (
        Cause::HostKeyChanged,
        &["remote host identification has changed"],
    ),
    (
        Cause::HostKeyUnknown,
        &["host key verification failed", "no matching host key"],
    ),
    (
        Cause::SshKey,
        &["permission denied (", "too many authentication failures"],
    ),
    (
        Cause::Certificate,
        &["certificate", "ssl_verify", "peer's certificate"],
    ),
    (
        Cause::LoginRefused,
        &[
            "authentication failed",
            "returned error: 401",
            "invalid username or",
        ],
    ),
    (
        Cause::NoLogin,
        &["could not read username", "could not read password"],
    ),
    (
        Cause::NotFound,
        &[
            "returned error: 404",
            "returned error: 410",
            "does not appear to be a git repository",
            "access denied or repository not exported",
            "no such repository",
            "repository not found",
            "does not exist",
        ],
    ),
    (
        Cause::Forbidden,
        &[
            "returned error: 403",
            "service not enabled",
            "access denied",
        ],
    ),
    (Cause::Blocked, &["returned error: 451"]),
    (Cause::Server, &["returned error: 5", "returned error: 429"]),
    (
        Cause::ObjectFormat,
        &[
            "does not support this repository's hash algorithm",
            "mismatched algorithms",
        ],
    ),
    (
        Cause::NotGit,
        &[
            "unable to update url base from redirection",
            "is this a git repository?",
            "invalid server response",
        ],
    ),
    (
        Cause::Name,
        &[
            "could not resolve",
            "name or service not known",
            "name resolution",
            "unable to look up",
            "nodename nor servname",
        ],
    ),
    (
        Cause::Connection,
        &[
            "failed to connect",
            "couldn't connect",
            "connection refused",
            "unable to connect",
            "no route to host",
            "network is unreachable",
            "connection timed out",
            "operation timed out",
            "connect tunnel failed",
        ],
    ),
    (
        Cause::Silence,
        &["was cut off after it had printed nothing"],
    ),
    (
        Cause::Cut,
        &[
            "unexpected disconnect",
            "hung up unexpectedly",
            "early eof",
            "rpc failed",
            "closed by remote host",
            "connection reset",
            "broken pipe",
            "empty reply",
            "transfer closed",
            "bad pack header",
            "banner exchange",
        ],
    ),
];

/// The commands that advice names.
struct Commands {
    /// Reaches the remote once, on a terminal.
    by_hand: &'static str,
    /// The address, and how to see it.
    address: &'static str,
    /// Sets a variable of git's configuration.
    set: &'static str,
    /// Uses an empty repository in another place.
    move_to: &'static str,
}

const IN_CLONE: Commands = Commands {
    by_hand: "claude-sync git fetch",
    address: "the address (claude-sync git remote -v)",
    set: "claude-sync git config",
    move_to: "claude-sync git remote set-url origin ADDRESS",
};

const BEFORE_SET_UP: Commands = Commands {
    by_hand: "git ls-remote ADDRESS",
    address: "the address",
    set: "git config --global",
    move_to: "claude-sync init ADDRESS",
};

impl Cause {
    /// The cause that a message names; none where it names none of these.
    pub(crate) fn of(message: &str) -> Option<Self> {
        let text = message.to_ascii_lowercase();
        // Of a 404 git prints only this, with the address between.
        if text
            .lines()
            .any(|line| line.starts_with("fatal: repository '") && line.ends_with("' not found"))
        {
            return Some(Self::NotFound);
        }
        SIGNS
            .iter()
            .find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)))
            .map(|(cause, _)| *cause)
    }

    /// What happened, to follow "The remote was not reached: ".
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::NoLogin => "it asks for a login, and git has none stored",
            Self::LoginRefused => "it does not accept the login that git has stored",
            Self::Forbidden => "it refuses access to this login or key",
            Self::NotFound => "there is no repository at its address, or this login may not see it",
            Self::Blocked => "its host blocks the repository for legal reasons",
            Self::Server => "its server reports an error",
            Self::NotGit => "something other than a git server answers at its address",
            Self::ObjectFormat => "it is a SHA-256 repository, which claude-sync does not support",
            Self::Certificate => "its TLS certificate is not accepted",
            Self::HostKeyChanged => "its ssh host key is not the one that this machine knows",
            Self::HostKeyUnknown => "this machine does not know its ssh host key",
            Self::SshKey => "it accepts no ssh key that this machine offers",
            Self::Name => "its host name is not found",
            Self::Connection => "there is no connection to its host",
            Self::Silence => "nothing was heard for too long",
            Self::Cut => "the connection broke off",
        }
    }

    /// What to do next. `set_up`: there is a clone, so that `claude-sync git` works.
    pub(crate) fn next(self, set_up: bool) -> String {
        let Commands {
            by_hand,
            address,
            set,
            move_to,
        } = if set_up { IN_CLONE } else { BEFORE_SET_UP };
        match self {
            Self::NoLogin => format!(
                "let a credential helper of git store a login, then log in once by hand: {by_hand}. Or use an ssh address, with a key"
            ),
            Self::LoginRefused => {
                format!("replace the stored password or token, which may have expired; to try it by hand: {by_hand}")
            }
            Self::Forbidden => format!("check at the host that this login or key may use the repository; to try it by hand: {by_hand}"),
            Self::NotFound => format!("compare {address} with the host's, and check that this login or key may see the repository"),
            Self::Blocked => format!(
                "ask the host why, and whether it may be reached from another country or network. To move to another host: {move_to}"
            ),
            Self::Server => "wait: later runs try again. If it lasts, look at the host's status or the server's log".to_owned(),
            Self::NotGit => format!("check {address}, and whether this network shows a login page first"),
            Self::ObjectFormat => "make the remote repository anew, with: git init --bare --object-format=sha1".to_owned(),
            Self::Certificate => format!(
                "check {address} and this machine's clock; where the server has a certificate authority of its own: {set} http.sslCAInfo FILE"
            ),
            Self::HostKeyChanged => {
                format!("ask the server's owner whether its key was replaced. If it was: ssh-keygen -R HOST, then {by_hand}")
            }
            Self::HostKeyUnknown => format!("connect once by hand, and compare the fingerprint: {by_hand}"),
            Self::SshKey => format!(
                "check that the public key is added at the host, and that the key needs no passphrase or is in an agent (ssh-add -l); to choose a key: {set} core.sshCommand \"ssh -i FILE\""
            ),
            Self::Name | Self::Connection => format!("check {address}, and the network with its VPN or proxy"),
            Self::Silence => format!(
                "check the network, and whether a credential helper, ssh or gpg waits for an answer: {by_hand}. For a longer limit: claude-sync config set error_states.sync_failed.silence_seconds SECONDS"
            ),
            Self::Cut => "nothing to do: the next run goes on. If it lasts, check the network, and the limits of a proxy".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    const MESSAGES: [(&str, Cause); 24] = [
        (
            "fatal: could not read Username for 'https://host': terminal prompts disabled",
            Cause::NoLogin,
        ),
        (
            "remote: no\nfatal: Authentication failed for 'https://host/r.git/'",
            Cause::LoginRefused,
        ),
        (
            "fatal: unable to access 'https://host/': The requested URL returned error: 403",
            Cause::Forbidden,
        ),
        (
            "fatal: remote error: service not enabled: /r.git",
            Cause::Forbidden,
        ),
        (
            "fatal: unable to access 'https://host/': The requested URL returned error: 451",
            Cause::Blocked,
        ),
        (
            "error: RPC failed; HTTP 451 curl 22 The requested URL returned error: 451",
            Cause::Blocked,
        ),
        (
            "fatal: repository 'https://host/r.git/' not found",
            Cause::NotFound,
        ),
        (
            "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
            Cause::NotFound,
        ),
        (
            "fatal: '/srv/r.git' does not appear to be a git repository",
            Cause::NotFound,
        ),
        (
            "fatal: unable to access 'https://host/': The requested URL returned error: 502",
            Cause::Server,
        ),
        (
            "fatal: https://host/r.git/info/refs not valid: is this a git repository?",
            Cause::NotGit,
        ),
        (
            "fatal: the receiving end does not support this repository's hash algorithm",
            Cause::ObjectFormat,
        ),
        (
            "fatal: mismatched algorithms: client sha1; server sha256",
            Cause::ObjectFormat,
        ),
        (
            "fatal: unable to access 'https://host/': SSL certificate problem: self-signed certificate",
            Cause::Certificate,
        ),
        (
            "server certificate verification failed. CAfile: none CRLfile: none",
            Cause::Certificate,
        ),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            Cause::HostKeyChanged,
        ),
        (
            "No ED25519 host key is known for host and you have requested strict checking.\nHost key verification failed.",
            Cause::HostKeyUnknown,
        ),
        (
            "git@host: Permission denied (publickey,password).\nfatal: Could not read from remote repository.",
            Cause::SshKey,
        ),
        (
            "ssh: Could not resolve hostname host: Name or service not known",
            Cause::Name,
        ),
        (
            "fatal: unable to access 'https://host/': Could not resolve host: host",
            Cause::Name,
        ),
        (
            "ssh: connect to host host port 22: Connection timed out",
            Cause::Connection,
        ),
        (
            "git fetch was cut off after it had printed nothing for 120 s",
            Cause::Silence,
        ),
        (
            "error: RPC failed; curl 18 transfer closed with 9 bytes remaining to read",
            Cause::Cut,
        ),
        (
            "Connection closed by remote host\nfatal: early EOF",
            Cause::Cut,
        ),
    ];

    #[test]
    fn messages_name_their_cause() {
        for (message, cause) in MESSAGES {
            assert_eq!(Cause::of(message), Some(cause), "{message}");
        }
        assert_eq!(
            Cause::of("error: src refspec nowhere does not match any"),
            None
        );
    }
}
