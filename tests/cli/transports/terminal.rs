//! Commands on a terminal of their own, by `script`: somebody sits there, and may answer.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::world::Ran;

/// How long a command may take before the test fails.
const LIMIT: Duration = Duration::from_mins(3);

/// Whether there is a `script` as Linux has it; says so where there is none.
pub fn there_is_one() -> bool {
    let said = Command::new("script")
        .arg("--version")
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let there = said.is_ok_and(|text| text.contains("util-linux"));
    if !there {
        crate::peers::missing("script", "there is no script (bsdutils)");
    }
    there
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Runs a command on a terminal. Each question that shows is answered once, in this order; one that nobody expects is never answered.
/// What is on the terminal is in `out`.
pub fn run(command: &Command, answers: &[(&str, &str)]) -> Ran {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    let mut script = Command::new("script");
    script
        .env_clear()
        .args(["-qefc", &line.join(" "), "/dev/null"]);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            script.env(name, value);
        }
    }
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("script starts");
    let (mut keyboard, mut screen) = (
        child.stdin.take().expect("piped"),
        child.stdout.take().expect("piped"),
    );
    let (send, shown) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            if send.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let (mut text, mut answers, end) = (String::new(), answers.iter(), Instant::now() + LIMIT);
    let mut next = answers.next();
    let mut from = 0;
    loop {
        match shown.recv_timeout(Duration::from_millis(200)) {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if let Some((question, answer)) = next
            && let Some(at) = text[from..].find(question)
        {
            from += at + question.len();
            let _ = writeln!(keyboard, "{answer}").and_then(|()| keyboard.flush());
            next = answers.next();
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("no end after {} s: {line:?}\n{text}", LIMIT.as_secs());
        }
    }
    let status = child.wait().expect("script ends");
    Ran {
        code: status.code().unwrap_or(-1),
        out: text.replace("\r\n", "\n"),
        err: String::new(),
    }
}
