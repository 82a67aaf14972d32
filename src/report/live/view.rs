//! Draws the view into a buffer: what is shown depends on nothing else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;

use super::columns::{Cell, bold, dim, pieces};
use super::panes;
use super::state::State;
use crate::base::text::{ago, count, printable};
use crate::base::time::Timestamp;

/// From this width on panes stand side by side.
const MEDIUM: u16 = 90;
/// From this width on the last requests have a half of their own.
const WIDE: u16 = 160;
/// A smaller terminal shows one line with the smallest size.
const SMALLEST: (u16, u16) = (40, 8);
/// Between panes side by side.
const GAP: u16 = 2;

/// What the view shows beside usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// The clock.
    pub(crate) now: Timestamp,
    /// The projects and machines that were selected; empty: all.
    pub(crate) selected: String,
    /// What went wrong, or came of a fetch.
    pub(crate) message: Option<String>,
    /// There is a remote.
    pub(crate) has_remote: bool,
    /// A fetch goes on.
    pub(crate) is_fetching: bool,
    /// Fetches begin by themselves, so many minutes apart.
    pub(crate) every: Option<u64>,
    /// Colors are shown.
    pub(crate) colors: bool,
}

/// Draws the view.
pub(crate) fn draw(state: &State, status: &Status, area: Rect, buffer: &mut Buffer) {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (columns, lines) = SMALLEST;
        let text = format!("live needs {columns} columns and {lines} lines; q quits");
        buffer.set_stringn(area.x, area.y, text, area.width.into(), Style::new());
        return;
    }
    let mut left = Rest { area };
    put(&header(state, status, area.width), left.take(1), buffer);
    let below = u16::from(status.message.is_some()) + 1;
    let height = left.area.height.saturating_sub(below);
    let body = left.take(height);
    if let Some(message) = &status.message {
        let text = printable(message, usize::from(area.width));
        let line = Line::styled(text, Style::new().fg(Color::Yellow));
        put(&line, left.take(1), buffer);
    }
    put(&keys(status, area.width), left.take(1), buffer);
    let mut view = View {
        state,
        now: status.now,
        buffer,
    };
    match area.width {
        WIDE.. => view.wide(body),
        MEDIUM.. => view.medium(body),
        _ => view.narrow(body),
    }
    if !status.colors {
        for cell in &mut buffer.content {
            cell.set_fg(Color::Reset);
        }
    }
}

/// The space that is left.
struct Rest {
    area: Rect,
}

impl Rest {
    /// The next lines.
    fn take(&mut self, height: impl TryInto<u16>) -> Rect {
        let height = height.try_into().unwrap_or(u16::MAX).min(self.area.height);
        let taken = Rect {
            height,
            ..self.area
        };
        self.area.y += height;
        self.area.height -= height;
        taken
    }

    fn height(&self) -> usize {
        self.area.height.into()
    }
}

fn put(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height > 0 {
        buffer.set_line(area.x, area.y, line, area.width);
    }
}

fn header(state: &State, status: &Status, width: u16) -> Line<'static> {
    let clock = state.zone.clock(status.now).format("%H:%M").to_string();
    let machines = if state.is_synced {
        count(state.machines as u64, "machine")
    } else {
        "this machine only: claude-sync init".to_owned()
    };
    let fetched = if status.is_fetching {
        "fetching…".to_owned()
    } else {
        let age = state.as_of.map(|as_of| ago(status.now, as_of));
        age.map_or_else(String::new, |age| format!("others: {age}"))
    };
    let all = [
        ("Usage now".to_owned(), bold()),
        (clock, bold()),
        (status.selected.clone(), Style::new().fg(Color::Cyan)),
        (machines, dim()),
        (fetched, dim()),
    ];
    pieces(&all, width.into())
}

fn keys(status: &Status, width: u16) -> Line<'static> {
    let key = |text: &str| (text.to_owned(), dim());
    let mut all = vec![key("q: quit")];
    if status.has_remote {
        all.push(key("r: fetch from other machines"));
        let every = status.every.map(|minutes| {
            let minutes = count(minutes, "minute");
            key(&format!("(also every {minutes})"))
        });
        all.extend(every);
    }
    pieces(&all, width.into())
}

struct View<'a> {
    state: &'a State,
    now: Timestamp,
    buffer: &'a mut Buffer,
}

