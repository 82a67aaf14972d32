//! Syncs over histories: one new request, and a year of hourly syncs.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Page, chart};
use super::timed::{Timed, in_turn, mebibytes, table};
use crate::made::home::{Home, size};

const SYNC: &str = env!("CARGO_BIN_EXE_claude-sync");

fn one_request<'a>(home: &'a Home, name: &'static str) -> Timed<'a> {
    Timed::new(name, &[SYNC, "-q"], home.environment()).before(|| home.request())
}

/// How many bytes one run adds to `.git`: no run of git's maintenance falls into it.
fn added(home: &Home) -> u64 {
    home.git(&["config", "maintenance.auto", "false"]);
    home.sync(&["-q"]);
    home.request();
    let before = size(&home.repo().join(".git"));
    home.sync(&["-q"]);
    size(&home.repo().join(".git")).saturating_sub(before)
}

/// Row 4.
pub fn requests(page: &mut Page, data: &Path, [short, long]: [u64; 2], rounds: usize) {
    let homes = [short, long]
        .map(|records| Home::grown(&data.join(format!("history-3-{records}")), 1, records));
    let mut all = [
        one_request(&homes[0], "short history"),
        one_request(&homes[1], "long history"),
    ];
    in_turn(rounds, &mut all);
    let bytes = [added(&homes[0]), added(&homes[1])];
    let said = format!(
        "{short} against {long} records, 300 a day.\n\n{}\nBytes added to `.git`: {} and {}.\n",
        table(&all),
        bytes[0],
        bytes[1]
    );
    page.section("One new request", &said);
    let ratio = all[1].wall() / all[0].wall();
    let what = "`claude-sync` after one new request, history of 10,000 against 1,000,000 records";
    page.row(
        "4",
        what,
        "at most 1.5x apart in wall time",
        &format!("{ratio:.2}x"),
        ratio <= 1.5,
    );
    let most = bytes[0].max(bytes[1]);
    page.row(
        "4",
        "bytes that run adds to `.git`",
        "at most 64 KB",
        &format!("{:.1} KB", most as f64 / 1024.0),
        most <= 64 << 10,
    );
    for (timed, records) in all.iter().zip([short, long]) {
        page.memory(
            &format!("claude-sync, one new request after {records}"),
            timed.peak,
            records,
        );
    }
}

/// The curve over histories.
pub fn curves(page: &mut Page, data: &Path, docs: &Path, sizes: &[u64], rounds: usize) {
    let homes: Vec<Home> = sizes
        .iter()
        .map(|records| Home::grown(&data.join(format!("history-3-{records}")), 1, *records))
        .collect();
    let mut all: Vec<Timed> = homes
        .iter()
        .map(|home| one_request(home, "claude-sync"))
        .collect();
    in_turn(rounds, &mut all);
    let mut text = "| records | wall s | CPU s | peak MiB |\n|---|---|---|---|\n".to_owned();
    for (timed, records) in all.iter().zip(sizes) {
        text.push_str(&format!(
            "| {records} | {:.3} | {:.3} | {:.1} |\n",
            timed.wall(),
            timed.cpu(),
            mebibytes(timed.peak)
        ));
    }
    let points = |value: &dyn Fn(&Timed) -> f64| {
        all.iter()
            .zip(sizes)
            .map(|(timed, records)| (*records as f64, value(timed)))
            .collect()
    };
    let lines = [
        ("wall".to_owned(), points(&|timed| timed.wall())),
        ("CPU".to_owned(), points(&|timed| timed.cpu())),
    ];
    chart(
        &docs.join("history.svg"),
        "A sync after one new request",
        ["records in the history", "seconds"],
        &lines,
    );
    text.push_str("\n![Time over history](docs/benchmarks/history.svg)\n");
    page.section("One new request over history", &text);
}

