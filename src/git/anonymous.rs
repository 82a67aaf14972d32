//! The anonymous probe: asks a remote for its branches as somebody without any credentials would.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::messages::{GitError, failed, subcommand};
use super::process::Git;
use super::watch::{self, Watched};

/// How long the probe waits for an answer: the question is asked beside others, and has no answer
/// without a network.
const PATIENCE: Duration = Duration::from_secs(15);

/// Settings without credentials: no helper knows a password, no header carries one.
const NO_CREDENTIALS: [(&str, &str); 5] = [
    ("credential.helper", ""),
    ("http.extraHeader", ""),
    ("http.emptyAuth", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "10"),
];

/// Settings on how the network is reached, without credentials.
const NETWORK: [&str; 8] = [
    "http.proxy",
    "http.proxyauthmethod",
    "http.sslbackend",
    "http.sslcainfo",
    "http.sslcapath",
    "http.sslverify",
    "http.schannelcheckrevoke",
    "http.schannelusesslcainfo",
];

/// Variables that name configuration or credentials.
const REMOVED: [&str; 4] = ["GIT_CONFIG_SYSTEM", "GIT_SSL_CERT", "GIT_SSL_KEY", "NETRC"];

/// Variables that keep git from asking anybody.
const SILENT: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GCM_INTERACTIVE", "never"),
];

impl Git {
    /// Lists a remote's branches without the user's configuration, credentials, certificates,
    /// cookies and `.netrc`.
    ///
    /// Of the configuration only the settings on how the network is reached are taken over.
    pub(crate) fn list_anonymously(&self, at: &Path, address: &str) -> Result<(), GitError> {
        // git and curl look into the home folder and around the current one. These are empty.
        let nowhere = tempfile::tempdir().map_err(GitError::Missing)?;
        let args = ["ls-remote", "--", address];
        let mut command = self.command(Some(nowhere.path()));
        forget_user(&mut command, nowhere.path());
        let mut settings: Vec<(String, String)> = NO_CREDENTIALS
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        settings.extend(self.network_settings(at, address));
        // By variables: a proxy's password is nothing for the list of processes.
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (at, (key, value)) in settings.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.args(args);
        let silence = self.silence().min(PATIENCE);
        match watch::output(command, silence, true, &mut |_| {}).map_err(GitError::Missing)? {
            Watched::Ended(out) if out.status.success() => Ok(()),
            Watched::Ended(out) => Err(failed(&args, &out)),
            Watched::CutOff => Err(GitError::Silent {
                what: subcommand(&args),
                seconds: silence.as_secs(),
            }),
        }
    }

    /// The user's settings on how the network is reached for an address.
    fn network_settings(&self, at: &Path, address: &str) -> Vec<(String, String)> {
        let args = ["config", "-z", "--get-urlmatch", "http", address];
        self.run(at, &args)
            .unwrap_or_default()
            .split('\0')
            .filter_map(|entry| entry.split_once('\n'))
            .filter(|(key, _)| NETWORK.contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Has a command of git's find an empty folder wherever the user's files would be, and ask nobody.
fn forget_user(command: &mut Command, nowhere: &Path) {
    for name in REMOVED {
        command.env_remove(name);
    }
    command
        .env("HOME", nowhere)
        .env("XDG_CONFIG_HOME", nowhere)
        .env(
            "GIT_CEILING_DIRECTORIES",
            nowhere.parent().unwrap_or(nowhere),
        )
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ALLOW_PROTOCOL", "http:https")
        .envs(SILENT);
}
