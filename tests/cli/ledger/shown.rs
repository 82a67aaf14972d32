//! How reports show what stands in no request line.

use serde_json::json;

use super::{HAIKU, OPUS, session, totals};
use crate::world::World;

#[test]
fn reports_tell_what_stands_in_no_request_line() {
    let world = World::new();
    let ada = world.machine("ada");
    session()
        .ends(7, &[(OPUS, [40, 1400]), (HAIKU, [100, 50])])
        .write(&ada);
    ada.init().sync(&[]);
    let day = &ada.report(&["daily"])["daily"][0];
    assert_eq!(
        (&day["requests"], &day["outputTokens"]),
        (&json!(2), &json!(1450))
    );
    assert_eq!(
        (
            &day["ledger"]["requests"],
            &day["ledger"]["outputTokens"],
            &day["ledger"]["inputTokens"]
        ),
        (&json!(0), &json!(950), &json!(120))
    );
    let text = ada.track(&["daily", "-z", "UTC"]).out;
    assert!(
        text.contains("Includes 1,070 tokens, $0.02 from Claude Code's own account"),
        "{text}"
    );
    let bare = ada.report(&["daily", "--requests-only"]);
    assert_eq!(totals(&bare), [20, 500]);
    assert!(bare["daily"][0].get("ledger").is_none());
    assert!(
        !ada.track(&["daily", "-z", "UTC", "--requests-only"])
            .out
            .contains("request line")
    );
    let explained = ada.track(&["explain", "2026-03-10", "-z", "UTC"]).out;
    assert!(
        explained.contains("Claude Code's own account"),
        "{explained}"
    );
    let ledger = ada.report(&["explain", "2026-03-10"])["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter(|one| one["kind"] == "ledger")
        .count();
    assert_eq!(ledger, 2);
    // Sessions, blocks and the status line say the same.
    let all = |args: &[&str]| ada.report(args)["totals"]["outputTokens"].as_u64();
    assert_eq!(
        (all(&["session"]), all(&["monthly"]), all(&["models"])),
        (Some(1450), Some(1450), Some(1450))
    );
}