/// Row 6: a sync an hour, each with its share of the records, by the program itself under a clock that is told to it.
pub fn year(page: &mut Page, data: &Path, hours: u64, records: u64) {
    let place = data.join("year");
    let _ = fs::remove_dir_all(&place);
    let home = Home::new(&place);
    let mut written = 0;
    for hour in 1..=hours {
        let (day, from) = (hour / 24, written);
        written = records * hour / hours;
        let session = format!("{day:08x}-{:04x}-4000-8000-000000000000", hour % 24 / 3);
        let path = home
            .path()
            .join(format!(".claude/projects/-home-dev-shop/{session}.jsonl"));
        // Claude Code deletes transcripts after 30 days.
        let old = format!("{:08x}-", day.wrapping_sub(31));
        let folder = fs::read_dir(path.parent().expect("a folder"))
            .expect("lists")
            .flatten();
        folder
            .filter(|file| file.file_name().to_string_lossy().starts_with(&old))
            .for_each(|file| drop(fs::remove_file(file.path())));
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .expect("opens");
        for n in from..written {
            let mix = n.wrapping_mul(0x5851_F42D_4C95_7F2D);
            let time = clock(hour - 1, (n - from) * 240 % 3600);
            writeln!(
                file,
                r#"{{"type":"assistant","timestamp":"{time}","sessionId":"{session}","cwd":"/home/dev/project-{}","requestId":"req_{n:022}","message":{{"id":"msg_01{n:022}","model":"{}","stop_reason":"end_turn","usage":{{"input_tokens":{},"output_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{}}}}}}}"#,
                day % 12,
                ["claude-opus-4-8", "claude-sonnet-4-6"][usize::from(mix >> 63 == 1)],
                mix >> 8 & 0xff,
                mix >> 16 & 0xfff,
                mix >> 24 & 0x3fff,
                mix >> 32 & 0x1_ffff
            )
            .expect("written");
        }
        let mut command = Command::new(SYNC);
        command
            .arg("-q")
            .envs(home.environment())
            .env("CLAUDE_SYNC_NOW", clock(hour, 0))
            .env_remove("CLAUDE_CONFIG_DIR");
        assert!(
            command
                .stdin(Stdio::null())
                .status()
                .expect("runs")
                .success(),
            "hour {hour}"
        );
    }
    let commits: u64 = home
        .git(&["rev-list", "--count", "HEAD"])
        .parse()
        .expect("a number");
    age_reflogs(&home.repo().join(".git/logs"), hours);
    home.git(&["gc", "-q", "--prune=now"]);
    let git = size(&home.repo().join(".git"));
    let gzipped = home.gzipped();
    let mut all = clones(&home, "git clone, a year of syncs");
    in_turn(5, &mut all);
    page.section(
        "A year of hourly syncs",
        &format!("{commits} commits, {records} records; `.git` after gc {git} bytes, data by gzip -6 {gzipped} bytes.\n\n{}", table(&all)),
    );
    let ratio = git as f64 / gzipped as f64;
    page.row(
        "6",
        "`.git` after gc of a year of hourly syncs, against the gzipped data",
        "at most 4.5x",
        &format!("{ratio:.2}x"),
        ratio <= 4.5,
    );
    let ratio = all[0].wall() / all[1].wall();
    page.row(
        "6",
        "cloning it, against cloning the same data in one commit",
        "at most 3.5x",
        &format!("{ratio:.2}x"),
        ratio <= 3.5,
    );
}

/// Two commands that clone a home's repository, and the same files in one commit.
pub fn clones<'a>(home: &Home, name: &'static str) -> [Timed<'a>; 2] {
    let (to, once) = (home.path().join("clone"), home.in_one_commit());
    let clone = |name, from: &Path| {
        let to = to.clone();
        let (url, target) = (
            format!("file://{}", from.display()),
            to.display().to_string(),
        );
        Timed::new(
            name,
            &["git", "clone", "-q", &url, &target],
            home.environment(),
        )
        .before(move || drop(fs::remove_dir_all(&to)))
    };
    [
        clone(name, &home.repo()),
        clone("git clone, one commit", &once),
    ]
}

/// Dates the reflogs as if each sync had run at its hour, the last one now: git forgets entries after 90 days.
fn age_reflogs(folder: &Path, hours: u64) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    for path in fs::read_dir(folder)
        .expect("lists")
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            age_reflogs(&path, hours);
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        let mut ago = text.lines().count() as u64;
        let mut aged = String::with_capacity(text.len());
        for line in text.lines() {
            let (entry, reason) = line.split_once('\t').unwrap_or((line, ""));
            let (who, _) = entry.rsplit_once("> ").expect("a reflog");
            ago -= 1;
            aged.push_str(&format!(
                "{who}> {} +0000\t{reason}\n",
                now - ago.min(hours) * 3600
            ));
        }
        fs::write(&path, aged).expect("written");
    }
}

fn clock(hour: u64, second: u64) -> String {
    let millis = 1_735_689_600_000 + i64::try_from(hour * 3600 + second).expect("small") * 1000;
    claude_sync::bench::Timestamp::from_millis(millis)
        .expect("a time")
        .to_string()
}
