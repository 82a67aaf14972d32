//! The view as text, by width.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::state::{Collector, Origin, State};
use super::view::{Status, draw};
use crate::base::ids::MachineId;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, MachineView, Row, RowSource};
use crate::record::{Counters, Level, PlanLimits, Point, Series, Totals, Used};
use crate::report::Zone;
use crate::report::limits::Known;

/// Names as a hostile fleet may have them.
const PROJECTS: [&str; 5] = [
    "shop",
    "a-project-with-a-name-that-is-longer-than-any-column-of-this-view",
    "\u{1b}[2Jwiped\u{202e}",
    "日本語のプロジェクト",
    "",
];
const MODELS: [&str; 3] = [
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-haiku-4-5-20251001",
];

fn time(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-10T{text}:00Z")).expect("a time")
}

fn now() -> Timestamp {
    time("12:34")
}

fn machine(id: &str, label: &str) -> MachineView {
    MachineView {
        id: MachineId::canonical(id).expect("an id"),
        label: label.to_owned(),
        group: String::new(),
        user: String::new(),
        retired: false,
        merged_into: None,
        machine_file: None,
        adopted: None,
        error: None,
        totals: Totals::default(),
        last_usage: None,
    }
}

fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    fleet.machines = vec![
        machine("a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b", "laptop"),
        machine(
            "b7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b",
            "desktop-in-the-office",
        ),
    ];
    fleet
}

fn row(n: u32) -> Row<'static> {
    let back = i64::from(n * n) * 47_000;
    let at = Timestamp::from_millis(now().millis() - 60_000 - back).expect("a time");
    let input = 1234 * u64::from(n * n * n) + 987;
    Row {
        id: None,
        machine: usize::from(n.is_multiple_of(3)),
        session: None,
        project: PROJECTS[n as usize % 5],
        model: MODELS[n as usize % 3],
        at,
        totals: Totals {
            requests: 1,
            counters: Counters {
                input,
                ..Counters::default()
            },
            cost: Cost::known(Money::from_pico(u128::from(input) * 75_000_000)),
        },
        recorded: None,
        source: RowSource::Record(Level::Full),
        provisional: false,
        sidechain: false,
        fast: false,
        client: None,
    }
}

fn known() -> Known {
    let mut limits = PlanLimits::default();
    for (window, ends, points) in [
        (
            "five_hour",
            "2026-03-10T15:00:00Z",
            [("11:20", 40), ("12:30", 76)],
        ),
        (
            "seven_day",
            "2026-03-14T09:00:00Z",
            [("10:00", 30), ("12:05", 31)],
        ),
    ] {
        let ends = Timestamp::parse(ends).expect("a time");
        for (at, percent) in points {
            let used = Used::new(percent * 100).expect("a share");
            let series = Series::new("default", window).expect("a series");
            limits.add(series, ends, Point { at: time(at), used });
        }
    }
    let mut known = Known::default();
    known.add(None, limits);
    known
}

fn state(rows: impl Iterator<Item = u32>, known: Known) -> State {
    let mut collector = Collector::new(now(), Zone::Utc, false);
    rows.for_each(|n| collector.add(&row(n)));
    collector.finish(Origin {
        fleet: &fleet(),
        machines: &[],
        known,
        as_of: Some(time("12:02")),
        is_synced: true,
    })
}

fn status() -> Status {
    Status {
        now: now(),
        selected: String::new(),
        message: None,
        has_remote: true,
        is_fetching: false,
        every: Some(5),
        colors: true,
    }
}

/// What a terminal of this size shows.
fn shown(state: &State, status: &Status, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| draw(state, status, frame.area(), frame.buffer_mut()))
        .expect("drawn");
    let screen = terminal.backend().to_string();
    // Behind a line in quotes stands which cells wide characters hide.
    let lines = screen.lines().map(|line| {
        let line = line.split("\" Hidden").next().unwrap_or_default();
        line.trim_matches('"').trim_end()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn sixty_columns() {
    let state = state(0..40, known());
    insta::assert_snapshot!(shown(&state, &status(), (60, 24)));
}

#[test]
fn a_hundred_columns() {
    let state = state(0..40, known());
    insta::assert_snapshot!(shown(&state, &status(), (100, 30)));
}

#[test]
fn two_hundred_columns() {
    let state = state(0..40, known());
    insta::assert_snapshot!(shown(&state, &status(), (200, 30)));
}

#[test]
fn nothing_was_used() {
    let state = state(0..0, Known::default());
    let status = Status {
        message: Some("failed to reach the remote\u{1b}[2J".to_owned()),
        selected: "project: shop".to_owned(),
        is_fetching: true,
        every: None,
        ..status()
    };
    insta::assert_snapshot!(shown(&state, &status, (60, 16)));
}

#[test]
fn no_size_cuts_a_figure_or_fails() {
    let state = state(0..40, known());
    let total = crate::report::price(state.today[0].totals.cost);
    for width in 1..240 {
        for height in [1, 2, 5, 8, 11, 24, 60] {
            let screen = shown(&state, &status(), (width, height));
            assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
            if width >= 40 && height >= 24 {
                assert!(screen.contains(&total), "{width}x{height}:\n{screen}");
                for line in screen.lines().filter(|line| line.contains('$')) {
                    let last = line.trim_end().rsplit('$').next().unwrap_or_default();
                    let cents = last.split_once('.').map_or("", |(_, cents)| cents);
                    let digits = cents.chars().take_while(char::is_ascii_digit).count();
                    assert_eq!(digits, 2, "{width}x{height}: {line}");
                }
            }
        }
    }
}

#[test]
fn without_colors_there_are_none() {
    let state = state(0..40, known());
    let colored = |colors| {
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).expect("a terminal");
        let status = Status { colors, ..status() };
        terminal
            .draw(|frame| draw(&state, &status, frame.area(), frame.buffer_mut()))
            .expect("drawn");
        let cells = &terminal.backend().buffer().content;
        cells
            .iter()
            .any(|cell| cell.fg != ratatui::style::Color::Reset)
    };
    assert!(colored(true) && !colored(false));
}

#[test]
fn a_clock_that_is_ahead_brings_no_last_request() {
    let mut collector = Collector::new(now(), Zone::Utc, false);
    collector.add(&Row {
        at: time("18:00"),
        ..row(1)
    });
    collector.add(&row(0));
    let state = collector.finish(Origin {
        fleet: &fleet(),
        machines: &[],
        known: Known::default(),
        as_of: None,
        is_synced: true,
    });
    assert_eq!(state.requests.len(), 1);
}
