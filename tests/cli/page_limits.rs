//! Plan limits on the HTML page: the windows of `limits`, in the chosen period.

use std::fs;

use serde_json::Value;

use crate::browser::{browser, opened, table};
use crate::statusline::{input, statusline};
use crate::world::{Machine, World, transcript};

/// Claude Code states the use of both windows, of which the short one ends at a time.
fn state(machine: &Machine, now: &str, ends: &str, used: [u32; 2]) {
    let mut input = input();
    let limits = &mut input["rate_limits"];
    limits["five_hour"]["used_percentage"] = used[0].into();
    limits["five_hour"]["resets_at"] = ends.into();
    limits["seven_day"]["used_percentage"] = used[1].into();
    assert_eq!(statusline(machine, now, &input.to_string(), &[]).code, 0);
}

fn page(machine: &Machine, name: &str, args: &[&str]) -> std::path::PathBuf {
    let path = machine.world.path().join(name);
    let text = path.display().to_string();
    let ran = machine.track(&[&["html", "-o", &text, "-z", "UTC"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    path
}

/// Two windows of five hours on two days, within one week.
fn stated(world: &World) -> Machine<'_> {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..3));
    let (yesterday, today) = ("2026-03-09T15:00:00Z", "2026-03-10T15:00:00Z");
    state(&bob, "2026-03-09T11:00:00Z", yesterday, [20, 10]);
    state(&bob, "2026-03-09T12:30:00Z", yesterday, [72, 18]);
    bob.init().sync(&[]);
    state(&ada, "2026-03-10T11:00:00Z", today, [30, 25]);
    state(&ada, "2026-03-10T11:45:00Z", today, [44, 27]);
    ada.init().sync(&[]);
    ada
}

/// The rows of `limits`, as the page's table shows them.
fn wanted(machine: &Machine) -> Vec<[String; 4]> {
    let all = machine.report(&["limits", "--last", "99"]);
    let minute = |value: &Value| value.as_str().expect("a time")[..16].replace('T', " ");
    let row = |limit: &Value| {
        let name = match limit["window"].as_str() {
            Some("five_hour") => "5 hours",
            _ => "week",
        };
        let used = format!("{}%", limit["usedPercent"]);
        let (stated, ends) = (minute(&limit["asOf"]), minute(&limit["resetsAt"]));
        [name.to_owned(), used, stated, ends]
    };
    let mut rows: Vec<[String; 4]> = all["limits"]
        .as_array()
        .expect("limits")
        .iter()
        .map(row)
        .collect();
    rows.sort_by(|one, two| two[2].cmp(&one[2]).then(one[0].cmp(&two[0])));
    rows
}

#[test]
fn limits_follow_the_period() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = stated(&world);
    let path = page(&ada, "page.html", &[]);
    let rows = |hash: &str| table(&opened(&program, &world, &path, hash), "limits-table");
    let all = wanted(&ada);
    assert_eq!(all.len(), 3, "{all:?}");
    let shown = rows("");
    assert_eq!(shown[0][..4], ["Limit", "Used", "Stated", "Resets"]);
    // The page begins with the first day of usage; the week began before it.
    let today: Vec<_> = all
        .iter()
        .filter(|row| row[2].as_str() > "2026-03-10")
        .collect();
    assert_eq!(shown[1..].iter().collect::<Vec<_>>(), today);
    let path = page(&ada, "from.html", &["--since", "2026-03-01"]);
    let rows = |hash: &str| table(&opened(&program, &world, &path, hash), "limits-table");
    assert_eq!(
        rows("")[1..].iter().collect::<Vec<_>>(),
        all.iter().collect::<Vec<_>>()
    );
    let yesterday = rows("from=2026-03-09&to=2026-03-09");
    let names: Vec<_> = yesterday[1..].iter().map(|row| &row[0][..]).collect();
    assert_eq!(names, ["week", "5 hours"]);
    assert_eq!(yesterday[2][1], "72%");
    let dom = opened(&program, &world, &path, "from=2026-03-01&to=2026-03-02");
    assert!(dom.contains("No limits were stated in this period."));
}

#[test]
fn a_page_without_limits_shows_no_card_for_them() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = stated(&world);
    let card = |path: &std::path::Path| {
        let dom = opened(&program, &world, path, "");
        let rest = dom.split("id=\"limits-card\"").nth(1).expect("a card");
        rest.split_once('>').expect("its end").0.contains("hidden")
    };
    assert!(!card(&page(&ada, "all.html", &[])));
    // Limits are of whole accounts, not of what is selected.
    let path = page(&ada, "some.html", &["--project", "shop"]);
    assert!(
        card(&path)
            && fs::read_to_string(&path)
                .expect("a page")
                .contains("\"limits\":[]")
    );
    assert!(card(&page(&ada, "old.html", &["--until", "2026-03-01"])));
    let kim = world.machine("kim");
    kim.write(".claude/projects/p/s1.jsonl", &transcript("s9", 0..3));
    assert!(card(&page(&kim, "kim.html", &[])));
}
