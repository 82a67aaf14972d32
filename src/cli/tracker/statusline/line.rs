//! The parts of the line, their order, and which of them fit.

use std::collections::BTreeMap;

/// From this use on a limit is shown in yellow, and in red, in hundredths of a percent.
const WARN: u16 = 7500;
const ALARM: u16 = 9000;

/// A part of the line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Model,
    Context,
    Session,
    Today,
    Block,
    /// A window of a plan limit, by its name.
    Limit(String),
    /// The age of the figures, or what is missing.
    State,
}

impl Field {
    pub(super) fn five_hour() -> Self {
        Self::Limit("five_hour".to_owned())
    }

    pub(super) fn weekly() -> Self {
        Self::Limit("seven_day".to_owned())
    }

    /// By its name in `--format`.
    fn parse(name: &str) -> Self {
        match name {
            "model" => Self::Model,
            "ctx" | "context" => Self::Context,
            "session" => Self::Session,
            "today" => Self::Today,
            "block" => Self::Block,
            "state" => Self::State,
            "week" | "weekly" => Self::weekly(),
            other => Self::Limit(other.to_owned()),
        }
    }

    /// What is left out first where the line is too long: the greatest.
    fn rank(&self) -> u8 {
        match self {
            Self::Limit(name) if name == "five_hour" => 0,
            Self::Limit(name) if name == "seven_day" => 1,
            Self::Model => 2,
            Self::Context => 3,
            Self::Today => 4,
            Self::Session => 5,
            Self::Limit(_) => 6,
            Self::Block => 7,
            Self::State => 8,
        }
    }
}

/// The text of a part, and how much is used of what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) used: u16,
}

impl Part {
    pub(super) fn plain(text: String) -> Self {
        Self { text, used: 0 }
    }

    fn write(&self, out: &mut String, tints: bool) {
        let color = match self.used {
            ALARM.. => "31",
            WARN.. => "33",
            _ => "",
        };
        if tints && !color.is_empty() {
            out.push_str(&format!("\u{1b}[{color}m{}\u{1b}[0m", self.text));
        } else {
            out.push_str(&self.text);
        }
    }
}

/// The parts that have something to show.
pub(super) type Parts = BTreeMap<Field, Part>;

/// How parts are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// Groups of parts.
    Groups(Vec<Vec<Field>>),
    /// A text, and each part with the text behind it.
    Format(String, Vec<(Field, String)>),
}

impl Default for Layout {
    fn default() -> Self {
        Self::Groups(vec![
            vec![Field::Model],
            vec![Field::Context],
            vec![Field::Session, Field::Today, Field::Block],
            vec![Field::five_hour()],
            vec![Field::weekly()],
            vec![Field::State],
        ])
    }
}

impl Layout {
    /// A text with names of parts in braces.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = text.split('{');
        let mut before = pieces.next().unwrap_or_default().to_owned();
        let mut parts: Vec<(Field, String)> = Vec::new();
        for piece in pieces {
            if let Some((name, behind)) = piece.split_once('}') {
                parts.push((Field::parse(name.trim()), behind.to_owned()));
            } else {
                let text = parts.last_mut().map_or(&mut before, |(_, text)| text);
                text.push('{');
                text.push_str(piece);
            }
        }
        Self::Format(before, parts)
    }

    fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Groups(groups) => groups.iter().flatten().collect(),
            Self::Format(_, parts) => parts.iter().map(|(field, _)| field).collect(),
        }
    }

    fn write(&self, parts: &Parts, tints: bool) -> String {
        let mut out = String::new();
        match self {
            Self::Groups(groups) => {
                for group in groups {
                    let shown = group.iter().filter_map(|field| parts.get(field));
                    for (at, part) in shown.enumerate() {
                        if !out.is_empty() {
                            out.push_str(if at > 0 { " / " } else { " | " });
                        }
                        part.write(&mut out, tints);
                    }
                }
            }
            Self::Format(before, all) => {
                out.push_str(before);
                // What stands between two parts that are shown is what stands before the second.
                let mut gap = None;
                for (field, behind) in all {
                    if let Some(part) = parts.get(field) {
                        out.push_str(gap.take().unwrap_or_default());
                        part.write(&mut out, tints);
                        gap = Some(behind.as_str());
                    } else if gap.is_some() {
                        gap = Some(behind);
                    }
                }
                out.push_str(gap.unwrap_or_default());
            }
        }
        out
    }

    /// The line, with the parts that fit into `width` characters. The most important part always
    /// stays.
    pub(super) fn line(&self, mut parts: Parts, width: Option<usize>, tints: bool) -> String {
        let fields = self.fields();
        parts.retain(|field, _| fields.contains(&field));
        while parts.len() > 1
            && width.is_some_and(|width| self.write(&parts, false).chars().count() > width)
        {
            let last = parts.keys().max_by_key(|field| field.rank()).cloned();
            last.map(|field| parts.remove(&field));
        }
        self.write(&parts, tints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        let part = |text: &str, used| Part {
            text: text.to_owned(),
            used,
        };
        Parts::from([
            (Field::Model, part("Opus", 0)),
            (Field::Context, part("ctx 42%", 4200)),
            (Field::Session, part("$1.00 session", 0)),
            (Field::Today, part("$2.00 today", 0)),
            (Field::five_hour(), part("5h 80% (2h 10m)", 8000)),
            (Field::weekly(), part("week 95% (3d 4h)", 9500)),
            (Field::State, part("synced 2 hours ago", 0)),
        ])
    }

    #[test]
    fn what_matters_least_is_left_out_where_the_line_is_too_long() {
        let line = |width| Layout::default().line(parts(), Some(width), false);
        assert_eq!(
            line(200),
            "Opus | ctx 42% | $1.00 session / $2.00 today | 5h 80% (2h 10m) | week 95% (3d 4h) | synced 2 hours ago"
        );
        assert_eq!(
            line(90),
            "Opus | ctx 42% | $1.00 session / $2.00 today | 5h 80% (2h 10m) | week 95% (3d 4h)"
        );
        assert_eq!(
            line(60),
            "Opus | ctx 42% | 5h 80% (2h 10m) | week 95% (3d 4h)"
        );
        assert_eq!(line(40), "5h 80% (2h 10m) | week 95% (3d 4h)");
        assert_eq!(line(1), "5h 80% (2h 10m)");
    }

    #[test]
    fn a_format_names_parts_and_keeps_its_own_text() {
        let line = |format: &str| Layout::parse(format).line(parts(), None, false);
        assert_eq!(
            line("[{model}] {ctx}, {weekly}!"),
            "[Opus] ctx 42%, week 95% (3d 4h)!"
        );
        assert_eq!(
            line("{model} {block} · {five_hour}"),
            "Opus · 5h 80% (2h 10m)"
        );
        assert_eq!(line("{block} {model}"), "Opus");
        assert_eq!(line("{model} {odd"), "Opus {odd");
        assert_eq!(line("plain"), "plain");
        assert_eq!(line("{nothing}"), "");
    }

    #[test]
    fn colors_begin_at_their_thresholds() {
        let line = |tints| Layout::parse("{ctx} {five_hour} {weekly}").line(parts(), None, tints);
        assert_eq!(
            line(true),
            "ctx 42% \u{1b}[33m5h 80% (2h 10m)\u{1b}[0m \u{1b}[31mweek 95% (3d 4h)\u{1b}[0m"
        );
        assert_eq!(line(false), "ctx 42% 5h 80% (2h 10m) week 95% (3d 4h)");
    }
}
