//! The HTML page: its figures are those of reports for the same filter, and it fetches nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{after, browse, browser, opened, table, tile};
use crate::verbs::{fleet, pico};
use crate::world::{Machine, Row, World};

fn page(machine: &Machine, to: &Path, args: &[&str]) -> String {
    let path = to.display().to_string();
    let ran = machine.track(&[&["html", "-o", &path, "-z", "UTC"], args].concat());
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "", ""),
        "{args:?}"
    );
    fs::read_to_string(to).expect("a page")
}

#[test]
fn a_page_needs_nothing_from_anywhere_and_runs_nothing_but_its_own() {
    let world = World::new();
    let ada = world.machine("ada<script>alert(1)</script>");
    let mut row = Row::new("s", 1, "2026-03-01T10:00:00.000Z");
    row.model = "claude-opus-4-8";
    let line = row
        .line()
        .replace("/shop", "/</script><img src=x onerror=alert(1)>&\\\"'");
    ada.write(".claude/projects/p/s.jsonl", &line);
    ada.init().sync(&[]);
    let text = page(&ada, &world.path().join("page.html"), &[]);
    assert!(text.contains("default-src 'none'"), "a policy");
    assert_eq!(
        text.matches("<script").count(),
        2,
        "the data and the script"
    );
    assert_eq!(text.matches("</script").count(), 2, "no name ends them");
    assert!(!text.contains("<img"), "names are escaped");
    let style =
        &text[text.find("<style>").expect("a style")..text.find("</style>").expect("its end")];
    assert!(
        !style.contains("@import") && !style.contains("url("),
        "styles fetch nothing"
    );
    let again = page(&ada, &world.path().join("again.html"), &[]);
    assert_eq!(text, again, "the same data makes the same bytes");
    let none = page(
        &ada,
        &world.path().join("none.html"),
        &["--since", "2030-01-01"],
    );
    assert!(none.contains("No usage since 2030-01-01"), "{none}");
}

#[test]
fn filters_of_the_page_give_the_figures_of_the_same_filters_of_reports() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = fleet(&world);
    let path = world.path().join("page.html");
    page(&ada, &path, &[]);
    for (hash, filter) in [
        ("", &[][..]),
        ("machine=bob", &["--machine", "bob"]),
        ("not-machine=bob&show=tokens", &["--machine", "ada"]),
        (
            "from=2026-03-03&to=2026-03-06&by=machine",
            &["--since", "2026-03-03", "--until", "2026-03-06"],
        ),
        ("project=shop&bars=week", &["--project", "shop"]),
        (
            "machine=bob&project=shop&from=2026-03-05&to=2026-03-05",
            &[
                "--machine",
                "bob",
                "--project",
                "shop",
                "--since",
                "2026-03-05",
                "--until",
                "2026-03-05",
            ],
        ),
    ] {
        let dom = opened(&program, &world, &path, hash);
        let totals = &ada.report(&[&["daily"], filter].concat())["totals"];
        let nano = pico(&totals["totalCost"]) as f64 / 1000.0;
        assert!(
            (tile(&dom, "cost") - nano).abs() < 1.0,
            "{hash}: {} {nano}",
            tile(&dom, "cost")
        );
        assert_eq!(
            Some(tile(&dom, "tokens")),
            totals["totalTokens"].as_f64(),
            "{hash}"
        );
        assert_eq!(
            Some(tile(&dom, "requests")),
            totals["requests"].as_f64(),
            "{hash}"
        );
        let sessions = ada.report(&[&["session"], filter].concat());
        let sessions = sessions["sessions"].as_array().expect("sessions").len();
        assert_eq!(
            Some(tile(&dom, "session-count")),
            Value::from(sessions).as_f64(),
            "{hash}"
        );
        let cost = totals["totalCost"].as_f64().expect("a cost");
        let shown = format!(
            "{sessions} of {sessions} session{}, ${cost:.2}",
            if sessions == 1 { "" } else { "s" }
        );
        assert_eq!(after(&dom, "id=\"shown\""), shown, "{hash}");
    }
}

