//! The portions of a fleet, each with its digest, from the cache or made now.

use std::rc::Rc;

use super::digest::{Digest, FileDigest, PortionDigest, digest};
use super::fingerprints::Fingerprints;
use super::memo::{Cache, Known};
use super::session::SessionSum;
use crate::base::ids::{Interner, MachineId};
use crate::fleet::DataError;
use crate::fleet::limits::{self, LeftOut, Weight};
use crate::fleet::read::{self, Content, InputTrees, Portion, portions};
use crate::format::conflict::Code;
use crate::git::repo::{Blob, Repo};
use crate::store::layout::Path;

/// A portion with its digest.
#[derive(Debug)]
pub(crate) struct Digested {
    /// The machine file or month.
    pub(crate) portion: Portion,
    /// It shares no record with any other portion that is known as compared.
    pub(crate) compared: bool,
    /// Figures.
    pub(crate) digest: Rc<Digest>,
    /// The fingerprint of each record's id.
    pub(super) fingerprints: Fingerprints,
    /// A hash of each session's id, sorted.
    pub(crate) names: Rc<[u64]>,
    /// Its sessions, packed, where it was digested now; else the cache has them. Of a large
    /// fleet's, few are asked for.
    sessions: Option<Box<[u8]>>,
}

impl Digested {
    /// Its sessions, from memory, from the cache, or digested again.
    pub(crate) fn sessions(
        &self,
        repo: &Repo,
        cache: &dyn Cache,
    ) -> Result<Vec<SessionSum>, DataError> {
        let packed = self
            .sessions
            .as_ref()
            .and_then(|packed| postcard::from_bytes(packed).ok());
        match packed.or_else(|| cache.sessions(&self.portion.path, self.portion.oid)) {
            Some(sessions) => Ok(sessions),
            None => Ok(make(repo, cache, &self.portion)?.portion.sessions),
        }
    }

    /// All fingerprints.
    pub(crate) fn all_fingerprints(
        &self,
        repo: &Repo,
        cache: &dyn Cache,
    ) -> Result<std::borrow::Cow<'_, [u32]>, DataError> {
        self.fingerprints.all(&self.portion, cache, || {
            let made = make(repo, cache, &self.portion)?;
            Ok(made.portion.fingerprints().collect())
        })
    }

    /// Those fingerprints that its last comparison with all others has not seen.
    pub(crate) fn fresh_fingerprints(
        &self,
        repo: &Repo,
        cache: &dyn Cache,
    ) -> Result<std::borrow::Cow<'_, [u32]>, DataError> {
        match self
            .fingerprints
            .fresh()
            .filter(|_| !self.portion.is_machine_file)
        {
            Some(fresh) => Ok(fresh.into()),
            // A machine file is compared as a whole: what it repeats may have changed.
            None => self.all_fingerprints(repo, cache),
        }
    }

    /// Those of its fingerprints that are sought; where many are, also a few that are not.
    pub(crate) fn fingerprints_among(
        &self,
        sought: &super::fingerprints::Sought,
        repo: &Repo,
        cache: &dyn Cache,
    ) -> Result<Vec<u32>, DataError> {
        self.fingerprints.among(sought, &self.portion, cache, || {
            let made = make(repo, cache, &self.portion)?;
            Ok(made.portion.fingerprints().collect())
        })
    }
}

/// All portions that are read, those that were there before, and what is left out; of
/// the machine `own` nothing is.
pub(crate) fn digested(
    repo: &Repo,
    trees: InputTrees,
    own: Option<&MachineId>,
    cache: &dyn Cache,
) -> Result<(Vec<Digested>, Gone, LeftOut), DataError> {
    cache.bind(&repo.admission()?);
    let mut known = cache.portions();
    let mut out = Vec::new();
    let weighed = portions(repo, trees)?.into_iter();
    let weighed = weighed.map(|portion| {
        let weight = match known.get(&portion.path) {
            Some(known) if known.oid == portion.oid => known.digest.weight,
            _ => portion.weight(repo)?,
        };
        Ok((portion, weight))
    });
    let (kept, left) = limits::split(weighed.collect::<Result<_, DataError>>()?, own);
    for (portion, weight) in kept {
        out.push(match known.remove(&portion.path) {
            Some(known) if known.oid == portion.oid => Digested::known(portion, known),
            before => Digested::made(repo, cache, (portion, weight), before.as_ref())?,
        });
    }
    let gone = known
        .into_iter()
        .filter(|(_, known)| known.compared)
        .map(|(path, _)| path)
        .collect();
    Ok((out, Gone(gone), left))
}

