//! The page and single charts: what they show is what reports say, and they ask for nothing from anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::verbs::fleet;
use crate::world::{Machine, Row, World, run};

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
        .replace("/shop", "/<img src=x onerror=alert(1)>&\\\"'");
    ada.write(".claude/projects/p/s.jsonl", &line);
    ada.init().sync(&[]);
    let text = page(&ada, &world.path().join("page.html"), &[]);
    assert!(
        text.contains("default-src 'none'") && text.matches("<script").count() == 1,
        "{text}"
    );
    assert!(
        !text.contains("<img") && !text.contains("onerror=alert(1)>"),
        "names are escaped"
    );
    let outside: Vec<_> = text
        .split('"')
        .filter(|part| part.contains("://") && *part != "http://www.w3.org/2000/svg")
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(
        !text.contains("@import") && !text.contains("url("),
        "styles fetch nothing"
    );
    let again = page(&ada, &world.path().join("again.html"), &[]);
    assert_eq!(text, again, "the same data makes the same bytes");
}

#[test]
fn empty_periods_have_pictures_too() {
    let world = World::new();
    let ada = fleet(&world);
    let text = page(
        &ada,
        &world.path().join("page.html"),
        &["--since", "2030-01-01"],
    );
    assert!(text.contains("No usage in this period"), "{text}");
    for chart in [
        "cost", "tokens", "calendar", "machines", "projects", "hours",
    ] {
        for args in [&[][..], &["--dark"], &["--since", "2030-01-01"]] {
            let ran = ada.track(&[&["svg", chart, "-z", "UTC"], args].concat());
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{chart} {args:?}");
            assert!(
                ran.out.starts_with("<svg ") && ran.out.trim_end().ends_with("</svg>"),
                "{}",
                ran.out
            );
        }
    }
    let ran = ada.track(&["svg", "cots"]);
    assert!(ran.code == 2 && ran.err.contains("'cost'"), "{}", ran.err);
}

/// A browser, where there is one.
fn browser() -> Option<PathBuf> {
    let program = std::env::var_os("CLAUDE_SYNC_CHROMIUM")
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    if program.is_none() {
        crate::peers::missing("chromium", "CLAUDE_SYNC_CHROMIUM names no browser");
    }
    program
}

/// Runs a page in a browser with an empty profile; its standard output and what it logged.
fn browse(program: &Path, home: &Path, page: &Path, args: &[&str]) -> (String, String) {
    let profile = home.join("profile");
    let mut command = Command::new(program);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]);
    command.args([
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]);
    command
        .args(args)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()));
    let path = std::env::var_os("PATH").expect("a PATH");
    let ran = run(command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("TMPDIR", home));
    assert_eq!(ran.code, 0, "{}", ran.err);
    (ran.out, ran.err)
}

/// What is done with the page in the browser; the answers stand in the document that it prints.
const PROBE: &str = r##"<script>
console.log("probed");
const answers = {};
const rows = () => Array.from(document.querySelectorAll("#sessions tbody tr")).filter((row) => !row.hidden);
const column = (at) => rows().map((row) => row.cells[at].textContent);
const button = (at) => document.querySelectorAll("#sessions th button")[at];
const sorts = () => Array.from(document.querySelectorAll("#sessions th")).map((head) => head.getAttribute("aria-sort"));
answers.shown = document.getElementById("shown").textContent;
button(7).click(); answers.dearest = column(7); answers.sorted = sorts();
button(7).click(); answers.cheapest = column(7);
button(1).click(); answers.projects = column(1);
const filter = document.getElementById("filter");
filter.value = "BOBS opus"; filter.dispatchEvent(new Event("input"));
answers.filtered = column(0); answers.left = document.getElementById("shown").textContent;
filter.value = "no such word"; filter.dispatchEvent(new Event("input"));
answers.nothing = column(0).length;
answers.figures = {};
for (const figure of document.querySelectorAll("figure")) {
  answers.figures[figure.id] = Array.from(figure.querySelectorAll("table tr")).map((row) => Array.from(row.cells).map((cell) => cell.textContent));
}
answers.visible = Array.from(document.querySelectorAll("figure svg")).filter((svg) => svg.getBoundingClientRect().width > 0).length;
answers.names = Array.from(document.querySelectorAll("figure svg")).every((svg) => svg.getAttribute("role") === "img" && svg.getAttribute("aria-label"));
answers.requests = performance.getEntriesByType("resource").map((one) => one.name);
const out = document.createElement("pre"); out.id = "answers"; out.textContent = JSON.stringify(answers); document.body.append(out);
</script></body>"##;

