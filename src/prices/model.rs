//! Names of models: from the text in a transcript to the name that is stored.

use crate::base::ids::token;

/// Maximum length of a stored name, in characters.
const MAX_LENGTH: usize = 100;

/// A model's name as records store it, without account numbers and project names.
///
/// An ARN of Bedrock becomes the name of its profile or model, a path of Vertex the name of its
/// model. Routes such as `provider,model` and `model(high)` are written with plain characters. Any
/// other text is hashed by [`token`].
pub(crate) fn model_name(text: &str) -> String {
    let text = text.trim();
    let decoded = decoded(text);
    let text = decoded.as_deref().unwrap_or(text);
    let name = match find_arn(text) {
        Some(at) => arn(&text[at..]),
        None => path(text),
    };
    // An account number of AWS has twelve digits, and no model's name does. The hash is computed
    // without digits, so that it cannot reveal the number.
    match name {
        Some(name) if !has_account(&name) => token(&name, "model", MAX_LENGTH),
        _ => token(
            &format!(
                "not a name: {}",
                text.chars()
                    .filter(|c| !c.is_ascii_digit())
                    .collect::<String>()
            ),
            "model",
            MAX_LENGTH,
        ),
    }
}

/// Decodes `%3A` and `%2F` of a name that was part of a URL. `None` if nothing was encoded.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (plain, rest) = match part.get(..2).map(str::to_ascii_uppercase).as_deref() {
            Some("3A") => (':', &part[2..]),
            Some("2F") => ('/', &part[2..]),
            _ => ('%', part),
        };
        out.push(plain);
        out.push_str(rest);
    }
    (out != text).then_some(out)
}

/// The text before and after the first occurrence of a part.
pub(super) fn split_at_part<'t>(text: &'t str, part: &str) -> Option<(&'t str, &'t str)> {
    let at = memchr::memmem::find(text.as_bytes(), part.as_bytes())?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

/// Where an ARN begins: at the start of the text or behind a separator.
fn find_arn(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let separates =
        |at: usize| at == 0 || matches!(lower.as_bytes()[at - 1], b'/' | b',' | b':' | b' ');
    memchr::memmem::find_iter(lower.as_bytes(), b"arn:").find(|at| separates(*at))
}

/// The model of `arn:partition:bedrock:region:account:kind/name`. The name of an application
/// profile is random, so its kind is kept in front of it.
fn arn(text: &str) -> Option<String> {
    let mut parts = text.splitn(6, ':');
    let (_, _, service, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (_account, resource) = (parts.next()?, parts.next()?);
    let (kind, name) = resource.split_once(['/', ':'])?;
    if name.is_empty() || kind.is_empty() || service.is_empty() {
        return None;
    }
    match kind {
        // The price depends on the government's regions only.
        "foundation-model" if region.starts_with("us-gov-") => {
            Some(format!("bedrock/{region}/{name}"))
        }
        "inference-profile" | "foundation-model" => Some(name.to_owned()),
        _ => Some(format!("{kind}/{name}")),
    }
}

/// The model of a path, without the project of Google's cloud. `None` for an endpoint or a tuned
/// model, which has no price.
fn path(text: &str) -> Option<String> {
    let rest = text
        .strip_prefix("projects/")
        .or_else(|| split_at_part(text, "/projects/").map(|(_, rest)| rest));
    if let Some(rest) = rest {
        let publisher = split_at_part(rest, "/publishers/")?.1;
        return split_at_part(publisher, "/models/").map(|(_, model)| model.to_owned());
    }
    let plain = |c: char| match c {
        ',' => Some('/'),
        '(' => Some('-'),
        ')' => None,
        c => Some(c),
    };
    Some(
        text.trim_start_matches('~')
            .chars()
            .filter_map(plain)
            .collect(),
    )
}

/// Whether a name contains twelve digits in a row, like an account number of AWS.
fn has_account(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with an account number, each with the stored name, or `None` if it is hashed.
    const ACCOUNTS: [(&str, Option<&str>); 15] = [
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8",
            Some("eu.anthropic.claude-opus-4-8"),
        ),
        (
            "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/4jqtkehs0zy3",
            Some("application-inference-profile/4jqtkehs0zy3"),
        ),
        (
            "bedrock/converse/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
            Some("application-inference-profile/abc"),
        ),
        (
            "ARN:AWS:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5",
            Some("us.anthropic.claude-sonnet-5"),
        ),
        (
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-5",
            Some("us.anthropic.claude-sonnet-5"),
        ),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1",
            Some("anthropic.claude-opus-4-6-v1"),
        ),
        (
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-opus-4-8",
            Some("bedrock/us-gov-west-1/anthropic.claude-opus-4-8"),
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz1",
            Some("provisioned-model/xyz1"),
        ),
        (
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine",
            Some("endpoint/mine"),
        ),
        ("arn:aws:bedrock:us-east-1:123456789012", None),
        ("arn:aws:bedrock:us-east-1:123456789012:x", None),
        (
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/123456789012/abc",
            None,
        ),
        ("bedrock/123456789012/us.anthropic.claude-opus-4-8", None),
        (
            "https://bedrock.us-east-1.amazonaws.com/123456789012?x",
            None,
        ),
    ];

    #[test]
    fn an_account_number_is_never_stored() {
        let account = "123456789012";
        for (text, want) in ACCOUNTS {
            let name = model_name(text);
            assert!(!name.contains(account), "{text}: {name}");
            match want {
                Some(want) => assert_eq!(name, want, "{text}"),
                None => assert!(name.starts_with("model-"), "{text}: {name}"),
            }
        }
        let other = "arn:aws:bedrock:us-east-1:999999999999";
        assert_eq!(
            model_name(other),
            model_name("arn:aws:bedrock:us-east-1:123456789012"),
            "the hash does not depend on the number"
        );
    }

    #[test]
    fn names_of_routes_become_plain_and_free_text_a_hash() {
        for (text, want) in [
            ("claude-opus-4-8[1m]", "claude-opus-4-8[1m]"),
            (
                "openrouter,anthropic/claude-sonnet-4.5",
                "openrouter/anthropic/claude-sonnet-4.5",
            ),
            ("gpt-5.1-codex(high)", "gpt-5.1-codex-high"),
            (
                "~anthropic/claude-opus-latest",
                "anthropic/claude-opus-latest",
            ),
            (
                "projects/secret-1/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101",
                "claude-opus-4-5@20251101",
            ),
        ] {
            assert_eq!(model_name(text), want);
        }
        for text in [
            "my own words",
            "",
            "projects/secret-1/locations/us/endpoints/77",
            &"x".repeat(101),
        ] {
            assert!(model_name(text).starts_with("model-"), "{text}");
        }
    }
}
