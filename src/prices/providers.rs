//! Providers: which rows of the price table a route and a model's name may stand for.

/// Parts of a path that name a route to Claude at Anthropic's prices.
pub(super) const ROUTES: [&str; 44] = [
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
/// Parts of a path that are proxies: they do not identify the provider.
pub(super) const PROXIES: [&str; 7] = [
    "litellm_proxy",
    "litellm",
    "ccr",
    "models",
    "portkey",
    "gateway",
    "cliproxyapi",
];
/// Names of makers as routers write them, each with the prefix of the maker's prices in the table.
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
/// Prefixes of makers whose models routers sell at the maker's price.
const CLOSED: [&str; 3] = ["xai/", "gemini/", ""];
/// Beginnings of model names, each with the prefix of the maker's prices in the table.
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

/// Whether a part is a region of a cloud: `us-east-1`, `europe-west4`, `us-gov-west-1`.
pub(super) fn is_region(part: &str) -> bool {
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

/// A prefix in the price table, and why its price applies.
pub(super) type Prefix = (String, Option<&'static str>);

const MAKER: Option<&str> = Some("the maker's own price");

/// The prefix of a name in a list of names and prefixes.
fn prefix_of(list: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    list.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, prefix)| *prefix)
}

/// The prefixes under which the table may list a model, in order of preference. `path`: the parts
/// of the route, without proxies; `id`: the model's name.
pub(super) fn prefixes(path: &[&str], id: &str) -> Vec<Prefix> {
    let joined = path.iter().flat_map(|part| [part, "/"]).collect::<String>();
    let mut out = vec![(joined, None)];
    out.extend(bedrock(path, id));
    let vendor = match path {
        [vendor] => prefix_of(&MAKERS, vendor),
        ["openrouter", vendor] => {
            prefix_of(&MAKERS, vendor).filter(|prefix| CLOSED.contains(prefix))
        }
        _ => None,
    };
    let family = || {
        FAMILIES
            .iter()
            .find(|(begin, _)| path.is_empty() && id.starts_with(begin))
            .map(|(_, prefix)| *prefix)
    };
    let maker = vendor.or_else(family);
    let closed = maker.is_some_and(|prefix| CLOSED.contains(&prefix));
    // Models of closed makers have the maker's price, of others the router's.
    let router = openrouter(path);
    let (first, last) = if closed {
        (None, router)
    } else {
        (router, None)
    };
    out.extend(first);
    out.extend(maker.map(|prefix| (prefix.to_owned(), MAKER)));
    // The table lists some of these makers' models without a provider.
    if matches!(maker, Some("gemini/" | "deepseek/")) {
        out.push((String::new(), MAKER));
    }
    out.extend(last);
    out
}

/// The router's own price, for a name as `OpenRouter` writes it: `vendor/model`.
fn openrouter(path: &[&str]) -> Option<Prefix> {
    let [vendor] = path else { return None };
    Some((format!("openrouter/{vendor}/"), Some("OpenRouter's price")))
}

/// Whether a route leads to Bedrock, outside the government's regions.
fn is_bedrock(path: &[&str]) -> bool {
    let plain =
        |part: &&str| ROUTES.contains(part) || is_region(part) && !part.starts_with("us-gov-");
    matches!(path, ["bedrock", rest @ ..] if rest.iter().all(plain))
}

/// Bedrock's own price, for a model without one in its region or interface. Bedrock's names begin
/// with the maker or a geography: `moonshotai.kimi-k3`.
fn bedrock(path: &[&str], id: &str) -> Option<Prefix> {
    let (maker, _) = id.split_once('.')?;
    let named = !maker.contains(|c: char| c.is_ascii_digit());
    (named && is_bedrock(path)).then(|| (String::new(), Some("Bedrock's price")))
}
