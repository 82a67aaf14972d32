//! Claude Code's `settings.json`: adds and removes our status line, and keeps one of the user's
//! own.

use std::path::Path;

use jsonc_parser::cst::{CstInputValue, CstObject};

use super::claude::{parse, quoted, split_mark};

/// The setting's name.
const SETTING: &str = "statusLine";

/// The end of our command, by which it is recognized. Options may follow.
const OURS: &str = "statusline";

/// The status line that settings have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusLine {
    /// None.
    Missing,
    /// Our command, with the user's options, as `init` writes it.
    Ours(String),
    /// Another one: its command, or the value as JSON.
    Other(String),
}

/// The command of the status line. `program`: the path of `claude-usage-tracker`.
pub(crate) fn command(program: &Path) -> String {
    format!("{} {OURS}", quoted(program))
}

/// The status line of these settings; `Missing` if they are no JSON object.
pub(crate) fn find(text: &str) -> StatusLine {
    let root = parse(split_mark(text).1).ok();
    let object = root.and_then(|root| root.object_value());
    object.map_or(StatusLine::Missing, |object| find_in(&object))
}

fn find_in(object: &CstObject) -> StatusLine {
    let Some(value) = object.get(SETTING).and_then(|setting| setting.value()) else {
        return StatusLine::Missing;
    };
    if value.as_null_keyword().is_some() {
        return StatusLine::Missing;
    }
    let command = value
        .as_object()
        .and_then(|line| line.get("command")?.value()?.as_string_lit())
        .and_then(|command| command.decoded_value().ok());
    match command {
        Some(command) if options(&command).is_some() => StatusLine::Ours(command),
        Some(command) => StatusLine::Other(command),
        None => StatusLine::Other(value.to_string()),
    }
}

/// The options behind our command; `None` for any other command. The program's path is quoted as
/// [`command`] quotes it: a command that the user wrote by hand is the user's.
fn options(command: &str) -> Option<&str> {
    let (quote, rest) = match command.strip_prefix('\'') {
        Some(rest) => ("' ", rest),
        None => ("\" ", command.strip_prefix('"')?),
    };
    let (program, rest) = rest.split_once(&format!("{quote}{OURS}"))?;
    let program = program.strip_suffix(".exe").unwrap_or(program);
    let is_ours = program.ends_with("claude-usage-tracker");
    (is_ours && (rest.is_empty() || rest.starts_with(' '))).then_some(rest)
}

/// The settings with our status line. `None` if they have one: ours with this path, or another one,
/// which stays. The error is the reason.
pub(crate) fn with_status_line(text: &str, command: &str) -> Result<Option<String>, String> {
    let (mark, body) = split_mark(text);
    let root = parse(if body.trim().is_empty() { "{}\n" } else { body })?;
    let object = root.object_value().ok_or("it is no JSON object")?;
    let command = match find_in(&object) {
        StatusLine::Other(_) => return Ok(None),
        StatusLine::Missing => command.to_owned(),
        // An earlier path of the program.
        StatusLine::Ours(there) => {
            let wanted = format!("{command}{}", options(&there).unwrap_or_default());
            if there == wanted {
                return Ok(None);
            }
            wanted
        }
    };
    let text = CstInputValue::String;
    let setting = object.object_value_or_set(SETTING);
    for (name, value) in [("type", "command".to_owned()), ("command", command)] {
        match setting.get(name) {
            Some(member) => member.set_value(text(value)),
            None => drop(setting.append(name, text(value))),
        }
    }
    Ok(Some(format!("{mark}{root}")))
}

/// The settings without our status line, or `None` if they have none of ours.
pub(crate) fn without_status_line(text: &str) -> Result<Option<String>, String> {
    let (mark, body) = split_mark(text);
    if body.trim().is_empty() {
        return Ok(None);
    }
    let root = parse(body)?;
    let object = root.object_value();
    let ours = object.filter(|object| matches!(find_in(object), StatusLine::Ours(_)));
    let Some(setting) = ours.and_then(|object| object.get(SETTING)) else {
        return Ok(None);
    };
    setting.remove();
    Ok(Some(format!("{mark}{root}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "'/opt/claude-usage-tracker' statusline";

    #[test]
    fn the_line_goes_in_and_out_and_another_one_stays() {
        for text in [
            "{}",
            "{\n  \"model\": \"opus\"\n}\n",
            "\u{feff}{\r\n  \"model\": \"opus\"\r\n}\r\n",
            "{\n\t// mine\n\t\"hooks\": {},\n}\n",
        ] {
            let with = with_status_line(text, COMMAND).expect("valid");
            let with = with.expect("changed");
            assert_eq!(find(&with), StatusLine::Ours(COMMAND.to_owned()));
            assert_eq!(with_status_line(&with, COMMAND), Ok(None), "once is enough");
            let without = without_status_line(&with).expect("valid").expect("changed");
            let bare = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(bare(&without), bare(text));
        }
        for other in [
            "{\"statusLine\": {\"type\": \"command\", \"command\": \"ccusage statusline\"}}",
            "{\"statusLine\": {\"type\": \"command\", \"command\": \"claude-usage-tracker statusline\"}}",
            "{\"statusLine\": {\"type\": \"command\", \"command\": \"'/a/claude-usage-tracker' statuslines\"}}",
            "{\"statusLine\": 3}",
        ] {
            assert!(matches!(find(other), StatusLine::Other(_)), "{other}");
            assert_eq!(with_status_line(other, COMMAND), Ok(None));
            assert_eq!(without_status_line(other), Ok(None));
        }
    }

    #[test]
    fn a_moved_program_keeps_the_options() {
        let text = "{\"statusLine\": {\"type\": \"command\", \"command\": \"'/old/claude-usage-tracker' statusline --format '{ctx}'\", \"padding\": 0}}";
        let with = with_status_line(text, COMMAND).expect("valid");
        let with = with.expect("changed");
        assert_eq!(with, text.replace("/old/", "/opt/"));
    }

    #[test]
    fn settings_that_are_no_object_stay() {
        assert!(with_status_line("[1]", COMMAND).is_err());
        assert_eq!(find("[1]"), StatusLine::Missing);
        assert_eq!(without_status_line(""), Ok(None));
        let null = with_status_line("{\"statusLine\": null}", COMMAND).expect("valid");
        assert_eq!(
            find(&null.expect("changed")),
            StatusLine::Ours(COMMAND.to_owned())
        );
    }
}
