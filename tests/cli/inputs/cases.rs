//! Inputs as people have them.

use super::{Inputs, row, used};

/// Ids of messages as endpoints make them.
const IDS: [(&str, &str); 12] = [
    ("openai", "chatcmpl-BxK2q9vPz7TfLw4mNcR1sYdH"),
    ("openrouter", "gen-1763459021-Qk2vXw9LrT5yBn8cZd4p"),
    ("uuid", "7d3f0c1e-52ab-4c6e-9f10-8a2b6c4d9e35"),
    ("msg-uuid", "msg_7d3f0c1e52ab4c6e9f108a2b6c4d9e35"),
    ("msg-millis", "msg_1773129600123"),
    ("glm", "msg_202603101600001a2b3c4d5e6f7a8b"),
    ("bedrock", "msg_bdrk_01QXzR7kVbTn4hWc9YpL2mJd"),
    ("vertex", "msg_vrtx_01QXzR7kVbTn4hWc9YpL2mJd"),
    ("kimi", "msg_C5ehuV9sQfMxwZt2pLkN7RbG"),
    ("minimax", "05d2f1c8e4b7a90f3c6d8e1b2a4f5c70"),
    ("deepseek", "e1c2a0b4-9d7f-4e3a-8b56-0f1c2d3e4a5b"),
    ("resp", "resp_68f2c0a1b4d87e359c6f0a2b1d4e8c73"),
];

/// Endpoints without request ids: one message in blocks, seconds apart.
pub(super) fn identities(all: &mut Inputs) {
    for (name, id) in IDS {
        let rows = [
            row(1, id, "{\"input_tokens\":0,\"output_tokens\":0}").open(),
            row(3, id, &used(1000, 40)).open(),
            row(6, id, &used(1000, 90)),
        ]
        .map(|row| row.line(&format!("a-{name}"), "2026-03-10"));
        all.add(&format!("a-{name}"), &[], (1, 90, Some("0.00725")));
        all.0.last_mut().expect("one").files[0].1 = rows.to_vec();
    }
    // Ids that say nothing: local counters and mocks.
    let (ten, two) = (used(1000, 10), used(1000, 20));
    all.add(
        "a-short-uuids",
        &[row(1, "msg_1", &ten), row(2, "msg_1", &two)],
        (1, 20, Some("0.0055")),
    );
    all.add(
        "a-short-other",
        &[row(1, "msg_1", &ten), row(2, "msg_2", &two)],
        (2, 30, Some("0.01075")),
    );
    all.add(
        "a-empty",
        &[row(1, "", &ten), row(2, "", &two)],
        (2, 30, Some("0.01075")),
    );
    all.add(
        "a-zeros",
        &[
            row(1, "msg_00000000000000000000", &ten),
            row(2, "msg_00000000000000000001", &two),
        ],
        (2, 30, Some("0.01075")),
    );
    // Some rows of a message with a request id, some without.
    let request = "\"requestId\":\"req_011CSHoEeqs5C35K2UUqR7Fy\",";
    let other = "\"requestId\":\"req_011CSHoEeqs5C35K2UUqR7Fz\",";
    let id = |n: u32| format!("msg_01QXzR7kVbTn4hWc9YpL2m{n:02}");
    let cases: [(&str, [&str; 2]); 4] = [
        ("first", [request, ""]),
        ("last", ["", request]),
        ("both", [request, request]),
        ("changed", [request, other]),
    ];
    for (n, (name, with)) in cases.into_iter().enumerate() {
        let id = id(u32::try_from(n).expect("small"));
        all.add(
            &format!("b-{name}"),
            &[
                row(1, &id, &ten).more(with[0]).open(),
                row(2, &id, &two).more(with[1]),
            ],
            (1, 20, Some("0.0055")),
        );
    }
    all.add(
        "b-short",
        &[
            row(1, "msg_9", &ten).more(request),
            row(2, "msg_9", &two).more(other),
        ],
        (2, 30, Some("0.01075")),
    );
}

/// Names of models, and prices.
pub(super) fn names(all: &mut Inputs) {
    let use_ = used(1000, 100);
    for (n, (model, cost)) in [
        ("anthropic/claude-sonnet-4.5", Some("0.0045")),
        ("claude-opus-4.8", Some("0.0075")),
        ("claude-sonnet-4-5-20250929-thinking", Some("0.0045")),
        ("claude-opus-4-8-latest", Some("0.0075")),
        ("claude-sonnet-4-5@default", Some("0.0045")),
        ("openrouter/anthropic/claude-opus-4.8", Some("0.0075")),
        ("vertex_ai/claude-haiku-4-5@20251001", Some("0.0015")),
        ("claude-opus-4-8[1m]", Some("0.0075")),
        ("claude-opus-99", None),
        ("claudette-opus-4-8", None),
        ("glm-5.1", Some("0.00184")),
        // OpenRouter has a price of its own.
        ("z-ai/glm-5.1", Some("0.0012696")),
        ("claude-fable-5-2", Some("0.012")),
        ("gpt-unheard-of", None),
        ("secret-model-of-mine", Some("0.00065")),
        // Regional profiles from 4.5 on cost a tenth more.
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some("0.00495")),
        ("eu.anthropic.claude-opus-4-8", Some("0.00825")),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", Some("0.0045")),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", Some("0.0045")),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some("0.00495")),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0", Some("0.0045")),
        ("arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-4-8", Some("0.0075")),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6", None),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("msg_01Names7kVbTn4hWc9Yp{n:02}");
        all.add(&format!("d-{n:02}"), &[row(1, &id, &use_).model(model)], (1, 100, cost));
    }
    for (n, (day, input, cost)) in [
        ("2026-03-12", 200_001, "2.01126"),
        ("2026-03-12", 200_000, "1.0075"),
        ("2026-03-13", 200_001, "1.007505"),
        ("2026-11-01", 900_000, "4.5075"),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, use_) = (format!("msg_01Tiers7kVbTn4hWc9Yp{n:02}"), used(input, 300));
        all.add_on(
            &format!("n-{n}"),
            day,
            &[row(1, &id, &use_).model("claude-opus-4-6")],
            (1, 300, Some(cost)),
        );
    }
}

