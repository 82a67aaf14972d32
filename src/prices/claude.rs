//! Names of Claude's models: reads their parts, which stand in different orders.

use super::model::split_at_part;
use super::rates::WHOLE;

/// The parts of a Claude model's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claude<'n> {
    /// The geography of a Bedrock inference profile: `us`, `eu`, `global`.
    pub(super) region: Option<&'n str>,
    family: &'n str,
    major: u8,
    minor: u8,
    date: Option<&'n str>,
    /// The newest model of its family, as in `claude-opus-latest`.
    newest: bool,
    /// The name selects fast mode.
    pub(super) fast: bool,
}

/// Geographies of Bedrock's inference profiles.
const REGIONS: [&str; 17] = [
    "us", "eu", "apac", "jp", "au", "ca", "global", "us-gov", "uk", "in", "sa", "me", "af", "il",
    "kr", "sg", "mx",
];
const FAMILIES: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "mythos"];
/// Words that do not change the price: amount of thinking, size of the context window.
const NEUTRAL: [&str; 14] = [
    "thinking", "think", "thought", "agentic", "latest", "default", "beta", "1m", "high", "medium",
    "low", "minimal", "xhigh", "auto",
];
/// Prefixes that routers add to names.
const ROUTERS: [&str; 2] = ["gemini-", "kiro-"];

/// Whether a word is a date such as `20250807`.
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

/// Whether a word is a token budget for thinking: `32000` or `16k`.
fn is_budget(word: &str) -> bool {
    let digits = word.strip_suffix('k').unwrap_or(word);
    (2..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Splits off the geography of a Bedrock profile, or the prefix of a router. `None` for an unknown
/// geography.
fn split_region(name: &str) -> Option<(Option<&str>, &str)> {
    match split_at_part(name, "anthropic.") {
        Some(("", rest)) => Some((None, rest)),
        Some((before, rest)) => {
            let region = before.strip_suffix('.')?;
            REGIONS.contains(&region).then_some((Some(region), rest))
        }
        None => {
            let plain = ROUTERS.iter().find_map(|router| name.strip_prefix(router));
            Some((None, plain.unwrap_or(name)))
        }
    }
}

/// A number of a version: at most two digits, without a leading 0.
fn version_number(word: &str) -> Option<u8> {
    let plain = word == "0" || !word.starts_with(['0', '+']);
    word.parse().ok().filter(|_| word.len() <= 2 && plain)
}

/// Reads the words of a name, one after the other.
struct Reader<'n> {
    claude: Claude<'n>,
    /// The numbers of the version so far.
    numbers: Vec<u8>,
    /// The word before.
    before: &'n str,
    preview: bool,
}

impl<'n> Reader<'n> {
    fn new(region: Option<&'n str>) -> Self {
        Self {
            claude: Claude {
                region,
                family: "",
                major: 0,
                minor: 0,
                date: None,
                newest: false,
                fast: false,
            },
            numbers: Vec::new(),
            before: "",
            preview: false,
        }
    }

    /// Reads a word; `None` if it is not known at this place.
    fn read(&mut self, word: &'n str) -> Option<()> {
        let (out, before) = (&mut self.claude, self.before);
        match (word, version_number(word)) {
            _ if FAMILIES.contains(&word) && out.family.is_empty() => out.family = word,
            ("preview", _) if out.family == "mythos" => self.preview = true,
            ("0", _) if matches!(before, "v1" | "v2") => {}
            ("v1" | "v2", _) if out.has_version() || out.date.is_some() => {}
            // GitHub's name of Opus 4.1.
            ("41", _) if out.family == "opus" && self.numbers.is_empty() => {
                self.set_version(&[4, 1]);
            }
            // Both numbers of a version stand together, before any date.
            (_, Some(number))
                if self.numbers.is_empty()
                    || (self.numbers.len() == 1 && before.parse::<u8>().is_ok()) =>
            {
                self.set_version(&[number]);
            }
            _ if is_date(word) && out.date.is_none() => out.date = Some(word),
            ("fast", _) => out.fast = true,
            _ if NEUTRAL.contains(&word) => {
                out.newest |= word == "latest" && self.numbers.is_empty();
            }
            _ if matches!(before, "thinking" | "think") && is_budget(word) => {}
            // The size of a context window: `v1:0:200k`.
            _ if before == "0" && word.ends_with('k') && is_budget(word) => {}
            _ => return None,
        }
        self.before = word;
        Some(())
    }

    fn set_version(&mut self, numbers: &[u8]) {
        self.numbers.extend(numbers);
        let number = |at: usize| self.numbers.get(at).copied().unwrap_or(0);
        (self.claude.major, self.claude.minor) = (number(0), number(1));
    }

    /// The name, if it has all parts that a model needs.
    fn finish(self) -> Option<Claude<'n>> {
        let complete = if self.numbers.is_empty() {
            self.preview || self.claude.newest
        } else {
            self.claude.has_version() && !self.preview
        };
        (complete && !self.claude.family.is_empty()).then_some(self.claude)
    }
}

impl<'n> Claude<'n> {
    /// Reads the last part of a path, in lower case. `None` if any word is not known: then it is
    /// another model.
    pub(super) fn read(name: &'n str) -> Option<Self> {
        let (region, rest) = split_region(name)?;
        let mut words = rest
            .strip_prefix("claude")?
            .split(['-', '.', '_', '@', ':']);
        if words.next() != Some("") {
            return None;
        }
        let mut reader = Reader::new(region);
        words.try_for_each(|word| reader.read(word))?;
        reader.finish()
    }

    fn has_version(&self) -> bool {
        self.major > 0
    }

    /// Whether it is a preview model. Clouds have their own prices for those.
    pub(super) fn is_preview(&self) -> bool {
        !self.has_version() && !self.newest
    }

    /// Whether regional profiles of Bedrock cost more than global ones.
    fn costs_more_by_region(&self) -> bool {
        (self.major, self.minor) >= (4, 5) || !self.has_version()
    }

    /// The price factor of the geography, in thousandths. `government`: the route names a region of
    /// the government cloud.
    pub(super) fn permille(&self, government: bool) -> u128 {
        match self.region {
            Some("us-gov") => 1200,
            _ if government => 1200,
            None | Some("global") => WHOLE,
            _ if self.costs_more_by_region() => 1100,
            _ => WHOLE,
        }
    }

    /// The names that price tables may use: with the date, without it, with a dot in the version.
    pub(super) fn names(&self) -> Vec<String> {
        let (family, major, minor) = (self.family, self.major, self.minor);
        if !self.has_version() {
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
