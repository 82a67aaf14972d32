//! `git http-backend` behind a small web server on the loopback interface, which refuses as hosts do.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::wire::Wire;
use crate::world::{clean, run};

/// Which requests are answered otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    #[default]
    All,
    /// Those that begin a push or are one.
    Push,
}

/// What the server does with them.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// Serves them.
    #[default]
    Well,
    /// Serves whoever sends this user and password.
    Login(&'static str, &'static str),
    /// Answers with a status, and a text.
    Says(&'static str, &'static str),
    /// Sends the client to this address, with the path behind it.
    Moved(String),
    /// Sends the client to a page for people.
    Page,
}

/// A web server that gives and takes the repositories of a folder.
pub struct Server {
    pub wire: Wire,
    mood: Arc<Mutex<(Part, Mood)>>,
    scheme: &'static str,
    /// The certificate with its key, where there is one.
    certificate: Arc<Mutex<PathBuf>>,
}

impl Server {
    pub fn start(root: &Path) -> Self {
        let (mood, root) = (
            Arc::new(Mutex::new((Part::All, Mood::Well))),
            root.to_owned(),
        );
        let now = mood.clone();
        let wire = Wire::listen(move |stream| {
            let (part, mood) = now.lock().expect("no panic").clone();
            let Ok(writer) = stream.try_clone() else {
                return;
            };
            let _ = answer(stream, writer, &root, part, &mood);
        });
        Self {
            wire,
            mood,
            scheme: "http",
            certificate: Arc::default(),
        }
    }

    /// As [`Self::start`], by TLS. None where there is no openssl.
    pub fn start_tls(root: &Path) -> Option<Self> {
        if !Command::new("openssl")
            .arg("version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {
            crate::peers::missing("openssl", "there is no openssl");
            return None;
        }
        let (certificate, root) = (Arc::<Mutex<PathBuf>>::default(), root.to_owned());
        let now = certificate.clone();
        let wire = Wire::listen(move |stream| {
            let pem = now.lock().expect("no panic").clone();
            let _ = unwrap_tls(stream, &pem, &root);
        });
        Some(Self {
            wire,
            mood: Arc::default(),
            scheme: "https",
            certificate,
        })
    }

    pub fn address(&self) -> String {
        format!("{}://127.0.0.1:{}/remote.git", self.scheme, self.wire.port)
    }

    pub fn feels(&self, part: Part, mood: Mood) {
        *self.mood.lock().expect("no panic") = (part, mood);
    }

    pub fn shows(&self, pem: &Path) {
        pem.clone_into(&mut self.certificate.lock().expect("no panic"));
    }
}

/// Makes a certificate that signs itself, with its key: for this name, valid from and until these days.
pub fn certificate(folder: &Path, file: &str, name: &str, days: (&str, &str)) -> PathBuf {
    let at = |name: &str| folder.join(format!("{file}.{name}"));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(at("index"), "").expect("written");
    let text = format!(
        "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = test\n[ca]\ndefault_ca = own\n[own]\ndatabase = {0}\nnew_certs_dir = {1}\n\
         rand_serial = yes\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n\
         [names]\nsubjectAltName = {name}\nbasicConstraints = critical, CA:TRUE\n",
        at("index").display(),
        folder.display()
    );
    fs::write(at("cnf"), text).expect("written");
    let openssl = |args: &[&str]| {
        let mut command = Command::new("openssl");
        clean(&mut command, folder);
        let ran = run(command.args(args));
        assert_eq!(ran.code, 0, "openssl {args:?}: {}", ran.err);
    };
    let show = |path: &Path| path.display().to_string();
    let (config, key, wish, own) = (
        show(&at("cnf")),
        show(&at("key")),
        show(&at("csr")),
        show(&at("crt")),
    );
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    openssl(
        &[
            &[
                "req", "-config", &config, "-new", "-keyout", &key, "-out", &wish,
            ],
            &curve[..],
        ]
        .concat(),
    );
    let (from, until) = days;
    let dates = ["-startdate", from, "-enddate", until, "-batch", "-notext"];
    openssl(
        &[
            &[
                "ca",
                "-config",
                &config,
                "-selfsign",
                "-keyfile",
                &key,
                "-in",
                &wish,
                "-out",
                &own,
            ],
            &dates[..],
        ]
        .concat(),
    );
    let pem = at("pem");
    let both = [
        fs::read(at("crt")).expect("made"),
        fs::read(at("key")).expect("made"),
    ]
    .concat();
    fs::write(&pem, both).expect("written");
    pem
}

