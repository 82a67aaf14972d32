//! From any name of a model to the row with its price.
//!
//! A name is looked up as it is, then without what a router or a cloud added to it. Where a provider has prices of its own, another
//! provider's price is never taken for it: such a name finds nothing.

use super::claude::Claude;
use super::model::split_at_part;
use super::rates::WHOLE;

/// The row of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The row's name in the table.
    pub row: String,
    /// Why it is that row: what was changed about the name, in order. Nothing if the table lists the name as it is.
    pub why: Vec<&'static str>,
    /// The row's rates are taken times so many thousandths.
    pub permille: u64,
    /// The name stands for fast mode.
    pub fast: bool,
}

/// Parts of a path that name a route to Claude at Anthropic's prices.
const ROUTES: [&str; 44] = [
    "anthropic",
    "openrouter",
    "claude",
    "claude-code",
    "cc",
    "ccr",
    "vertex_ai",
    "vertex",
    "vertexai",
    "vertex-ai",
    "google-vertex",
    "google-vertex-anthropic",
    "vertex-anthropic",
    "bedrock",
    "amazon-bedrock",
    "aws",
    "aws-bedrock",
    "converse",
    "invoke",
    "bedrock_converse",
    "claude_platform",
    "azure",
    "azure_ai",
    "azure-ai",
    "foundry",
    "microsoft-foundry",
    "github_copilot",
    "github-copilot",
    "copilot",
    "litellm",
    "litellm_proxy",
    "vercel",
    "vercel_ai_gateway",
    "gateway",
    "requesty",
    "portkey",
    "helicone",
    "opencode",
    "cliproxyapi",
    "antigravity",
    "kiro",
    "models",
    "publishers",
    "google",
];
/// Parts of a path that say nothing about the provider.
const PROXIES: [&str; 7] = [
    "litellm_proxy",
    "litellm",
    "ccr",
    "models",
    "portkey",
    "gateway",
    "cliproxyapi",
];
/// How routers name the makers, and where the table has the makers' own prices.
const MAKERS: [(&str, &str); 25] = [
    ("z-ai", "zai/"),
    ("zai", "zai/"),
    ("z.ai", "zai/"),
    ("glm", "zai/"),
    ("moonshotai", "moonshot/"),
    ("moonshot", "moonshot/"),
    ("kimi", "moonshot/"),
    ("deepseek", "deepseek/"),
    ("minimax", "minimax/"),
    ("qwen", "dashscope/"),
    ("alibaba", "dashscope/"),
    ("dashscope", "dashscope/"),
    ("x-ai", "xai/"),
    ("xai", "xai/"),
    ("grok", "xai/"),
    ("google", "gemini/"),
    ("gemini", "gemini/"),
    ("vertex_ai", "gemini/"),
    ("vertex", "gemini/"),
    ("openai", ""),
    ("codex", ""),
    ("mistralai", "mistral/"),
    ("mistral", "mistral/"),
    ("xiaomi", "xiaomi_mimo/"),
    ("xiaomi_mimo", "xiaomi_mimo/"),
];
/// Makers whose models routers sell at the makers' prices.
const CLOSED: [&str; 3] = ["xai/", "gemini/", ""];
/// How the models of a maker begin.
const FAMILIES: [(&str, &str); 21] = [
    ("glm-", "zai/"),
    ("kimi-", "moonshot/"),
    ("moonshot-", "moonshot/"),
    ("deepseek-", "deepseek/"),
    ("minimax-", "minimax/"),
    ("qwen", "dashscope/"),
    ("qwq-", "dashscope/"),
    ("grok-", "xai/"),
    ("gemini-", "gemini/"),
    ("gpt-", ""),
    ("chatgpt-", ""),
    ("codex-", ""),
    ("o1", ""),
    ("o3", ""),
    ("o4", ""),
    ("mistral-", "mistral/"),
    ("codestral-", "mistral/"),
    ("devstral-", "mistral/"),
    ("magistral-", "mistral/"),
    ("ministral-", "mistral/"),
    ("mimo-", "xiaomi_mimo/"),
];
const EFFORTS: [&str; 7] = [
    "-minimal", "-low", "-medium", "-high", "-xhigh", "-none", "-auto",
];

