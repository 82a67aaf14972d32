//! Published captures of transcripts, beside their telemetry.

use serde_json::json;

use super::{at, request_line};
use crate::world::World;

/// Nine captures of Claude Code 2.1.289 with telemetry beside them, rebuilt from their published figures
/// (<https://github.com/yermakoffivan/calyx>, fixtures of usage telemetry): run 3 resumes the session of run 2, run 6 forks it, run 7 makes
/// a branch, run 8 resumes its original from another session.
#[test]
fn published_captures_equal_their_telemetry() {
    const SONNET: &str = "claude-sonnet-5-5";
    const HAIKU: &str = "claude-haiku-4-5-20251001";
    const FABLE: &str = "claude-fable-5-1";
    type Models<'m> = &'m [(&'m str, [u64; 4])];
    let state = |session: &str, start: u64, models: Models| {
        let usage = |[input, output, read, written]: [u64; 4]| json!({ "inputTokens": input, "outputTokens": output, "cacheReadInputTokens": read, "cacheCreationInputTokens": written, "webSearchRequests": 0 });
        let models: serde_json::Map<_, _> = models
            .iter()
            .map(|(model, figures)| ((*model).to_owned(), usage(*figures)))
            .collect();
        let line = json!({ "sessionId": session, "startTime": start, "modelUsage": models, "hasUnknownModelCost": false }).to_string();
        let line = format!("{{\"type\":\"cost-state\",{}\n", &line[1..]);
        line.clone() + &line
    };
    let ask = |session: &str, request: u32, model: &str| {
        request_line(
            session,
            request,
            &at(600 + request * 10),
            model,
            [2, 1],
            &json!({}),
        )
    };
    let (second, third, sixth): (Models, Models, Models) = (
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1578, 1864, 374_464, 91_377]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1582, 2068, 473_609, 93_612]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1584, 2071, 524_446, 93_682]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
    );
    let mut files: Vec<(&str, String)> = Vec::new();
    files.push((
        "1",
        ask("1", 1, SONNET) + &state("1", 1, &[(SONNET, [24, 2114, 176_467, 51_986])]),
    ));
    files.push((
        "2",
        ask("2", 2, SONNET) + &state("2", 2, second) + &ask("2", 3, SONNET) + &state("2", 2, third),
    ));
    files.push((
        "4",
        ask("4", 4, "claude-opus-5-5")
            + &state("4", 4, &[("claude-opus-5-5[1m]", [2, 4, 10_738, 16_899])]),
    ));
    let plain = |output, written| {
        [
            (HAIKU, [879, output, 0, 0]),
            (SONNET, [2, 3, 27_340, written]),
        ]
    };
    files.push((
        "51",
        ask("51", 5, SONNET) + &state("51", 51, &plain(10, 12_780)),
    ));
    files.push((
        "52",
        ask("52", 6, SONNET) + &state("52", 52, &plain(10, 17_115)),
    ));
    files.push((
        "6",
        ask("6", 2, SONNET) + &ask("6", 3, SONNET) + &ask("6", 7, SONNET) + &state("6", 2, sixth),
    ));
    let resumed = [(HAIKU, [879, 12, 0, 0]), (SONNET, [4, 7, 54_680, 30_100])];
    files.push((
        "71",
        ask("71", 8, SONNET)
            + &state("71", 71, &plain(12, 12_780))
            + &ask("71", 10, SONNET)
            + &state("71", 71, &resumed),
    ));
    let copied = request_line(
        "72",
        8,
        &at(680),
        SONNET,
        [2, 1],
        &json!({ "forkedFrom": { "sessionId": "71" } }),
    );
    files.push((
        "72",
        copied + &ask("72", 9, SONNET) + &state("72", 72, &[(SONNET, [520, 9, 67_460, 22_697])]),
    ));
    files.push((
        "81",
        ask("81", 11, SONNET)
            + &state(
                "81",
                81,
                &[(HAIKU, [879, 9, 0, 0]), (SONNET, [2, 5, 27_340, 12_784])],
            ),
    ));
    files.push((
        "91",
        ask("91", 12, SONNET) + &state("91", 91, &plain(8, 12_781)),
    ));
    files.push((
        "92",
        ask("92", 13, SONNET)
            + &state(
                "92",
                92,
                &[
                    (HAIKU, [879, 13, 0, 0]),
                    (SONNET, [522, 17, 99_139, 34_317]),
                ],
            ),
    ));
    files.push((
        "93",
        ask("93", 14, SONNET) + &state("93", 93, &[(SONNET, [1040, 20, 178_921, 1004])]),
    ));
    let world = World::new();
    let ada = world.machine("ada");
    for (name, text) in &files {
        ada.write(&format!(".claude/projects/p/{name}.jsonl"), text);
    }
    ada.init().sync(&[]);
    let report = ada.report(&["models"]);
    let of = |model: &str| -> [u64; 4] {
        let rows = report["models"]
            .as_array()
            .expect("models")
            .iter()
            .filter(|row| {
                row["model"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(model))
            });
        rows.fold([0; 4], |sum, row| {
            let keys = [
                "inputTokens",
                "outputTokens",
                "cacheReadTokens",
                "cacheCreationTokens",
            ];
            std::array::from_fn(|at| sum[at] + row[keys[at]].as_u64().expect("a count"))
        })
    };
    assert_eq!(of(SONNET), [3702, 4252, 1_210_473, 289_246]);
    assert_eq!(of("claude-opus-5-5"), [2, 4, 10_738, 16_899]);
    assert_eq!(of("claude-haiku-4-5"), [6218, 73, 0, 0]);
    assert_eq!(of(FABLE), [41_788, 1085, 0, 0]);
}