/// Ends TLS by `openssl s_server`, whose standard input and output are the plain side.
fn unwrap_tls(stream: UnixStream, pem: &Path, root: &Path) -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("tls");
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-quiet", "-naccept", "1", "-unix"])
        .arg(&socket)
        .arg("-cert")
        .arg(pem);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let near = loop {
        match UnixStream::connect(&socket) {
            Ok(near) => break near,
            Err(error) if child.try_wait()?.is_some() => return Err(error),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    let (mut up, mut down) = ((stream.try_clone()?, near.try_clone()?), (near, stream));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up.0, &mut up.1);
        let _ = up.1.shutdown(std::net::Shutdown::Write);
    });
    let downward = std::thread::spawn(move || {
        let _ = std::io::copy(&mut down.0, &mut down.1);
        let _ = down.1.shutdown(std::net::Shutdown::Both);
    });
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(());
    };
    // Kept open until the client has gone: it would end with its standard input.
    let mut input = input;
    let _ = answer(output, &mut input, root, Part::All, &Mood::Well);
    let _ = downward.join();
    let _ = child.kill();
    child.wait().map(drop)
}

/// A request, as far as it says what it wants.
struct Request {
    method: String,
    path: String,
    query: String,
    login: String,
    body: Vec<u8>,
}

/// Answers one request, and closes.
fn answer(
    reader: impl Read,
    mut writer: impl Write,
    root: &Path,
    part: Part,
    mood: &Mood,
) -> std::io::Result<()> {
    let mut command = Command::new("git");
    let request = read(
        &mut BufReader::new(reader),
        &mut writer,
        clean_backend(&mut command, root),
    )?;
    let pushes =
        request.path.ends_with("/git-receive-pack") || request.query.contains("git-receive-pack");
    let plain = |writer: &mut dyn Write, status: &str, kind: &str, more: &str, text: &str| {
        let length = text.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        writer
            .write_all(head.as_bytes())
            .and_then(|()| writer.write_all(text.as_bytes()))
            .and_then(|()| writer.flush())
    };
    match mood {
        _ if part == Part::Push && !pushes => {}
        Mood::Well => {}
        Mood::Login(user, password) => {
            if request.login != basic(user, password) {
                let ask = "WWW-Authenticate: Basic realm=\"usage\"\r\n";
                return plain(&mut writer, "401 Unauthorized", "text/plain", ask, "no\n");
            }
        }
        Mood::Says(status, text) => return plain(&mut writer, status, "text/plain", "", text),
        Mood::Moved(to) => {
            let to = format!("Location: {to}{}?{}\r\n", request.path, request.query);
            return plain(&mut writer, "301 Moved Permanently", "text/plain", &to, "");
        }
        Mood::Page if request.path == "/login" => {
            return plain(
                &mut writer,
                "200 OK",
                "text/html",
                "",
                "<h1>Who are you?</h1>",
            );
        }
        Mood::Page => {
            return plain(
                &mut writer,
                "302 Found",
                "text/html",
                "Location: /login\r\n",
                "",
            );
        }
    }
    command
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query);
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(());
    };
    let feeding = std::thread::spawn(move || stdin.write_all(&request.body));
    let mut out = Vec::new();
    stdout.read_to_end(&mut out)?;
    let _ = feeding.join();
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
    let length = out.len() - split - 4;
    write!(
        writer,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n\r\n"
    )?;
    writer.write_all(&out[split + 4..])?;
    writer.flush()
}

/// `git http-backend`, for the repositories of a folder.
fn clean_backend<'c>(command: &'c mut Command, root: &Path) -> &'c mut Command {
    clean(command, root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_ADDR", "127.0.0.1")
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
    )
}

/// Reads a request, and tells the back end of its headers.
fn read(
    reader: &mut impl BufRead,
    writer: &mut impl Write,
    backend: &mut Command,
) -> std::io::Result<Request> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let (mut length, mut chunked, mut login) = (0, false, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "transfer-encoding" => chunked = value == "chunked",
            "authorization" => value.clone_into(&mut login),
            "content-type" => drop(backend.env("CONTENT_TYPE", value)),
            "content-encoding" => drop(backend.env("HTTP_CONTENT_ENCODING", value)),
            "git-protocol" => drop(backend.env("GIT_PROTOCOL", value)),
            "expect" => writer
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .and_then(|()| writer.flush())?,
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
    Ok(Request {
        method,
        path,
        query,
        login,
        body,
    })
}
