//! The texts that tell a system to run something every hour. Pure functions: what cannot run here can be read here.

use super::schedule::Job;

const NOTE: &str = "Written by claude-sync auto enable; claude-sync auto disable removes it.";

/// A systemd service, and the timer that starts it.
pub fn systemd(job: &Job) -> (String, String) {
    // In unit files, `%` begins a specifier.
    let quoted = |text: &str| {
        format!(
            "\"{}\"",
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('%', "%%")
                .replace('$', "$$")
        )
    };
    let environment = |text: &str| {
        format!(
            "\"{}\"",
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('%', "%%")
        )
    };
    let variables = variables(job, |name, value| {
        format!("Environment={}\n", environment(&format!("{name}={value}")))
    });
    let service = format!(
        "# {NOTE}\n[Unit]\nDescription=Sync Claude Code usage records\n\n[Service]\nType=oneshot\nExecStart={} auto run --trigger timer\n{variables}Nice=10\nIOSchedulingClass=idle\nTimeoutStartSec=30min\n# Another run is going on; the remote was not reached.\nSuccessExitStatus=3 7\n",
        quoted(&job.program)
    );
    let timer = format!(
        "# {NOTE}\n[Unit]\nDescription=Sync Claude Code usage records every hour\n\n[Timer]\nOnCalendar=*-*-* *:{:02}:00\nRandomizedDelaySec=5min\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
        job.minute
    );
    (service, timer)
}

/// A launchd agent.
pub fn launchd(job: &Job) -> String {
    let variables = variables(job, |name, value| {
        format!(
            "    <key>{}</key>\n    <string>{}</string>\n",
            xml(name),
            xml(value)
        )
    });
    let environment = if variables.is_empty() {
        String::new()
    } else {
        format!("  <key>EnvironmentVariables</key>\n  <dict>\n{variables}  </dict>\n")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<!-- {NOTE} -->\n<plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{}</string>\n  <key>ProgramArguments</key>\n  <array>\n    <string>{}</string>\n    <string>auto</string>\n    <string>run</string>\n    <string>--trigger</string>\n    <string>timer</string>\n  </array>\n{environment}  <key>StartCalendarInterval</key>\n  <dict>\n    <key>Minute</key>\n    <integer>{}</integer>\n  </dict>\n  <key>ProcessType</key>\n  <string>Background</string>\n  <key>LowPriorityIO</key>\n  <true/>\n</dict>\n</plist>\n",
        Job::NAME,
        xml(&job.program),
        job.minute
    )
}

/// How a line of ours ends in a crontab.
pub const CRON_MARK: &str = "# claude-sync auto";

/// A line for `crontab`.
pub fn cron(job: &Job) -> String {
    // `%` ends the command in a crontab.
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''")).replace('%', "\\%");
    let variables = variables(job, |name, value| format!("{name}={} ", quoted(value)));
    format!(
        "{} * * * * {variables}{} auto run --trigger timer >/dev/null 2>&1 {CRON_MARK}\n",
        job.minute,
        quoted(&job.program)
    )
}

/// A task for the Task Scheduler of Windows.
pub fn task(job: &Job) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<!-- {NOTE} -->\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n  <Triggers>\n    <TimeTrigger>\n      <StartBoundary>2026-01-01T00:{:02}:00</StartBoundary>\n      <Repetition>\n        <Interval>PT1H</Interval>\n      </Repetition>\n    </TimeTrigger>\n  </Triggers>\n  <Settings>\n    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n    <StartWhenAvailable>true</StartWhenAvailable>\n    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n    <Hidden>true</Hidden>\n  </Settings>\n  <Actions>\n    <Exec>\n      <Command>{}</Command>\n      <Arguments>auto run --trigger timer</Arguments>\n    </Exec>\n  </Actions>\n</Task>\n",
        job.minute,
        xml(&job.program)
    )
}

fn variables(job: &Job, line: impl Fn(&str, &str) -> String) -> String {
    job.variables
        .iter()
        .fold(String::new(), |text, (name, value)| {
            text + &line(name, value)
        })
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
