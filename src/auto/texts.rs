//! The files of each scheduler. Pure functions, so that tests can show them on any system.

use super::job::Job;
use crate::base::encode::xml;

/// The comment in each file.
const NOTE: &str = "Written by claude-sync auto enable; claude-sync auto disable removes it.";

/// A systemd service, and the timer that starts it.
pub(crate) fn systemd(job: &Job) -> (String, String) {
    let variables = variables(job, |name, value| {
        format!("Environment=\"{}\"\n", unit(&format!("{name}={value}")))
    });
    let service = format!(
        "\
# {NOTE}
[Unit]
Description=Sync Claude Code usage records

[Service]
Type=oneshot
ExecStart=\"{}\" auto run --trigger timer
{variables}Nice=10
IOSchedulingClass=idle
TimeoutStartSec=30min
# Another run is going on; the remote was not reached.
SuccessExitStatus=3 7
",
        // `$` begins a variable in commands, not in `Environment`.
        unit(&job.program).replace('$', "$$")
    );
    let timer = format!(
        "\
# {NOTE}
[Unit]
Description=Sync Claude Code usage records every hour

[Timer]
OnCalendar=*-*-* *:{:02}:00
RandomizedDelaySec=5min
Persistent=true

[Install]
WantedBy=timers.target
",
        job.minute
    );
    (service, timer)
}

/// A text inside quotes in a unit file, where `%` begins a specifier.
fn unit(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
}

/// The environment of a launchd agent; empty if the job has no variables. `PATH` of launchd has
/// neither Homebrew's programs nor the user's own.
fn launchd_environment(job: &Job) -> String {
    let line = |name: &str, value: &str| {
        let (name, value) = (xml(name), xml(value));
        format!("    <key>{name}</key>\n    <string>{value}</string>\n")
    };
    let mut variables = variables(job, line);
    if !job.path.is_empty() {
        variables.push_str(&line("PATH", &job.path));
    }
    if variables.is_empty() {
        return String::new();
    }
    format!("  <key>EnvironmentVariables</key>\n  <dict>\n{variables}  </dict>\n")
}

/// A launchd agent.
pub(crate) fn launchd(job: &Job) -> String {
    let environment = launchd_environment(job);
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<!-- {NOTE} -->
<plist version=\"1.0\">
<dict>
  <key>Label</key>
  <string>{}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{}</string>
    <string>auto</string>
    <string>run</string>
    <string>--trigger</string>
    <string>timer</string>
  </array>
{environment}  <key>StartCalendarInterval</key>
  <dict>
    <key>Minute</key>
    <integer>{}</integer>
  </dict>
  <key>ProcessType</key>
  <string>Background</string>
  <key>LowPriorityIO</key>
  <true/>
</dict>
</plist>
",
        Job::NAME,
        xml(&job.program),
        job.minute
    )
}

/// The end of the job's line in a crontab, by which it is found.
pub(crate) const CRON_MARK: &str = "# claude-sync auto";

/// The job's line of a crontab.
pub(crate) fn cron(job: &Job) -> String {
    // `%` ends the command in a crontab.
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''")).replace('%', "\\%");
    let variables = variables(job, |name, value| format!("{name}={} ", quoted(value)));
    format!(
        "{} * * * * {variables}{} auto run --trigger timer >/dev/null 2>&1 {CRON_MARK}\n",
        job.minute,
        quoted(&job.program)
    )
}

/// A task of the Task Scheduler of Windows. The program gets a console without a window: otherwise
/// one would open every hour.
pub(crate) fn task(job: &Job) -> String {
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-16\"?>
<!-- {NOTE} -->
<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">
  <Triggers>
    <TimeTrigger>
      <StartBoundary>2026-01-01T00:{:02}:00</StartBoundary>
      <Repetition>
        <Interval>PT1H</Interval>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <StartWhenAvailable>true</StartWhenAvailable>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <Hidden>true</Hidden>
  </Settings>
  <Actions>
    <Exec>
      <Command>conhost.exe</Command>
      <Arguments>--headless &quot;{}&quot; auto run --trigger timer</Arguments>
    </Exec>
  </Actions>
</Task>
",
        job.minute,
        xml(&job.program)
    )
}

/// The job's variables, each written by `line` from its name and value.
fn variables(job: &Job, line: impl Fn(&str, &str) -> String) -> String {
    job.variables
        .iter()
        .fold(String::new(), |text, (name, value)| {
            text + &line(name, value)
        })
}