#[test]
fn the_table_behind_the_bars_is_the_report_by_day_and_model() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = fleet(&world);
    let path = world.path().join("page.html");
    page(&ada, &path, &[]);
    let rows = table(&opened(&program, &world, &path, ""), "bars-table");
    let report = ada.report(&["daily"]);
    let mut wanted: BTreeMap<(String, String), String> = BTreeMap::new();
    for day in report["daily"].as_array().expect("days") {
        for part in day["modelBreakdowns"].as_array().expect("models") {
            let model = part["modelName"]
                .as_str()
                .expect("a name")
                .trim_start_matches("claude-");
            let date = day["date"].as_str().expect("a date").to_owned();
            let cost = part["cost"].as_f64().expect("a cost");
            wanted.insert((date, model.to_owned()), format!("${cost:.2}"));
        }
    }
    let mut got = BTreeMap::new();
    for row in &rows[1..] {
        for (name, cost) in rows[0].iter().zip(row).skip(1) {
            if name != "Total" && cost != "$0.00" {
                got.insert((row[0].clone(), name.clone()), cost.clone());
            }
        }
    }
    assert_eq!(got, wanted);
    assert_eq!(
        rows.last().expect("rows")[0],
        "2026-03-10",
        "bars end today"
    );
    // Later, they end later; asked for a period, with the period.
    page(&ada, &path, &["--until", "2026-03-20"]);
    let rows = table(&opened(&program, &world, &path, ""), "bars-table");
    assert_eq!(rows.last().expect("rows")[0], "2026-03-20");
}

/// What somebody does with the page; the answers stand in the document that the browser prints.
const PROBE: &str = r##"<script>
console.log("probed");
addEventListener("load", () => setTimeout(() => {
  const answers = {};
  const id = (name) => document.getElementById(name);
  const cost = () => Number(id("tile-cost").dataset.exact);
  const key = (name) => id("bars").dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const column = (at) => Array.from(id("sessions").tBodies[0].rows, (row) => row.cells[at].textContent);
  answers.all = cost();
  id("on-machine-0").click();
  answers.without = cost();
  answers.hash = location.hash.split("=")[0];
  document.querySelector("#facet-machine .all").click();
  answers.again = cost();
  key("Home"); answers.reading = id("reading").textContent;
  key("Enter"); answers.day = [id("period").textContent, id("buckets").querySelector("[aria-pressed=true]").value, cost()];
  answers.ofDay = column(0).sort();
  key("Escape"); answers.back = cost();
  document.querySelectorAll("#sessions th button")[7].click(); answers.dearest = column(7);
  document.querySelectorAll("#sessions th button")[7].click(); answers.cheapest = column(7);
  id("filter").value = "BOBS opus"; id("filter").dispatchEvent(new Event("input")); answers.found = column(0);
  document.querySelector("#theme [value=dark]").click(); answers.dark = getComputedStyle(document.body).backgroundColor;
  document.querySelector("#theme [value=light]").click(); answers.light = getComputedStyle(document.body).backgroundColor;
  answers.wide = document.documentElement.scrollWidth <= innerWidth;
  answers.requests = performance.getEntriesByType("resource").map((one) => one.name);
  const out = document.createElement("pre"); out.id = "answers"; out.textContent = JSON.stringify(answers); document.body.append(out);
}, 100));
</script></body>"##;

/// What a page's probe finds in a window of this size.
fn probe(program: &Path, world: &World, text: &str, size: &str) -> Value {
    let probed = world.path().join("probed.html");
    let policy = text.find("script-src 'sha256-").expect("a policy");
    let end = policy + text[policy..].find("';").expect("its end") + 1;
    let open = format!(
        "{}script-src 'unsafe-inline'{}",
        &text[..policy],
        &text[end..]
    );
    fs::write(&probed, open.replace("</body>", PROBE)).expect("written");
    let size = format!("--window-size={size}");
    let args = ["--dump-dom", "--virtual-time-budget=10000", &size];
    let (dom, log) = browse(program, world.path(), &probed, &args);
    let console: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(
        console.len() == 1 && console[0].contains("probed"),
        "only what the probe says: {console:?}"
    );
    let answers = dom.split("<pre id=\"answers\">").nth(1);
    let answers = answers
        .and_then(|rest| rest.split("</pre>").next())
        .expect("answers");
    let plain = answers
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&plain).expect("JSON")
}

