//! What a report is made of: how Claude Code was started, which kinds of subagents worked, and whose output is a lower bound.

use serde_json::Value;

use crate::world::{Machine, Row, World};

/// A row with members of its own.
fn line(row: &Row, members: &str) -> String {
    row.line().replacen('{', &format!("{{{members},"), 1)
}

/// Output tokens by part, of a report split by `by`.
fn split(machine: &Machine, by: &str, args: &[&str]) -> Vec<(String, u64)> {
    let report = machine.report(&[&["daily", "--by", by], args].concat());
    let list = &report["daily"][0][format!("{by}Breakdowns")];
    let part = |part: &Value| {
        Some((
            part[by].as_str()?.to_owned(),
            part["outputTokens"].as_u64()?,
        ))
    };
    let mut all: Vec<_> = list
        .as_array()
        .expect("parts")
        .iter()
        .map(|one| part(one).expect("a part"))
        .collect();
    all.sort();
    all
}

fn named(all: &[(&str, u64)]) -> Vec<(String, u64)> {
    all.iter()
        .map(|(name, output)| ((*name).to_owned(), *output))
        .collect()
}

fn row(request: u32, output: u64) -> Row {
    Row::new(
        "s1",
        request,
        &format!("2026-03-10T08:00:{request:02}.000Z"),
    )
    .output(output)
}

#[test]
fn origins_and_subagents_are_told_apart_on_every_machine_and_by_known_words_alone() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let main = [
        line(&row(1, 1), r#""entrypoint":"cli","version":"2.1.219""#),
        line(
            &row(2, 2),
            r#""entrypoint":"claude-vscode","version":"2.1.219""#,
        ),
        line(
            &row(3, 4),
            r#""entrypoint":"secret-runner","attributionAgent":"secret-lead""#,
        ),
        row(4, 8).line(),
    ];
    ada.write(".claude/projects/p/s1.jsonl", &main.concat());
    let sidechain = |request, output, more: &str| {
        line(
            &row(request, output),
            &format!(r#""isSidechain":true,"entrypoint":"cli"{more}"#),
        )
    };
    let folder = ".claude/projects/p/s1/subagents";
    for (n, meta, more) in [
        (
            5,
            r#"{"agentType":"Explore","description":"secret task"}"#,
            "",
        ),
        (6, r#"{"agentType":"secret-agent"}"#, ""),
        (7, "", r#","attributionAgent":"Plan""#),
        (8, "not JSON", ""),
    ] {
        ada.write(
            &format!("{folder}/agent-a{n}.jsonl"),
            &sidechain(n, 1 << (n - 1), more),
        );
        if !meta.is_empty() {
            ada.write(&format!("{folder}/agent-a{n}.meta.json"), meta);
        }
    }
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    let origins = named(&[
        ("claude-vscode", 2),
        ("cli", 241),
        ("other", 4),
        ("unknown", 8),
    ]);
    let agents = named(&[
        ("Explore", 16),
        ("Plan", 64),
        ("custom", 32),
        ("main", 15),
        ("subagent", 128),
    ]);
    for args in [&[][..], &["--source=local"], &["--since", "2026-03-10"]] {
        assert_eq!(
            (split(&ada, "origin", args), split(&ada, "agent", args)),
            (origins.clone(), agents.clone()),
            "{args:?}"
        );
    }
    assert_eq!(
        (split(&bob, "origin", &[]), split(&bob, "agent", &[])),
        (origins, agents)
    );
    assert!(
        !world
            .stored(&world.path().join("remote.git"))
            .contains("secret"),
        "names of the user's own stay here"
    );
    insta::assert_snapshot!(bob.track(&["--by", "agent"]).out);
    ada.assert_sound();
}

#[test]
fn summary_only_keeps_origins_and_retention_takes_them_away() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &line(&row(1, 1), r#""entrypoint":"sdk-py","version":"2.1.219""#),
    );
    ada.init();
    ada.sync(&["config", "set", "summary_only", "true"]);
    ada.sync(&[]);
    assert_eq!(split(&ada, "origin", &[]), named(&[("sdk-py", 1)]));
    ada.sync(&["config", "set", "privacy_settings.retention_days", "30"]);
    ada.write(
        ".claude/projects/p/s2.jsonl",
        &Row::new("s2", 2, "2026-06-10T08:00:00.000Z").line(),
    );
    ada.sync_at("2026-06-10T12:00:00Z", &[]);
    // Retention counts from the last synced usage.
    ada.sync_at("2026-06-10T13:00:00Z", &[]);
    ada.assert_sound();
    assert_eq!(
        split(&ada, "origin", &["--until", "2026-05-01"]),
        named(&[("unknown", 1)])
    );
}

#[test]
fn what_an_older_program_synced_is_completed_from_the_transcripts_that_are_left() {
    let world = World::new();
    let ada = world.machine("ada");
    // A program before this one kept nothing of it: as if the lines did not have it.
    ada.write(".claude/projects/p/s1.jsonl", &row(1, 1).line());
    ada.init().sync(&[]);
    assert_eq!(split(&ada, "origin", &[]), named(&[("unknown", 1)]));
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &line(&row(1, 1), r#""entrypoint":"cli""#),
    );
    ada.sync(&[]);
    assert_eq!(split(&ada, "origin", &[]), named(&[("cli", 1)]));
    ada.write(".claude/projects/p/s1.jsonl", &row(1, 1).line());
    ada.sync(&[]);
    assert_eq!(
        split(&ada, "origin", &[]),
        named(&[("cli", 1)]),
        "and stays"
    );
    ada.assert_sound();
}

#[test]
fn a_lower_bound_is_stated_with_its_versions_and_only_where_it_matters() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let open = |request, version: &str, more: &str| {
        line(
            &row(request, 10).open(),
            &format!(r#""version":"{version}"{more}"#),
        )
    };
    let text =
        open(1, "2.1.59", "") + &open(2, "2.1.9", r#","isSidechain":true"#) + &row(3, 500).line();
    ada.write(".claude/projects/p/s1.jsonl", &text);
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    let want = "3% of output tokens are lower bounds: Claude Code 2.1.9 to 2.1.59 logged no final counts of 2 requests (1 by subagents) on 2026-03-10.";
    for machine in [&ada, &bob] {
        let table = machine.track(&[]).out.replace('\n', " ");
        assert!(table.contains(want), "{table}");
        let day = &machine.report(&[])["daily"][0];
        let lower = serde_json::json!({ "requests": 2, "subagentRequests": 1, "outputTokens": 20, "versions": "2.1.9 to 2.1.59" });
        assert_eq!(
            (&day["provisionalRequests"], &day["lowerBound"]),
            (&2.into(), &lower)
        );
    }
    // Less than a hundredth of the output.
    ada.write(
        ".claude/projects/p/s2.jsonl",
        &Row::new("s2", 9, "2026-03-10T09:00:00.000Z")
            .output(5000)
            .line(),
    );
    ada.sync(&[]);
    assert!(!ada.track(&[]).out.contains("lower bound"));
}