impl View<'_> {
    /// Draws a pane: a rule with its title, and its lines.
    fn pane(&mut self, title: &[Cell], lines: &[Line<'_>], area: Rect) {
        let mut left = Rest { area };
        let rule = "─".repeat(area.width.into());
        let top = left.take(1);
        put(&Line::styled(rule, dim()), top, self.buffer);
        let mut words = pieces(title, usize::from(area.width).saturating_sub(6));
        words.spans.insert(0, " ".into());
        words.push_span(" ");
        let inside = Rect {
            x: top.x + 2,
            width: top.width.saturating_sub(4),
            ..top
        };
        put(&words, inside, self.buffer);
        for line in lines {
            put(line, left.take(1), self.buffer);
        }
    }

    fn limits(&mut self, area: Rect) {
        let lines = panes::limits(self.state, self.now, area.width.into());
        self.pane(&[title("Plan limits")], &lines, area);
    }

    fn block(&mut self, area: Rect) {
        let lines = panes::block(self.state, self.now, area.width.into());
        self.pane(&[title("Current block")], &lines, area);
    }

    fn requests(&mut self, area: Rect) {
        let most = usize::from(area.height).saturating_sub(1);
        let lines = panes::requests(self.state, self.now, most, area.width.into());
        self.pane(&[title("Last requests")], &lines, area);
    }

    /// The heights of limits and block, with their titles.
    fn heights(&self, width: u16) -> (usize, usize) {
        let limits = panes::limits(self.state, self.now, width.into());
        let block = panes::block(self.state, self.now, width.into());
        (limits.len() + 1, block.len() + 1)
    }

    fn narrow(&mut self, area: Rect) {
        let mut left = Rest { area };
        let (limits, block) = self.heights(area.width);
        self.limits(left.take(limits));
        self.block(left.take(block));
        let most = left.height().saturating_sub(left.height() / 2);
        self.today_stacked(&mut left, most);
        self.requests(left.area);
    }

    fn medium(&mut self, area: Rect) {
        let mut left = Rest { area };
        // Limits have more to show.
        let [limits, block] = beside(area, 4, 7);
        let (limits, block) = (self.heights(limits.width).0, self.heights(block.width).1);
        let [limits, block] = beside(left.take(limits.max(block)), 4, 7);
        self.limits(limits);
        self.block(block);
        let most = left.height() / 2;
        self.today_beside(&mut left, most);
        self.requests(left.area);
    }

    fn wide(&mut self, area: Rect) {
        let [own, requests] = beside(area, 1, 2);
        let mut left = Rest { area: own };
        let (limits, block) = self.heights(own.width);
        self.limits(left.take(limits));
        self.block(left.take(block));
        let most = left.height();
        self.today_beside(&mut left, most);
        self.requests(requests);
    }

    /// The usage of today in one pane, at most so high.
    fn today_stacked(&mut self, left: &mut Rest, most: usize) {
        let width = left.area.width.into();
        let each = panes::fair(self.state, most.saturating_sub(1));
        let lines = panes::today_stacked(self.state, each, width);
        let area = left.take(lines.len() + 1);
        self.pane(&today(self.state), &lines, area);
    }

    /// The usage of today in a pane for each kind of name, at most so high.
    fn today_beside(&mut self, left: &mut Rest, most: usize) {
        let lines = panes::most(self.state).min(most.saturating_sub(2));
        let area = left.take(lines + if lines > 0 { 2 } else { 1 });
        self.pane(&today(self.state), &[], area);
        let mut inside = Rest { area };
        inside.take(1);
        for (kind, area) in thirds(inside.area).into_iter().enumerate() {
            let mut left = Rest { area };
            let head = Line::styled(panes::KINDS[kind], dim());
            put(&head, left.take(1), self.buffer);
            for line in panes::today(self.state, kind, lines, area.width.into()) {
                put(&line, left.take(1), self.buffer);
            }
        }
    }
}

fn title(text: &str) -> Cell {
    (text.to_owned(), bold())
}

fn today(state: &State) -> Vec<Cell> {
    let mut out = vec![title("Today")];
    out.extend(panes::today_total(state));
    out
}

/// Two parts side by side; the first has `part` of `whole`.
fn beside(area: Rect, part: u16, whole: u16) -> [Rect; 2] {
    let width = area.width.saturating_sub(GAP) / whole * part;
    let second = Rect {
        x: area.x + width + GAP,
        width: area.width.saturating_sub(width + GAP),
        ..area
    };
    [Rect { width, ..area }, second]
}

/// Three thirds.
fn thirds(area: Rect) -> [Rect; 3] {
    let width = area.width.saturating_sub(2 * GAP) / 3;
    [0, 1, 2].map(|at| Rect {
        x: area.x + at * (width + GAP),
        width,
        ..area
    })
}
