//! Claude Code's `settings.json`: adds and removes our hooks, and keeps all other bytes.

use std::path::Path;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};

use crate::base::shell::program_path;

/// The events with a hook: the end of each session and of each answer.
pub(crate) const EVENTS: [&str; 2] = ["SessionEnd", "Stop"];

/// The end of our commands, by which they are recognized.
const OURS: &str = " auto hook";

/// The timeout of the hook, in seconds. It needs a few milliseconds.
const TIMEOUT: &str = "10";

/// The option of the hook at the end of a session on machines that may go away next.
pub(crate) const LAST: &str = " --last";

/// The timeout of the hook with that option, in seconds: the maximum at the end of a session.
const LAST_TIMEOUT: &str = "60";

/// The command and the timeout of the hook of an event.
fn call(event: &str, command: &str, last: bool) -> (String, &'static str) {
    if last && event == EVENTS[0] {
        (format!("{command}{LAST}"), LAST_TIMEOUT)
    } else {
        (command.to_owned(), TIMEOUT)
    }
}

/// Whether a command is one of our hooks.
fn is_ours(command: &str) -> bool {
    command
        .strip_suffix(LAST)
        .unwrap_or(command)
        .ends_with(OURS)
}

/// The command of the hooks. On Windows Claude Code runs it in git's shell or in `cmd`: both read
/// double quotes, and `/` in a path.
pub(crate) fn command(program: &Path) -> String {
    format!("{}{OURS}", quoted(program))
}