/// Iterations, and finished rows in a subagent's file.
pub(super) fn rows(all: &mut Inputs) {
    let with = |name: &str, iterations: &str| {
        (
            format!("msg_01Iter{name}7kVbTn4hWc9Y"),
            format!(
                "{{\"input_tokens\":1000,\"output_tokens\":100,\"iterations\":[{iterations}]}}"
            ),
        )
    };
    let sonnet = "\"model\":\"claude-sonnet-4-5\"";
    for (name, iterations, expected) in [
        (
            "part",
            "{\"type\":\"message\",\"output_tokens\":60},{\"type\":\"message\",\"output_tokens\":40}".to_owned(),
            (1, 100, Some("0.0075")),
        ),
        ("fallback", format!("{{\"type\":\"message\",{sonnet},\"input_tokens\":1000,\"output_tokens\":50}}"), (2, 150, Some("0.01125"))),
        ("declined", format!("{{\"type\":\"message\",{sonnet},\"input_tokens\":1000,\"output_tokens\":0}}"), (1, 100, Some("0.0075"))),
        ("compaction", "{\"type\":\"compaction\",\"input_tokens\":2000,\"output_tokens\":10}".to_owned(), (2, 110, Some("0.01775"))),
        (
            "advisor",
            format!("{{\"type\":\"advisor_message\",{sonnet},\"input_tokens\":1000,\"output_tokens\":50}}"),
            (2, 150, Some("0.01125")),
        ),
    ] {
        let (id, usage) = with(name, &iterations);
        all.add(&format!("j-{name}"), &[row(1, &id, &usage)], expected);
    }
    let (less, more) = (used(1000, 3), used(1000, 700));
    let side = "\"isSidechain\":true,";
    for (name, finished_beside, main_done, sub_done) in [
        ("finished", true, false, true),
        ("main", false, true, false),
        ("neither", true, false, false),
        ("both", true, true, true),
    ] {
        let id = format!("msg_01Side{name}7kVbTn4hWc9Y");
        let (main, sub) = if finished_beside {
            (&less, &more)
        } else {
            (&more, &less)
        };
        let (mut one, mut two) = (row(1, &id, main), row(2, &id, sub).more(side));
        (one.done, two.done) = (main_done, sub_done);
        all.add(&format!("k-{name}"), &[one, two], (1, 700, Some("0.0225")));
        all.moved(".claude/projects/p/SESSION/subagents/agent-a1.jsonl", 1);
    }
}

/// Folders and projects.
pub(super) fn folders(all: &mut Inputs) {
    let (one, task) = (
        used(1000, 10),
        ".config/Claude/local-agent-mode-sessions/acc/org",
    );
    for (n, path) in [
        format!("{task}/local_a/.claude/projects/-w/SESSION.jsonl"),
        format!("{task}/agent/local_b/.claude/projects/-w/SESSION.jsonl"),
        format!("{task}/local_c/.claude/projects/-w/SESSION/subagents/agent-a1.jsonl"),
        ".claude-work/projects/p/SESSION.jsonl".to_owned(),
        ".claude-work/projects/p/SESSION/subagents/workflows/wf_1/agent-a2.jsonl".to_owned(),
        ".config/claude/projects/p/SESSION.jsonl".to_owned(),
        ".claude/projects/p/agent-flat.jsonl".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("msg_01Fold{n:02}7kVbTn4hWc9Yp2");
        all.add(
            &format!("c-{n}"),
            &[row(1, &id, &one)],
            (1, 10, Some("0.00525")),
        );
        all.moved(&path, 0);
    }
    for (n, (cwd, project)) in [
        ("/w/shop/.claude/worktrees/brave-fox", "shop"),
        ("/w/shop/.claude/worktrees/brave-fox/src/deep", "shop"),
        ("C:\\\\w\\\\till\\\\.claude\\\\worktrees\\\\x", "till"),
        ("/w/worktrees/blog", "blog"),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, more) = (
            format!("msg_01Tree{n:02}7kVbTn4hWc9Yp2"),
            format!("\"cwd\":\"{cwd}\","),
        );
        all.add(
            &format!("m-{n}"),
            &[row(1, &id, &one).more(&more)],
            (1, 10, Some("0.00525")),
        );
        all.0.last_mut().expect("one").project = project;
    }
}