/// What a page's probe finds.
fn probe(program: &Path, world: &World, text: &str, probe: &str) -> Value {
    let probed = world.path().join("probed.html");
    let policy = text.find("script-src 'sha256-").expect("a policy");
    let end = policy + text[policy..].find("\">").expect("its end");
    let open = format!(
        "{}script-src 'unsafe-inline'{}",
        &text[..policy],
        &text[end..]
    );
    fs::write(&probed, open.replace("</body>", probe)).expect("written");
    let (dom, log) = browse(program, world.path(), &probed, &["--dump-dom"]);
    let console: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(
        console.len() == 1 && console[0].contains("probed"),
        "only what the probe says: {console:?}"
    );
    let answers = dom
        .split("<pre id=\"answers\">")
        .nth(1)
        .and_then(|rest| rest.split("</pre>").next())
        .expect("answers");
    serde_json::from_str(
        &answers
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
    .expect("JSON")
}

/// Sorts, filters and shows all of more sessions than are shown at first.
const MANY: &str = r##"<script>
console.log("probed");
const rows = () => Array.from(document.querySelectorAll("#sessions tbody tr")).filter((row) => row.getBoundingClientRect().height > 0);
const answers = { };
const look = () => ({ rows: rows().length, first: rows()[0].cells[0].textContent, status: document.getElementById("shown").textContent });
answers.before = look();
document.querySelectorAll("#sessions th button")[5].click(); answers.sorted = look();
const filter = document.getElementById("filter");
filter.value = "s-29"; filter.dispatchEvent(new Event("input")); answers.filtered = look();
filter.value = ""; filter.dispatchEvent(new Event("input"));
document.getElementById("all").click(); answers.all = look();
answers.button = document.getElementById("all").getBoundingClientRect().height;
const out = document.createElement("pre"); out.id = "answers"; out.textContent = JSON.stringify(answers); document.body.append(out);
</script></body>"##;

#[test]
fn a_page_shows_the_first_of_many_sessions_and_finds_all() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = world.machine("ada");
    let mut lines = String::new();
    for n in 0..300 {
        let row = Row::new(
            "s-000",
            n,
            &format!("2026-03-{:02}T{:02}:00:00.000Z", n / 24 + 1, n % 24),
        )
        .line();
        lines.push_str(&row.replace("s-000", &format!("s-{n:03}")));
    }
    // The oldest has the most requests: sorting finds it beyond what is shown.
    lines.push_str(&Row::new("s-000", 999, "2026-03-01T00:00:01.000Z").line());
    ada.write(".claude/projects/p/s.jsonl", &lines);
    ada.init().sync(&[]);
    let text = page(&ada, &world.path().join("page.html"), &[]);
    let answers = probe(&program, &world, &text, MANY);
    let cost = ada.report(&["daily"])["totals"]["totalCost"]
        .as_f64()
        .expect("a cost");
    let said = |rows: u64, first: &str, status: String| serde_json::json!({"rows": rows, "first": first, "status": status});
    assert_eq!(
        answers["before"],
        said(
            250,
            "s-299",
            format!("300 of 300 sessions, ${cost:.2}, the first 250 shown")
        )
    );
    assert_eq!(
        answers["sorted"],
        said(
            250,
            "s-000",
            format!("300 of 300 sessions, ${cost:.2}, the first 250 shown")
        )
    );
    let status = answers["filtered"]["status"].as_str().expect("a text");
    assert!(
        answers["filtered"]["rows"] == 10 && status.starts_with("10 of 300 sessions, $"),
        "{answers}"
    );
    assert_eq!(
        answers["all"],
        said(300, "s-000", format!("300 of 300 sessions, ${cost:.2}"))
    );
    assert_eq!(answers["button"], 0.0);
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(program) = browser() else { return };
    let world = World::new();
    let ada = fleet(&world);
    // A third session, so that there is something to sort.
    ada.write(
        ".claude/projects/p/t.jsonl",
        &Row::new("t", 900, "2026-03-05T08:00:00.000Z").line(),
    );
    ada.sync(&[]);
    let path = world.path().join("page.html");
    let text = page(&ada, &path, &[]);

    // As it is: no message on the console, no request.
    // (The policy forbids requests; a page that tried one would tell of it there. The browser's own are none of the page's.)
    let (_, log) = browse(&program, world.path(), &path, &["--dump-dom"]);
    let console: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(console.is_empty(), "{console:?}");

    // With somebody who clicks and types.
    let answers = probe(&program, &world, &text, PROBE);

    let sessions = ada.report(&["session"]);
    let mut costs: Vec<f64> = sessions["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .map(|one| one["totalCost"].as_f64().expect("a cost"))
        .collect();
    let total = ada.report(&["daily"])["totals"]["totalCost"]
        .as_f64()
        .expect("a cost");
    costs.sort_by(f64::total_cmp);
    let cents = |cost: &f64| format!("${cost:.2}");
    let cheapest: Vec<String> = costs.iter().map(cents).collect();
    let dearest: Vec<String> = costs.iter().rev().map(cents).collect();
    assert_eq!(
        answers["shown"],
        format!("{} of {} sessions, ${total:.2}", costs.len(), costs.len())
    );
    assert_eq!(answers["cheapest"], serde_json::json!(cheapest));
    assert_eq!(answers["dearest"], serde_json::json!(dearest));
    assert_eq!(answers["sorted"][7], "descending");
    let projects: Vec<&str> = answers["projects"]
        .as_array()
        .expect("names")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(projects.is_sorted(), "{projects:?}");
    assert_eq!(answers["filtered"], serde_json::json!(["bobs"]));
    assert_eq!(answers["nothing"], 0);
    assert_eq!(answers["visible"], 6, "one theme of six charts");
    assert_eq!(answers["names"], true);
    assert_eq!(answers["requests"], serde_json::json!([]));

    // Each chart's figures are the report's.
    let by_model = ada.report(&["daily", "--by", "model"]);
    let mut wanted: BTreeMap<(String, String), String> = BTreeMap::new();
    for day in by_model["daily"].as_array().expect("days") {
        for part in day["modelBreakdowns"].as_array().expect("models") {
            let model = part["modelName"]
                .as_str()
                .expect("a name")
                .trim_start_matches("claude-")
                .to_owned();
            let key = (day["date"].as_str().expect("a date").to_owned(), model);
            wanted.insert(key, cents(&part["cost"].as_f64().expect("a cost")));
        }
    }
    let table = answers["figures"]["cost"].as_array().expect("rows");
    let names: Vec<&str> = table[0]
        .as_array()
        .expect("names")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut got: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in &table[1..] {
        for (at, name) in names.iter().enumerate().skip(1) {
            let cost = row[at].as_str().expect("a cost");
            if cost != "$0.00" {
                got.insert(
                    (
                        row[0].as_str().expect("a day").to_owned(),
                        (*name).to_owned(),
                    ),
                    cost.to_owned(),
                );
            }
        }
    }
    assert_eq!(got, wanted);
}
