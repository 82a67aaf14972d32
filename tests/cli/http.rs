//! A web server on the loopback interface that gives the files of a folder, as git reads a repository where there is nothing but a web server.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Whom a server gives files to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody.
    Open,
    /// Those who send a password, whatever it is.
    Login,
    /// Nobody knows: it answers that it is broken.
    Broken,
}

/// Serves a folder until the test's process ends.
pub struct Files {
    port: u16,
    requests: Arc<AtomicU32>,
    passwords: Arc<AtomicU32>,
}

impl Files {
    pub fn serve(root: &Path, door: Door) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        let (requests, passwords) = (Arc::<AtomicU32>::default(), Arc::<AtomicU32>::default());
        let (root, seen) = (root.to_owned(), (requests.clone(), passwords.clone()));
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let _ = answer(&stream, &root, door, &seen.0, &seen.1);
            }
        });
        Self {
            port,
            requests,
            passwords,
        }
    }

    /// The address of a path below the folder.
    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many requests came with a password.
    pub fn passwords(&self) -> u32 {
        self.passwords.load(Ordering::SeqCst)
    }
}

fn answer(
    mut stream: &TcpStream,
    root: &Path,
    door: Door,
    requests: &AtomicU32,
    passwords: &AtomicU32,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut password = false;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        password |= line.starts_with("authorization:");
        if line.is_empty() {
            break;
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    passwords.fetch_add(u32::from(password), Ordering::SeqCst);
    let path = first
        .split([' ', '?'])
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/');
    let (head, body) = match (door, fs::read(root.join(PathBuf::from(path)))) {
        (Door::Broken, _) => ("500 Internal Server Error", Vec::new()),
        (Door::Login, _) if !password => (
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"usage\"",
            Vec::new(),
        ),
        (_, Ok(body)) => ("200 OK", body),
        (_, Err(_)) => ("404 Not Found", Vec::new()),
    };
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}