/// A region of a cloud: `us-east-1`, `europe-west4`, `us-gov-west-1`.
fn is_place(part: &str) -> bool {
    let mut words = part.split('-');
    let last = words.next_back().unwrap_or_default();
    let (letters, digits) = last.split_at(
        last.find(|c: char| c.is_ascii_digit())
            .unwrap_or(last.len()),
    );
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let numbered =
        !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit());
    numbered && part.contains('-') && (letters.is_empty() || word(letters)) && words.all(word)
}

/// Finds the row of a name, given which names have one.
pub(super) fn find(name: &str, has: &dyn Fn(&str) -> bool) -> Option<Found> {
    let lower = name.trim().to_ascii_lowercase();
    let mut why = Vec::new();
    let found = |row: &str, why: &[&'static str]| {
        has(row).then(|| Found {
            row: row.to_owned(),
            why: why.to_vec(),
            permille: 1000,
            fast: false,
        })
    };
    if let Some(found) = found(&lower, &why) {
        return Some(found);
    }
    // Claude Code appends `[1m]` to models that it offers a long context.
    let plain = lower
        .split_once('[')
        .map_or(lower.as_str(), |(before, _)| before);
    if plain.len() < lower.len() {
        why.push("without the mark in brackets");
        if let Some(found) = found(plain, &why) {
            return Some(found);
        }
    }
    let plain = plain.trim_start_matches('~').replace(',', "/");
    let (path, id) = plain.rsplit_once('/').unwrap_or(("", &plain));
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if split_at_part(id, "claude").is_some() {
        claude(&path, id, &why, has)
    } else {
        other(&path, id, &why, has)
    }
}

