//! Claude's models have names of many shapes. All of them are parts in some order, read here.

use super::model::split_at_part;

/// What a name of a Claude model consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claude<'n> {
    /// The geography of a Bedrock profile: `us`, `eu`, `global`.
    pub(super) region: Option<&'n str>,
    family: &'n str,
    major: u8,
    minor: u8,
    date: Option<&'n str>,
    /// The name stands for the newest model of its family.
    newest: bool,
    /// The name stands for fast mode.
    pub(super) fast: bool,
}

/// Geographies of Bedrock's inference profiles.
const REGIONS: [&str; 17] = [
    "us", "eu", "apac", "jp", "au", "ca", "global", "us-gov", "uk", "in", "sa", "me", "af", "il",
    "kr", "sg", "mx",
];
const FAMILIES: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "mythos"];
/// Words that change no price: how much the model thinks, and how much context it is offered.
const NEUTRAL: [&str; 14] = [
    "thinking", "think", "thought", "agentic", "latest", "default", "beta", "1m", "high", "medium",
    "low", "minimal", "xhigh", "auto",
];
/// Routers whose names begin with their own.
const ROUTERS: [&str; 2] = ["gemini-", "kiro-"];

fn is_date(word: &str) -> bool {
    let part = |from: usize, to: usize| {
        word.get(from..to)
            .and_then(|digits| digits.parse::<u16>().ok())
            .unwrap_or(0)
    };
    word.len() == 8
        && word.bytes().all(|b| b.is_ascii_digit())
        && (2022..2100).contains(&part(0, 4))
        && (1..=12).contains(&part(4, 6))
        && (1..=31).contains(&part(6, 8))
}

/// A budget for thinking: `32000` or `16k`.
fn is_budget(word: &str) -> bool {
    let digits = word.strip_suffix('k').unwrap_or(word);
    (2..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

impl<'n> Claude<'n> {
    /// Reads the last part of a path, in lower case. Any part that is not known makes it another model.
    pub(super) fn read(name: &'n str) -> Option<Self> {
        let (region, rest) = match split_at_part(name, "anthropic.") {
            Some(("", rest)) => (None, rest),
            Some((before, rest)) => (
                Some(
                    before
                        .strip_suffix('.')
                        .filter(|region| REGIONS.contains(region))?,
                ),
                rest,
            ),
            None => (
                None,
                ROUTERS
                    .iter()
                    .find_map(|router| name.strip_prefix(router))
                    .unwrap_or(name),
            ),
        };
        let mut words = rest
            .strip_prefix("claude")?
            .split(['-', '.', '_', '@', ':']);
        if words.next() != Some("") {
            return None;
        }
        let mut out = Self {
            region,
            family: "",
            major: 0,
            minor: 0,
            date: None,
            newest: false,
            fast: false,
        };
        let (mut numbers, mut before, mut preview) = (Vec::new(), "", false);
        for word in words {
            let number = word
                .parse::<u8>()
                .ok()
                .filter(|_| word.len() <= 2 && (word == "0" || !word.starts_with(['0', '+'])));
            match (word, number) {
                _ if FAMILIES.contains(&word) && out.family.is_empty() => out.family = word,
                ("preview", _) if out.family == "mythos" => preview = true,
                ("0", _) if matches!(before, "v1" | "v2") => {}
                ("v1" | "v2", _) if out.major() || out.date.is_some() => {}
                // GitHub's name of Opus 4.1.
                ("41", _) if out.family == "opus" && numbers.is_empty() => {
                    numbers.extend([4, 1]);
                    (out.major, out.minor) = (4, 1);
                }
                // Both digits of a version stand together, before any date.
                (_, Some(number))
                    if numbers.is_empty()
                        || (numbers.len() == 1 && before.parse::<u8>().is_ok()) =>
                {
                    numbers.push(number);
                    (out.major, out.minor) = (numbers[0], numbers.get(1).copied().unwrap_or(0));
                }
                _ if is_date(word) && out.date.is_none() => out.date = Some(word),
                ("fast", _) => out.fast = true,
                _ if NEUTRAL.contains(&word) => {
                    out.newest |= word == "latest" && numbers.is_empty()
                }
                _ if matches!(before, "thinking" | "think") && is_budget(word) => {}
                // The size of a context: `v1:0:200k`.
                _ if before == "0" && word.ends_with('k') && is_budget(word) => {}
                _ => return None,
            }
            before = word;
        }
        let plain = numbers.is_empty();
        let known = !out.family.is_empty()
            && if plain {
                preview || out.newest
            } else {
                out.major > 0 && !preview
            };
        known.then_some(out)
    }

    fn major(&self) -> bool {
        self.major > 0
    }

    /// Whether it is a preview, which clouds sell at prices of their own.
    pub(super) fn is_preview(&self) -> bool {
        !self.major() && !self.newest
    }

    /// Whether regional profiles of Bedrock cost more than global ones.
    fn is_dearer_by_region(&self) -> bool {
        (self.major, self.minor) >= (4, 5) || !self.major()
    }

    /// The factor of its geography, in thousandths.
    pub(super) fn permille(&self, government: bool) -> u128 {
        match self.region {
            Some("us-gov") => 1200,
            _ if government => 1200,
            None | Some("global") => 1000,
            _ if self.is_dearer_by_region() => 1100,
            _ => 1000,
        }
    }

    /// Its names as tables write them: with the date, without it, with dots.
    pub(super) fn names(&self) -> Vec<String> {
        let (family, major, minor) = (self.family, self.major, self.minor);
        if !self.major() {
            return vec![format!(
                "claude-{family}-{}",
                if self.newest { "latest" } else { "preview" }
            )];
        }
        let version = |point: char| {
            if minor > 0 {
                format!("{major}{point}{minor}")
            } else {
                major.to_string()
            }
        };
        let name = |point: char| match major {
            ..=3 => format!("claude-{}-{family}", version(point)),
            _ => format!("claude-{family}-{}", version(point)),
        };
        let dated = self.date.map(|date| format!("{}-{date}", name('-')));
        let mut out: Vec<_> = dated.into_iter().chain([name('-')]).collect();
        if minor > 0 {
            out.push(name('.'));
        }
        out
    }
}
