//! Computing the front page of a tree.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::bars;
use super::block::{BEGIN, END, Split};
use super::figures::FrontFigures;
use super::inputs::{VERSION, inputs, until};
use super::tables::{csv, tables};
use crate::cache::Cache;
use crate::cache::overview::Overview;
use crate::charts::{Picture, Theme};
use crate::fleet::DataError;
use crate::fleet::read::InputTrees;
use crate::format::dayfile::hex;
use crate::git::Oid;
use crate::git::repo::{FILE, Repo};
use crate::store::layout::{FRONT, README};

/// A front page: the block, and all its other files.
pub(crate) struct Front {
    /// The block of README.md.
    pub(crate) block: String,
    /// The other files, by path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// A hash of files' names and ids.
fn digest(files: &BTreeMap<String, Oid>) -> String {
    let mut hash = Sha256::new();
    files
        .iter()
        .for_each(|(path, oid)| hash.update(format!("{path} {oid}\n")));
    hex(hash)[..16].to_owned()
}

/// The front page in a tree.
#[derive(Debug, Default)]
pub(crate) struct There {
    /// README.md, if it is text.
    pub(crate) readme: Option<String>,
    /// The other files.
    pub(crate) files: BTreeMap<String, Oid>,
}

impl There {
    /// Reads a root tree.
    pub(crate) fn read(repo: &Repo, root: Oid) -> Result<Self, DataError> {
        let files = repo
            .blobs(Some(root), FRONT)?
            .into_iter()
            .map(|blob| (blob.path, blob.oid))
            .collect();
        Ok(Self {
            readme: readme(repo, root)?,
            files,
        })
    }

    /// README.md around its block, if it has one.
    pub(crate) fn split(&self) -> Option<Split<'_>> {
        self.readme.as_deref().and_then(Split::of)
    }
}

/// Computes the front page of the trees `sync/machines` and `sync/archive`. `None` if the existing
/// one was computed from the same inputs or by later rules, and if there is no usage yet.
pub(crate) fn compute(
    repo: &Repo,
    trees: InputTrees,
    there: &There,
    cache: &dyn Cache,
) -> Result<Option<Front>, DataError> {
    let overview = Overview::read(repo, trees, None, cache, &mut |_| {})?;
    let Some(end) = until(&overview.fleet) else {
        return Ok(None);
    };
    let mark = inputs(repo, trees.archive, &overview.fleet)?;
    if let Some(split) = there.split() {
        let (rules, known, files) = split.marks();
        if rules > VERSION || (rules == VERSION && known == mark && files == digest(&there.files)) {
            return Ok(None);
        }
    }
    let mut figures = FrontFigures::until(end);
    let overview = Overview::read(repo, trees, None, cache, &mut |row| {
        figures.add(row);
    })?;
    overview.show_rows(None, &mut |row| figures.add(row))?;
    let (block, files) = draw(&figures, &overview.fleet.labels(), &mark)?;
    Ok(Some(Front { block, files }))
}

/// The text of a tree's README.md, if it is text of moderate size.
fn readme(repo: &Repo, root: Oid) -> Result<Option<String>, DataError> {
    let Some(entry) = repo
        .entry(Some(root), README)?
        .filter(|entry| entry.mode == FILE)
    else {
        return Ok(None);
    };
    if !repo.is_blob_within(entry.oid, 1 << 20)? {
        return Ok(None);
    }
    Ok(String::from_utf8(repo.blob(entry.oid)?).ok())
}

/// The block of README.md, and all other files of the page.
fn draw(
    figures: &FrontFigures,
    labels: &[String],
    mark: &str,
) -> Result<(String, BTreeMap<String, Vec<u8>>), DataError> {
    let pictures = if figures.months.is_empty() {
        Vec::new()
    } else {
        vec![
            ("days", bars::days(figures)),
            ("months", bars::months(figures)),
        ]
    };
    let mut files = draw_pictures(&pictures)?;
    files.insert(
        format!("{FRONT}/months.csv"),
        csv(figures, labels).into_bytes(),
    );
    let ids = files
        .iter()
        .map(|(path, bytes)| Ok((path.clone(), Repo::blob_id(bytes)?)));
    let ids = digest(&ids.collect::<Result<_, DataError>>()?);
    let mut block = format!(
        "{BEGIN} rules={VERSION} inputs={mark} files={ids} (what stands from here to the end is written by claude-sync) -->\n"
    );
    block.push_str(&tables(figures, labels));
    for (name, picture) in &pictures {
        block.push_str(&format!(
            "\n{0}\n\n<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"{FRONT}/{name}-dark.svg\">\
             <img alt=\"{0}\" src=\"{FRONT}/{name}-light.svg\"></picture>\n",
            picture.title
        ));
    }
    block.push_str(&format!(
        "\nEvery month by machine and model: [{FRONT}/months.csv]({FRONT}/months.csv)\n{END}"
    ));
    Ok((block, files))
}

/// The pictures as SVG files, each light and dark, by path.
fn draw_pictures(pictures: &[(&str, Picture)]) -> Result<BTreeMap<String, Vec<u8>>, DataError> {
    let mut files = BTreeMap::new();
    for (name, picture) in pictures {
        for (theme, suffix) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            let svg = picture
                .svg(theme)
                .map_err(|error| DataError::Front(error.to_string()))?;
            files.insert(format!("{FRONT}/{name}-{suffix}.svg"), svg.into_bytes());
        }
    }
    Ok(files)
}
