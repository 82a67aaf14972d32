//! OpenSSH's own server on the loopback interface, as the user who runs the tests, with a host key and accepted keys of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::wire::Wire;
use crate::world::{clean, run};

/// Where sshd is: not always in PATH.
const PLACES: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];

/// A server. Each connection has an `sshd` of its own.
pub struct Sshd {
    pub wire: Wire,
    folder: PathBuf,
    /// `ssh://` and all before the path.
    pub address: String,
}

impl Sshd {
    /// None where there is no sshd, or it may not run: says so.
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(program) = PLACES
            .iter()
            .map(PathBuf::from)
            .find(|program| program.is_file())
        else {
            crate::peers::missing("sshd", "there is no sshd (openssh-server)");
            return None;
        };
        let root = rustix::process::geteuid().is_root();
        if root && !Path::new("/run/sshd").is_dir() {
            crate::peers::missing("sshd", "as root, sshd needs the folder /run/sshd");
            return None;
        }
        fs::create_dir_all(folder).expect("a folder");
        for name in ["host", "deploy", "other"] {
            key(folder, name, "");
        }
        key(folder, "locked", "open sesame");
        let accepted: String = ["deploy", "locked"]
            .map(|name| public(folder, name))
            .concat();
        fs::write(folder.join("accepted"), accepted).expect("written");
        let config = format!(
            "HostKey {0}/host\nAuthorizedKeysFile {0}/accepted\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nPermitUserRC no\nPrintMotd no\nLogLevel QUIET\nSetEnv \"PATH={1}\"\n",
            folder.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let place = folder.join("config");
        fs::write(&place, config).expect("written");
        let home = folder.to_owned();
        let wire = Wire::inetd(move || {
            let mut command = Command::new(&program);
            clean(&mut command, &home);
            command.args(["-i", "-f"]).arg(&place);
            command
        });
        let address = format!(
            "ssh://{}@127.0.0.1:{}",
            run(Command::new("id").arg("-un")).out.trim(),
            wire.port
        );
        Some(Self {
            wire,
            folder: folder.to_owned(),
            address,
        })
    }

    /// The address of a repository.
    pub fn of(&self, path: &Path) -> String {
        format!("{}{}", self.address, path.display())
    }

    /// A private key.
    pub fn key(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The line of `known_hosts` by which a client knows this server, by the host key of that name.
    pub fn known(&self, name: &str) -> String {
        format!(
            "[127.0.0.1]:{} {}",
            self.wire.port,
            public(&self.folder, name)
        )
    }

    /// Lets a key in only to run `script`, which sees what was asked for as `$SSH_ORIGINAL_COMMAND`; all others as before.
    pub fn restrict(&self, name: &str, script: Option<&Path>) {
        let command = script
            .map(|script| format!("command=\"{}\",restrict ", script.display()))
            .unwrap_or_default();
        fs::write(
            self.folder.join("accepted"),
            format!("{command}{}", public(&self.folder, name)),
        )
        .expect("written");
    }

    /// An agent without keys, and the socket where it listens.
    pub fn agent(&self) -> Option<(Ended, PathBuf)> {
        let socket = self.folder.join("agent");
        let agent = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let agent = Ended(agent);
        for _ in 0..500 {
            if socket.exists() {
                return Some((agent, socket));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        None
    }
}

fn key(folder: &Path, name: &str, passphrase: &str) {
    let path = folder.join(name);
    let mut command = Command::new("ssh-keygen");
    clean(&mut command, folder);
    let ran = run(command
        .args(["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f"])
        .arg(path));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

fn public(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(format!("{name}.pub"))).expect("a public key")
}

/// A process that ends with the test.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
