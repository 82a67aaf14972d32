//! Remotes over a network: git's own daemon, and git's own HTTP server behind a socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::world::{NOON, World, clean, transcript};

/// Two machines sync through `address`; the requests of both arrive.
fn exchange(world: &World, address: &str) {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    // Enough that the pack is larger than what git sends in one piece.
    ada.write(".claude/projects/p/s.jsonl", &(transcript("s1", 0..600)));
    ada.sync(&["init", "--allow-public", address]);
    ada.sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 700..704));
    bob.sync(&["init", "--allow-public", address]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (604, 604));
    assert_eq!(ada.head(), bob.head());
    bob.assert_sound();
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn over_gits_own_protocol() {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    // The daemon itself: `git daemon` would be its parent, and ending that would leave it behind.
    let programs = world.git(world.path(), &["--exec-path"]);
    let mut daemon = Command::new(PathBuf::from(programs.trim()).join("git-daemon"));
    clean(&mut daemon, world.path());
    daemon.args([
        "--reuseaddr",
        "--export-all",
        "--enable=receive-pack",
        "--listen=127.0.0.1",
    ]);
    daemon
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", world.path().display()))
        .arg(world.path());
    let _daemon = Ended(
        daemon
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("git daemon starts"),
    );
    let up = (0..500).any(|_| {
        let there = TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !there {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        there
    });
    assert!(up, "git daemon does not answer");
    exchange(&world, &format!("git://127.0.0.1:{port}/remote.git"));
}

#[test]
fn over_http() {
    let world = World::new();
    world.git(
        &world.path().join("remote.git"),
        &["config", "http.receivepack", "true"],
    );
    let server = Http::start(world.path().to_owned(), None);
    exchange(&world, &server.address());
    assert!(server.served.load(Ordering::SeqCst) > 10);
}

#[test]
fn a_server_that_fails_leaves_the_commit_queued_and_secrets_unsaid() {
    let world = World::new();
    world.git(
        &world.path().join("remote.git"),
        &["config", "http.receivepack", "true"],
    );
    let machine = world.machine("ada");
    let server = Http::start(world.path().to_owned(), None);
    machine.sync(&["init", "--allow-public", &server.address()]);
    machine.sync(&[]);
    // From here on the server answers every push with an error.
    let broken = Http::start(world.path().to_owned(), Some("git-receive-pack"));
    machine.git(&[
        "remote",
        "set-url",
        "origin",
        &broken.address().replace("http://", "http://me:hunter2@"),
    ]);
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    let ran = machine.try_sync(NOON, &[]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(
        !ran.err.contains("hunter2")
            && ran
                .err
                .contains("everything is committed here, and the next run pushes it"),
        "{}",
        ran.err
    );
    machine.git(&["remote", "set-url", "origin", &server.address()]);
    assert!(machine.sync(&[]).out.contains("Pushed."));
}

/// `git http-backend` behind a listening socket, on the loopback interface, until it is dropped.
struct Http {
    port: u16,
    served: Arc<AtomicU32>,
}

impl Http {
    fn start(root: PathBuf, refuse: Option<&'static str>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        // The threads end with the test's process.
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let (root, count) = (root.clone(), count.clone());
                std::thread::spawn(move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = answer(stream, &root, refuse);
                });
            }
        });
        Self { port, served }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}/remote.git", self.port)
    }
}

fn answer(mut stream: TcpStream, root: &PathBuf, refuse: Option<&str>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut command = Command::new("git");
    clean(&mut command, root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_ADDR", "127.0.0.1");
    command
        .env("REQUEST_METHOD", &method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query);
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "transfer-encoding" => chunked = value == "chunked",
            "content-type" => drop(command.env("CONTENT_TYPE", value)),
            "content-encoding" => drop(command.env("HTTP_CONTENT_ENCODING", value)),
            "git-protocol" => drop(command.env("GIT_PROTOCOL", value)),
            "expect" => stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        body.extend_from_slice(&chunk[..size]);
        chunked = size > 0;
    }
    if refuse.is_some_and(|word| path.ends_with(word)) {
        return stream.write_all(
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    command.env("CONTENT_LENGTH", body.len().to_string());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let mut out = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut out)?;
    let _ = writer.join();
    child.wait()?;
    let split = out
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or(0);
    let head = String::from_utf8_lossy(&out[..split]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK")
        .to_owned();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n\r\n",
        out.len() - split - 4
    )?;
    stream.write_all(&out[split + 4..])
}