#[test]
fn switches_keys_and_sorting_change_what_the_page_shows() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = fleet(&world);
    let text = page(&ada, &world.path().join("page.html"), &[]);
    let nano = |args: &[&str]| {
        u64::try_from(pico(&ada.report(args)["totals"]["totalCost"]) / 1000).expect("not so much")
    };
    let all = nano(&["daily"]);
    for size in ["1400,900", "500,900"] {
        let seen = probe(&program, &world, &text, size);
        assert_eq!(seen["all"], json!(all), "{size}");
        let one = [
            nano(&["daily", "--machine", "ada"]),
            nano(&["daily", "--machine", "bob"]),
        ];
        assert!(
            one.iter().any(|cost| seen["without"] == json!(cost)),
            "{seen} {one:?}"
        );
        assert!(
            seen["hash"] == "#not-machine" || seen["hash"] == "#machine",
            "{seen}"
        );
        assert_eq!((&seen["again"], &seen["back"]), (&json!(all), &json!(all)));
        let reading = seen["reading"].as_str().expect("a text");
        assert!(reading.starts_with("Sun, 1 Mar 2026: $"), "{reading}");
        let day = nano(&["daily", "--until", "2026-03-01"]);
        assert_eq!(seen["day"], json!(["Sun, 1 Mar 2026", "hour", day]));
        assert_eq!(seen["ofDay"], json!(["adas", "bobs"]));
        let (up, mut down) = (seen["cheapest"].clone(), seen["dearest"].clone());
        down.as_array_mut().expect("a list").reverse();
        assert_eq!(up, down);
        assert_eq!(seen["found"], json!(["bobs"]));
        assert_ne!(seen["dark"], seen["light"]);
        assert_eq!(
            seen["wide"], true,
            "nothing is wider than the window: {size}"
        );
        assert_eq!(seen["requests"], json!([]));
    }
}

/// Three years of a machine: five requests a day, each of another session and of one of 60 projects.
fn years(machine: u32) -> String {
    let mut out = String::new();
    for n in 0..1095 * 5 {
        let (day, of_day) = (n / 5, n % 5);
        let date = chrono::NaiveDate::from_ymd_opt(2023, 3, 12).expect("a date")
            + chrono::Days::new(day.into());
        let at = format!("{date}T{:02}:30:00.000Z", 8 + of_day * 3);
        let mut row = Row::new("s-00000", machine * 100_000 + n, &at);
        row.model = ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5"][(n % 3) as usize];
        let project = format!("/project-{}", (n * 7 + machine * 13) % 60);
        let session = format!("s-{:05}", machine * 10_000 + n);
        out.push_str(
            &row.line()
                .replace("s-00000", &session)
                .replace("/shop", &project),
        );
    }
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn three_years_of_four_machines_with_sixty_projects_fit_and_add_up() {
    let world = World::new();
    let machines = ["ada", "bob", "eve", "kim"].map(|name| world.machine(name));
    for (at, machine) in (0..).zip(&machines) {
        machine.write(".claude/projects/p/s.jsonl", &years(at));
        machine.init().sync(&[]);
    }
    let ada = &machines[0];
    ada.sync(&[]);
    let path = world.path().join("page.html");
    let text = page(ada, &path, &[]);
    assert!(text.len() <= 2_000_000, "{}", text.len());
    eprintln!("page of three years: {} bytes", text.len());
    let Some(program) = browser() else { return };
    for (hash, filter) in [
        ("", &[][..]),
        (
            "machine=bob&from=2024-01-01&to=2024-12-31",
            &[
                "--machine",
                "bob",
                "--since",
                "2024-01-01",
                "--until",
                "2024-12-31",
            ],
        ),
    ] {
        let dom = opened(&program, &world, &path, hash);
        let totals = &ada.report(&[&["daily"], filter].concat())["totals"];
        let nano = pico(&totals["totalCost"]) as f64 / 1000.0;
        assert!(
            (tile(&dom, "cost") - nano).abs() < 1.0,
            "{hash}: {} {nano}",
            tile(&dom, "cost")
        );
        assert_eq!(
            Some(tile(&dom, "tokens")),
            totals["totalTokens"].as_f64(),
            "{hash}"
        );
    }
}