impl Digested {
    /// A portion as the cache has it.
    fn known(portion: Portion, known: Known) -> Self {
        Self {
            portion,
            compared: known.compared,
            digest: known.digest,
            fingerprints: Fingerprints::Kept(known.fingerprints),
            names: known.names,
            sessions: None,
        }
    }

    /// Reads a portion, and keeps its digest. `before`: what the cache has of an earlier state.
    fn made(
        repo: &Repo,
        cache: &dyn Cache,
        (portion, weight): (Portion, Weight),
        before: Option<&Known>,
    ) -> Result<Self, DataError> {
        let Made {
            portion: mut made,
            always,
        } = make(repo, cache, &portion)?;
        made.digest.weight = weight;
        let fingerprints = Fingerprints::made(&made, before, &portion.path, cache);
        if always {
            cache.keep_portion(&portion.path, portion.oid, &made);
        } else if before.is_some() {
            cache.drop_portion(&portion.path);
        }
        let sessions = postcard::to_allocvec(&made.sessions).ok();
        Ok(Self {
            portion,
            compared: false,
            digest: made.digest.into(),
            fingerprints,
            names: made.names.into(),
            sessions: sessions.map(Vec::into_boxed_slice),
        })
    }
}

/// Paths of portions that were compared with the others, and are not there any more.
#[derive(Debug, Default)]
pub(crate) struct Gone(pub(crate) Vec<String>);

/// A file's digest, from the cache or made now. None where it cannot be read. The cache is bound by
/// [`digested`], which is asked first; one that is not bound has nothing.
pub(crate) fn file(
    repo: &Repo,
    cache: &dyn Cache,
    blob: &Blob,
    kind: &Path,
    names: &mut Interner,
) -> Result<Option<FileDigest>, DataError> {
    match cache.file(&blob.path, blob.oid) {
        Some(known) => Ok(Some(known)),
        None => Ok(read(repo, blob, kind, names)?.digest.ok()),
    }
}

/// What reading a file gave.
struct Read {
    /// Its digest, or the code of what is wrong with it.
    digest: Result<FileDigest, Code>,
    /// It may not be read.
    is_refused: bool,
    /// The next time it is the same: it can be kept.
    always: bool,
}

fn read(repo: &Repo, blob: &Blob, kind: &Path, names: &mut Interner) -> Result<Read, DataError> {
    let (content, always) = read::standing(repo, &blob.path, blob.oid)?;
    let is_refused = matches!(content, Content::Refused(_));
    let digest = match content {
        Content::Bytes(bytes) => digest(&blob.path, kind, &bytes, names),
        Content::TooLarge(_) => Err(Code::TooLarge),
        Content::Refused(refusal) => Err((&refusal).into()),
    };
    Ok(Read {
        digest,
        is_refused,
        always,
    })
}

/// A portion that was digested now.
struct Made {
    portion: PortionDigest,
    /// The next time it is the same: it can be kept.
    always: bool,
}

fn make(repo: &Repo, cache: &dyn Cache, portion: &Portion) -> Result<Made, DataError> {
    let mut names = Interner::default();
    let (mut all, mut new) = (Vec::new(), Vec::new());
    let mut always = true;
    for (blob, kind) in portion.files(repo)? {
        let mut made = cache.file(&blob.path, blob.oid);
        if made.is_none() {
            let read = read(repo, &blob, &kind, &mut names)?;
            always &= read.always;
            made = match read.digest {
                Ok(made) => {
                    if read.always {
                        new.push((blob.path, blob.oid, made.clone()));
                    }
                    Some(made)
                }
                Err(_) if portion.is_machine_file => None,
                Err(code) => Some(FileDigest::unreadable(&blob.path, code, read.is_refused)),
            };
        }
        all.push(made.map(|made| FileDigest {
            rows: Vec::new(),
            ..made
        }));
    }
    cache.keep_files(&new);
    Ok(Made {
        portion: PortionDigest::of(all),
        always,
    })
}
