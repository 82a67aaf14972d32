//! Rows of transcripts.

use std::path::PathBuf;

/// A line of a made-up transcript.
#[derive(Clone)]
pub struct Row {
    pub session: &'static str,
    pub request: u32,
    pub time: String,
    pub output: u64,
    pub done: bool,
    pub model: &'static str,
}

impl Row {
    pub fn new(session: &'static str, request: u32, time: &str) -> Self {
        Self {
            session,
            request,
            time: time.to_owned(),
            output: 100 + u64::from(request),
            done: true,
            model: "claude-opus-4-8",
        }
    }

    pub fn output(self, output: u64) -> Self {
        Self { output, ..self }
    }

    pub fn open(self) -> Self {
        Self {
            done: false,
            ..self
        }
    }

    pub fn line(&self) -> String {
        let Self {
            session,
            request,
            time,
            output,
            done,
            model,
        } = self;
        let stop = if *done { "\"end_turn\"" } else { "null" };
        format!(
            "{{\"type\":\"assistant\",\"timestamp\":\"{time}\",\"sessionId\":\"{session}\",\"cwd\":\"/home/someone/work/shop\",\"requestId\":\"req_{request}\",\
             \"message\":{{\"id\":\"msg_01{request:022}\",\"model\":\"{model}\",\"stop_reason\":{stop},\"content\":[{{\"type\":\"text\",\"text\":\"the secret plan\"}}],\
             \"usage\":{{\"input_tokens\":10,\"output_tokens\":{output},\"cache_creation_input_tokens\":200,\"cache_read_input_tokens\":3000}}}}}}\n"
        )
    }
}

/// A transcript of `requests` one minute apart.
pub fn transcript(session: &'static str, requests: std::ops::Range<u32>) -> String {
    requests
        .map(|n| {
            Row::new(
                session,
                n,
                &format!("2026-03-10T{:02}:{:02}:00.000Z", 8 + n / 60, n % 60),
            )
            .line()
        })
        .collect()
}

/// The folder of real transcripts, where there is one.
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("CLAUDE_SYNC_TRANSCRIPTS")
        .map(PathBuf::from)
        .filter(|folder| folder.join("EXPECTED.json").is_file());
    if folder.is_none() {
        super::super::peers::missing(
            "transcripts",
            "CLAUDE_SYNC_TRANSCRIPTS names no folder with transcripts and EXPECTED.json",
        );
    }
    folder
}