fn claude(
    path: &[&str],
    id: &str,
    why: &[&'static str],
    has: &dyn Fn(&str) -> bool,
) -> Option<Found> {
    let government = path.iter().any(|part| part.starts_with("us-gov-"));
    let routed = path
        .iter()
        .all(|part| ROUTES.contains(part) || is_place(part));
    let name = Claude::read(id);
    let names = name.as_ref().map(Claude::names).unwrap_or_default();
    let found = |row: String, permille: u128, added: &[&'static str]| Found {
        row,
        why: why.iter().chain(added).copied().collect(),
        permille: u64::try_from(permille).unwrap_or(u64::MAX),
        fast: name.as_ref().is_some_and(|name| name.fast),
    };
    // Another spelling of a name that the provider has a price for.
    if !path.is_empty()
        && name
            .as_ref()
            .is_some_and(|name| !name.fast && name.region.is_none())
    {
        let provider = path.join("/");
        if let Some(row) = names
            .iter()
            .map(|name| format!("{provider}/{name}"))
            .find(|row| has(row))
        {
            return Some(found(row, WHOLE, &["in the provider's own spelling"]));
        }
    }
    if !routed {
        return None;
    }
    if !path.is_empty() && !government && has(id) {
        return Some(Found {
            fast: false,
            ..found(id.to_owned(), WHOLE, &["without the route"])
        });
    }
    let name = name
        .as_ref()
        .filter(|name| !name.is_preview() || name.region.is_none())?;
    let row = names.into_iter().find(|row| has(row))?;
    let permille = name.permille(government);
    let mut added = vec!["Anthropic's own name for it"];
    if permille == 1100 {
        added.push("a regional profile costs 1.1 times as much");
    } else if permille == 1200 {
        added.push("the government's regions cost 1.2 times as much");
    }
    if name.fast {
        added.push("the name stands for fast mode");
    }
    Some(found(row, permille, &added))
}

fn other(
    path: &[&str],
    id: &str,
    why: &[&'static str],
    has: &dyn Fn(&str) -> bool,
) -> Option<Found> {
    let path: Vec<&str> = path
        .iter()
        .copied()
        .filter(|part| !PROXIES.contains(part))
        .collect();
    let places = places(&path, id);
    for (id, changed) in spellings(id) {
        for (place, moved) in &places {
            let row = format!("{place}{id}");
            if has(&row) {
                let why = why.iter().chain(&changed).copied().chain(*moved).collect();
                return Some(Found {
                    row,
                    why,
                    permille: 1000,
                    fast: false,
                });
            }
        }
    }
    None
}

/// What the table may have before a model's name, and why that is the same price.
fn places(path: &[&str], id: &str) -> Vec<(String, Option<&'static str>)> {
    const MAKER: Option<&str> = Some("the maker's own price");
    let maker = |list: &[(&str, &'static str)], of: &str| {
        list.iter()
            .find(|(name, _)| *name == of)
            .map(|(_, place)| *place)
    };
    let joined = path.iter().flat_map(|part| [part, "/"]).collect::<String>();
    let mut out = vec![(joined, None)];
    let vendor = match path {
        // A region's or an interface's model without a price of its own has Bedrock's.
        ["bedrock", rest @ ..]
            if rest.iter().all(|part| {
                ROUTES.contains(part) || is_place(part) && !part.starts_with("us-gov-")
            }) =>
        {
            // Bedrock's own names begin with the maker or a geography: `moonshotai.kimi-k3`.
            if id
                .split_once('.')
                .is_some_and(|(maker, _)| !maker.contains(|c: char| c.is_ascii_digit()))
            {
                out.push((String::new(), Some("Bedrock's price")));
            }
            None
        }
        [vendor] => maker(&MAKERS, vendor),
        ["openrouter", vendor] => maker(&MAKERS, vendor).filter(|place| CLOSED.contains(place)),
        _ => None,
    };
    let family = || {
        FAMILIES
            .iter()
            .find(|(begin, _)| path.is_empty() && id.starts_with(begin))
            .map(|(_, place)| *place)
    };
    // `vendor/model` is how OpenRouter writes names. It sells the models of some makers at their prices.
    let router = if let [vendor] = path {
        Some((format!("openrouter/{vendor}/"), Some("OpenRouter's price")))
    } else {
        None
    };
    let place = vendor.or_else(family);
    let closed = place.is_some_and(|place| CLOSED.contains(&place));
    let (first, last) = if closed {
        (None, router)
    } else {
        (router, None)
    };
    out.extend(first);
    if let Some(place) = place {
        out.push((place.to_owned(), MAKER));
        // Some of the makers' models stand in the table without a provider.
        if matches!(place, "gemini/" | "deepseek/") {
            out.push((String::new(), MAKER));
        }
    }
    out.extend(last);
    out
}

/// A name as others write it, with what was changed.
fn spellings(id: &str) -> Vec<(String, Vec<&'static str>)> {
    let mut out = vec![(id.to_owned(), Vec::new())];
    // Each change applies to all names before it.
    let mut change = |with: &dyn Fn(&str) -> Option<String>, why: &'static str| {
        for at in 0..out.len() {
            if let Some(name) = with(&out[at].0).filter(|name| name.len() > 2) {
                let why = out[at].1.iter().copied().chain([why]).collect();
                out.push((name, why));
            }
        }
    };
    let shorter = |name: &str, ends: &[&str]| {
        ends.iter()
            .find_map(|end| name.strip_suffix(end))
            .map(str::to_owned)
    };
    change(
        &|name| shorter(name, &["@default", "-latest", ":latest"]),
        "without the mark of the newest version",
    );
    if ["gpt-", "gemini-", "o1", "o3", "o4", "codex-", "grok-"]
        .iter()
        .any(|begin| id.starts_with(begin))
    {
        change(&|name| shorter(name, &EFFORTS), "without the effort");
    }
    change(&undated, "without the date");
    change(&dotted, "with a dot in the version");
    if id.starts_with("gemini-") {
        change(
            &|name| shorter(name, &["-thinking"]),
            "without the mark of thinking",
        );
        change(
            &|name| {
                split_at_part(name, "preview")
                    .is_none()
                    .then(|| format!("{name}-preview"))
            },
            "as its preview",
        );
    }
    out
}

/// Without a date at the end: `-20250807`, `-2025-08-07`, `@20250807`.
fn undated(name: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (base, last) = name.rsplit_once(['-', '@'])?;
    if last.len() == 8 && last.starts_with("20") && digits(last) {
        return Some(base.to_owned());
    }
    let (base, middle) = base.rsplit_once('-')?;
    let (base, first) = base.rsplit_once('-')?;
    let date = first.len() == 4 && first.starts_with("20") && middle.len() == 2 && last.len() == 2;
    (date && [first, middle, last].into_iter().all(digits)).then(|| base.to_owned())
}

/// With a dot for the first dash between two single digits, which are a version: `glm-4-6`.
fn dotted(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let single = |at: usize| digit(at) && !digit(at + 1) && !(at > 0 && digit(at - 1));
    let at = (1..bytes.len()).find(|at| bytes[*at] == b'-' && single(at - 1) && single(at + 1))?;
    Some(format!("{}.{}", &name[..at], &name[at + 1..]))
}
