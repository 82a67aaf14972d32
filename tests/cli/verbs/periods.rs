//! Where weeks begin and last periods end.

use serde_json::Value;

use super::{fleet, keys};
use crate::world::{Row, World};

#[test]
fn weeks_begin_when_they_are_told_to() {
    let world = World::new();
    let ada = fleet(&world);
    // The first of March 2026 is a Sunday.
    assert_eq!(
        keys(&ada.report(&["weekly"]), "weekly", "week"),
        ["2026-03-01", "2026-03-08"]
    );
    assert_eq!(
        keys(
            &ada.report(&["weekly", "--start-of-week", "monday"]),
            "weekly",
            "week"
        ),
        ["2026-02-23", "2026-03-02", "2026-03-09"]
    );
    assert_eq!(
        keys(
            &ada.report(&["weekly", "--order", "desc"]),
            "weekly",
            "week"
        ),
        ["2026-03-08", "2026-03-01"]
    );
}

#[test]
fn the_last_periods_end_today() {
    let world = World::new();
    let ada = fleet(&world);
    // The clock says noon of 10 March; each day's request is half an hour before midnight, so that the tenth is still to come.
    assert_eq!(
        keys(&ada.report(&["daily", "--last", "3"]), "daily", "date"),
        ["2026-03-08", "2026-03-09", "2026-03-10"]
    );
    assert_eq!(
        keys(&ada.report(&["weekly", "--last", "1"]), "weekly", "week"),
        ["2026-03-08"]
    );
    assert_eq!(
        keys(&ada.report(&["daily", "--last", "1w"]), "daily", "date"),
        ["2026-03-08", "2026-03-09", "2026-03-10"]
    );
    assert_eq!(
        ada.report(&["monthly", "--last", "1m"])["totals"]["requests"],
        20
    );
    for wrong in ["0", "x", "-1", "3y"] {
        let ran = ada.track(&["daily", &format!("--last={wrong}")]);
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.err);
        assert!(ran.err.contains("such as 4w"), "{}", ran.err);
    }
}

#[test]
fn reports_of_the_last_days_read_no_more_and_say_the_same() {
    let world = World::new();
    let ada = world.machine("ada");
    let rows: String = (0..120)
        .map(|n| {
            Row::new(
                "s",
                n,
                &format!("2026-{:02}-{:02}T23:59:59.999Z", 1 + n / 30, 1 + n % 28),
            )
            .line()
        })
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync_at("2026-04-30T12:00:00Z", &[]);
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let report = |args: &[&str]| -> Value {
            let ran = crate::world::run(
                ada.command("claude-usage-tracker", "2026-04-30T12:00:00Z")
                    .args(["daily", "--json", "-z", zone])
                    .args(args),
            );
            assert_eq!(ran.code, 0, "{}", ran.err);
            serde_json::from_str(&ran.out).expect("JSON")
        };
        let all = report(&[]);
        for since in [
            "2026-01-31",
            "2026-02-01",
            "2026-02-02",
            "2026-03-01",
            "2026-04-02",
            "2026-04-28",
        ] {
            let wanted: Vec<&Value> = all["daily"]
                .as_array()
                .expect("days")
                .iter()
                .filter(|day| day["date"].as_str() >= Some(since))
                .collect();
            assert_eq!(
                report(&["--since", since])["daily"]
                    .as_array()
                    .expect("days")
                    .iter()
                    .collect::<Vec<_>>(),
                wanted,
                "{since} in {zone}"
            );
        }
    }
}
