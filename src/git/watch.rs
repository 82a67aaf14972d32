//! Running a program that talks to a network: it is cut off when it prints nothing for too long.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long the pipes of a program that has ended are still read: a helper that it left in the
/// background may hold them open.
const GRACE: Duration = Duration::from_millis(500);

/// How often it is asked whether the program has ended.
const LOOK: Duration = Duration::from_millis(100);

/// How a watched program ended.
#[derive(Debug)]
pub(crate) enum Watched {
    /// By itself.
    Ended(Output),
    /// It was silent for too long and was ended, with its children.
    CutOff,
}

/// Runs `command` to its end, or until it has written nothing for `silence`.
///
/// `alone`: the program gets a process group of its own, so that its children end with it. Not
/// where somebody may have to answer its questions: a group in the background cannot read from the
/// terminal.
///
/// `seen` gets what it writes to standard error, as it comes.
pub(crate) fn output(
    mut command: Command,
    silence: Duration,
    alone: bool,
    seen: &mut dyn FnMut(&[u8]),
) -> io::Result<Watched> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    if alone {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn()?;
    let receiver = pipes(&mut child);
    let Some([stdout, stderr]) = read(&mut child, &receiver, silence, seen)? else {
        end(&mut child, alone);
        return Ok(Watched::CutOff);
    };
    Ok(Watched::Ended(Output {
        status: child.wait()?,
        stdout,
        stderr,
    }))
}

/// Reads both outputs of a program until it has ended; none where it is silent for too long before
/// that.
fn read(
    child: &mut Child,
    receiver: &Receiver<(usize, Vec<u8>)>,
    silence: Duration,
    seen: &mut dyn FnMut(&[u8]),
) -> io::Result<Option<[Vec<u8>; 2]>> {
    let mut texts = [Vec::new(), Vec::new()];
    let (mut heard, mut ended) = (Instant::now(), None);
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok((which, bytes)) => {
                if which == 1 {
                    seen(&bytes);
                }
                texts[which].extend_from_slice(&bytes);
                heard = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(Some(texts)),
            Err(RecvTimeoutError::Timeout) => {
                ended = match ended {
                    None => child.try_wait()?.map(|_| Instant::now()),
                    since => since,
                };
                if ended.is_some_and(|since: Instant| since.elapsed() > GRACE) {
                    return Ok(Some(texts));
                }
                if ended.is_none() && heard.elapsed() > silence {
                    return Ok(None);
                }
            }
        }
    }
}

/// What a program writes, as it comes: 0 for standard output, 1 for standard error, and the bytes.
fn pipes(child: &mut Child) -> Receiver<(usize, Vec<u8>)> {
    let (sender, receiver) = channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for (which, pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        pipe.map(|pipe| std::thread::spawn(move || forward(which, pipe, &sender)));
    }
    receiver
}

fn forward(which: usize, mut pipe: Box<dyn Read + Send>, sender: &Sender<(usize, Vec<u8>)>) {
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        if sender.send((which, buffer[..count].to_vec())).is_err() {
            break;
        }
    }
}

fn end(child: &mut Child, alone: bool) {
    #[cfg(unix)]
    if alone
        && let Some(group) = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        std::thread::sleep(LOOK);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(windows)]
    if alone {
        let _ = tree_killer(child.id()).output();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The command that ends a program of Windows with all that it started: there it has no group.
#[cfg(any(windows, test))]
fn tree_killer(id: u32) -> Command {
    let mut command = Command::new("taskkill");
    command
        .args(["/F", "/T", "/PID", &id.to_string()])
        .stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_windows_what_a_program_started_ends_with_it() {
        let command = tree_killer(42);
        let args: Vec<&str> = command.get_args().filter_map(|arg| arg.to_str()).collect();
        assert_eq!(command.get_program(), "taskkill");
        assert_eq!(args, ["/F", "/T", "/PID", "42"]);
    }
}
