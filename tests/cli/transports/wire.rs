//! Connections on the loopback interface that break as those of a real network do: silent, cut off in the middle, slow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Whole,
    /// Accepted, and never answered.
    Silent,
    /// Closed after so many bytes from the client.
    CutUp(usize),
    /// Closed after so many bytes from the server.
    CutDown(usize),
    /// Kilobytes a second, each way.
    Slow(usize),
}

/// A listening socket whose connections go as it is told, until the test's process ends.
pub struct Wire {
    pub port: u16,
    line: Arc<Mutex<Line>>,
    connections: Arc<AtomicU32>,
}

impl Wire {
    /// Hands each connection to `serve`, in a thread of its own.
    pub fn listen(serve: impl Fn(UnixStream) + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        let (line, connections) = (
            Arc::new(Mutex::new(Line::Whole)),
            Arc::<AtomicU32>::default(),
        );
        let (now, count, serve) = (line.clone(), connections.clone(), Arc::new(serve));
        thread::spawn(move || {
            for client in socket.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (line, serve) = (*now.lock().expect("no panic"), serve.clone());
                thread::spawn(move || carry(client, line, serve));
            }
        });
        Self {
            port,
            line,
            connections,
        }
    }

    /// Starts a program for each connection, which is its standard input and output, as inetd does.
    pub fn inetd(program: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self::listen(move |stream| {
            let Ok(other) = stream.try_clone() else {
                return;
            };
            let (input, output) = (
                std::os::fd::OwnedFd::from(stream),
                std::os::fd::OwnedFd::from(other),
            );
            let child = program()
                .stdin(input)
                .stdout(output)
                .stderr(Stdio::null())
                .spawn();
            let _ = child.and_then(|mut child| child.wait());
        })
    }

    /// Has connections from now on go so.
    pub fn go(&self, line: Line) {
        *self.line.lock().expect("no panic") = line;
    }

    /// How many connections there were.
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

fn carry(
    mut client: TcpStream,
    line: Line,
    serve: Arc<impl Fn(UnixStream) + Send + Sync + 'static>,
) {
    if line == Line::Silent {
        // Until the client gives up.
        let _ = std::io::copy(&mut client, &mut std::io::sink());
        return;
    }
    let Ok((near, far)) = UnixStream::pair() else {
        return;
    };
    thread::spawn(move || serve(far));
    let (Ok(from_client), Ok(to_server), Ok(from_server)) =
        (client.try_clone(), near.try_clone(), near.try_clone())
    else {
        return;
    };
    let (up, down) = match line {
        Line::CutUp(bytes) => (Some(bytes), None),
        Line::CutDown(bytes) => (None, Some(bytes)),
        _ => (None, None),
    };
    let slow = if let Line::Slow(kilobytes) = line {
        Some(kilobytes)
    } else {
        None
    };
    let (closing, hanging) = (client.try_clone(), near.try_clone());
    let close = move || {
        let _ = closing.map(|socket| socket.shutdown(Shutdown::Both));
        let _ = hanging.map(|socket| socket.shutdown(Shutdown::Both));
    };
    let upward = thread::spawn(move || {
        if pass(from_client, &to_server, up, slow) {
            close();
        }
        let _ = to_server.shutdown(Shutdown::Write);
    });
    if pass(from_server, &client, down, slow) {
        let _ = near.shutdown(Shutdown::Both);
        let _ = client.shutdown(Shutdown::Both);
    }
    let _ = client.shutdown(Shutdown::Write);
    let _ = upward.join();
}

/// Carries bytes until there are no more; says whether that was because so many had passed as may.
fn pass(mut from: impl Read, mut to: impl Write, most: Option<usize>, slow: Option<usize>) -> bool {
    // A tenth of a second's worth.
    let mut buffer = vec![0; slow.map_or(16 << 10, |kilobytes| kilobytes * 100)];
    let mut left = most.unwrap_or(usize::MAX);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let count = count.min(left);
        left -= count;
        if slow.is_some() {
            thread::sleep(Duration::from_millis(100));
        }
        if to.write_all(&buffer[..count]).is_err() {
            return false;
        }
        if left == 0 {
            return true;
        }
    }
    false
}