/// A program's path as Claude Code's shell reads it.
pub(crate) fn quoted(program: &Path) -> String {
    let path = program_path(program);
    if cfg!(windows) {
        format!("\"{path}\"")
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// The settings with our hooks, or `None` if they have them already. The error is the reason.
/// `last`: at the end of a session Claude Code waits for the sync.
pub(crate) fn with_hooks(text: &str, command: &str, last: bool) -> Result<Option<String>, String> {
    let (mark, body) = split_mark(text);
    let root = parse(if body.trim().is_empty() { "{}\n" } else { body })?;
    let object = root.object_value().ok_or("it is no JSON object")?;
    if EVENTS
        .iter()
        .all(|event| commands(&object, event).contains(&call(event, command, last).0))
    {
        return Ok(None);
    }
    // Hooks with an earlier path of the program.
    remove(&object, false);
    let hooks = object
        .object_value_or_create("hooks")
        .ok_or("\"hooks\" is no object")?;
    for event in EVENTS {
        let groups = hooks
            .array_value_or_create(event)
            .ok_or_else(|| format!("\"hooks.{event}\" is no array"))?;
        let (command, timeout) = call(event, command, last);
        let entry = CstInputValue::Object(vec![
            (
                "type".to_owned(),
                CstInputValue::String("command".to_owned()),
            ),
            ("command".to_owned(), CstInputValue::String(command)),
            (
                "timeout".to_owned(),
                CstInputValue::Number(timeout.to_owned()),
            ),
        ]);
        let group = CstInputValue::Object(vec![(
            "hooks".to_owned(),
            CstInputValue::Array(vec![entry]),
        )]);
        groups.ensure_multiline();
        groups.append(group);
    }
    Ok(Some(format!("{mark}{root}")))
}

/// The settings without our hooks, or `None` if there are none.
pub(crate) fn without_hooks(text: &str) -> Result<Option<String>, String> {
    let (mark, body) = split_mark(text);
    if body.trim().is_empty() {
        return Ok(None);
    }
    let root = parse(body)?;
    let Some(object) = root.object_value() else {
        return Ok(None);
    };
    Ok(remove(&object, true).then(|| format!("{mark}{root}")))
}

/// Whether the settings have our hooks.
pub(crate) fn has_hooks(text: &str) -> bool {
    let root = parse(split_mark(text).1);
    let object = root.ok().and_then(|root| root.object_value());
    object.is_some_and(|object| {
        EVENTS
            .iter()
            .any(|event| commands(&object, event).iter().any(|there| is_ours(there)))
    })
}

/// Whether the settings disable all hooks.
pub(crate) fn disables_hooks(text: &str) -> bool {
    let root = parse(split_mark(text).1).ok();
    let value = root.and_then(|root| {
        root.object_value()?
            .get("disableAllHooks")?
            .value()?
            .as_boolean_lit()
    });
    value.is_some_and(|value| value.value())
}

/// The number of days after which Claude Code deletes transcripts, if these settings set it.
pub(crate) fn cleanup_days(text: &str) -> Option<u64> {
    let root = parse(split_mark(text).1).ok()?;
    let value = root.object_value()?.get("cleanupPeriodDays")?.value()?;
    value.as_number_lit()?.to_string().parse().ok()
}

/// A byte order mark, which some editors write, and the rest.
pub(crate) fn split_mark(text: &str) -> (&str, &str) {
    text.strip_prefix('\u{feff}')
        .map_or(("", text), |rest| ("\u{feff}", rest))
}

/// The settings as a tree that keeps all bytes. The error is the reason.
pub(crate) fn parse(text: &str) -> Result<CstRootNode, String> {
    // As Claude Code parses it, but comments and trailing commas are allowed.
    let options = ParseOptions {
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        ..ParseOptions::default()
    };
    CstRootNode::parse(text, &options).map_err(|error| format!("it is not valid JSON: {error}"))
}

/// The groups of an event, each with its commands.
fn groups(object: &CstObject, event: &str) -> Vec<(CstNode, Vec<(CstNode, String)>)> {
    let array = object
        .object_value("hooks")
        .and_then(|hooks| hooks.array_value(event));
    let entries = |group: &CstNode| -> Vec<(CstNode, String)> {
        let list = group
            .as_object()
            .and_then(|group| group.array_value("hooks"));
        let all = list.map(|list| list.elements()).unwrap_or_default();
        let command = |entry: &CstNode| {
            entry
                .as_object()?
                .get("command")?
                .value()?
                .as_string_lit()?
                .decoded_value()
                .ok()
        };
        all.into_iter()
            .filter_map(|entry| command(&entry).map(|command| (entry, command)))
            .collect()
    };
    let all = array.map(|array| array.elements()).unwrap_or_default();
    all.into_iter()
        .map(|group| (group.clone(), entries(&group)))
        .collect()
}

fn commands(object: &CstObject, event: &str) -> Vec<String> {
    groups(object, event)
        .into_iter()
        .flat_map(|(_, entries)| entries)
        .map(|(_, command)| command)
        .collect()
}

/// Removes our entries; with `empty` also what is empty without them. Returns whether there were
/// any.
fn remove(object: &CstObject, empty: bool) -> bool {
    let mut any = false;
    for event in EVENTS {
        let found = remove_entries(object, event);
        if found && empty {
            remove_empty_event(object, event);
        }
        any |= found;
    }
    let hooks = object.get("hooks").filter(|_| any && empty);
    if let Some(hooks) = hooks.filter(|hooks| {
        hooks
            .object_value()
            .is_some_and(|hooks| hooks.properties().is_empty())
    }) {
        hooks.remove();
    }
    any
}

/// Removes our entries of an event, and groups that are empty without them. Returns whether there
/// were any.
fn remove_entries(object: &CstObject, event: &str) -> bool {
    let mut any = false;
    for (group, entries) in groups(object, event) {
        let ours: Vec<CstNode> = entries
            .into_iter()
            .filter(|(_, command)| is_ours(command))
            .map(|(entry, _)| entry)
            .collect();
        if ours.is_empty() {
            continue;
        }
        any = true;
        ours.into_iter().for_each(CstNode::remove);
        let has_others = group
            .as_object()
            .and_then(|group| group.array_value("hooks"))
            .is_some_and(|list| !list.elements().is_empty());
        if !has_others {
            group.remove();
        }
    }
    any
}

/// Removes an event without groups.
fn remove_empty_event(object: &CstObject, event: &str) {
    let property = object
        .object_value("hooks")
        .and_then(|hooks| hooks.get(event));
    let is_empty = property.as_ref().is_some_and(|property| {
        property
            .array_value()
            .is_some_and(|list| list.elements().is_empty())
    });
    if let Some(property) = property.filter(|_| is_empty) {
        property.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "'/opt/claude-sync' auto hook";

    #[test]
    fn hooks_go_in_and_out_beside_those_of_others() {
        for text in [
            "",
            "{}",
            "{}\n",
            "{\n  \"model\": \"opus\"\n}\n",
            "{\"z\":1,\"a\":[1,2,{\"b\":null}]}",
            "{\n    \"hooks\": {\n        \"Stop\": [\n            {\n                \"hooks\": [\n                    {\"type\": \"command\", \"command\": \"echo done\"}\n                ]\n            }\n        ]\n    },\n    \"model\": \"opus\"\n}\n",
            "{\n\t// mine\n\t\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": []}]},\n}\n",
            "\u{feff}{\r\n  \"model\": \"opus\"\r\n}\r\n",
        ] {
            let with = with_hooks(text, COMMAND, false)
                .expect("valid")
                .expect("changed");
            assert!(has_hooks(&with) && !has_hooks(text), "{with}");
            assert_eq!(
                with_hooks(&with, COMMAND, false),
                Ok(None),
                "once is enough"
            );
            let moved = with_hooks(&with, "'/elsewhere/claude-sync' auto hook", false)
                .expect("valid")
                .expect("changed");
            assert_eq!(moved.matches(OURS).count(), 2, "{moved}");
            let without = without_hooks(&with).expect("valid").expect("changed");
            assert!(!without.contains("claude-sync"), "{without}");
            let value = |text: &str| {
                parse(split_mark(if text.is_empty() { "{}" } else { text }).1).expect("valid")
            };
            assert_eq!(
                compact(&value(&without)),
                compact(&value(text)),
                "{without}"
            );
            assert_eq!(without_hooks(text), Ok(None));
        }
    }

    /// Settings without white space.
    fn compact(root: &CstRootNode) -> String {
        let text: String = root.to_string();
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn what_is_no_settings_file_is_left_alone() {
        for (text, reason) in [
            ("[1]", "no JSON object"),
            ("{\"hooks\": 3}", "\"hooks\" is no object"),
            ("{\"hooks\": {\"Stop\": {}}}", "\"hooks.Stop\" is no array"),
            ("{\"a\": ", "not valid JSON"),
            ("{'a': 1}", "not valid JSON"),
        ] {
            let error = with_hooks(text, COMMAND, false).expect_err("refused");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_session_that_ends_waits_where_the_machine_may_go_away() {
        let with = with_hooks("{}", COMMAND, true)
            .expect("valid")
            .expect("changed");
        let json: serde_json::Value = serde_json::from_str(&with).expect("JSON");
        let entry = |event: &str| json["hooks"][event][0]["hooks"][0].clone();
        assert_eq!(
            (
                entry("SessionEnd")["command"].as_str(),
                entry("SessionEnd")["timeout"].as_u64()
            ),
            (Some("'/opt/claude-sync' auto hook --last"), Some(60))
        );
        assert_eq!(
            (
                entry("Stop")["command"].as_str(),
                entry("Stop")["timeout"].as_u64()
            ),
            (Some(COMMAND), Some(10))
        );
        assert!(
            has_hooks(&with) && with_hooks(&with, COMMAND, true) == Ok(None),
            "once is enough"
        );
        // Other machines do not wait.
        let stays = with_hooks(&with, COMMAND, false)
            .expect("valid")
            .expect("changed");
        assert!(
            !stays.contains(LAST) && stays.matches("auto hook").count() == 2,
            "{stays}"
        );
        assert!(
            without_hooks(&with)
                .expect("valid")
                .is_some_and(|text| !text.contains("auto hook"))
        );
    }

    #[test]
    fn the_days_after_which_transcripts_go() {
        assert_eq!(cleanup_days("{\"cleanupPeriodDays\": 7}"), Some(7));
        assert_eq!(cleanup_days("{\"cleanupPeriodDays\": \"7\"}"), None);
        assert_eq!(cleanup_days("{}"), None);
        assert_eq!(cleanup_days("nonsense"), None);
    }
}
