//! What the rows before had. Most rows have the names of the row before, so that each name is
//! cleaned, hashed and shared once, and not once a row.

use super::naming::Naming;
use crate::base::ids::{Interner, Name, RecordId, SessionId, token};
use crate::prices::model_name;
use crate::record::{self, Client, Identity};

/// So many models are kept. A session uses two or three.
const MOST_MODELS: usize = 16;

/// What was made of a text, for the next row with the same text.
#[derive(Debug)]
struct Slot<T>(Option<(String, T)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slot<T> {
    #[inline]
    fn of(&mut self, text: &str, make: impl FnOnce() -> T) -> &T {
        // The value is put in place before it is borrowed: a borrow that is returned from one
        // branch would last for the other.
        if self.0.as_ref().is_none_or(|(known, _)| known != text) {
            self.0 = None;
        }
        &self.0.get_or_insert_with(|| (text.to_owned(), make())).1
    }
}

/// Where a row was made, and by which program, as its line and its file state it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'l> {
    /// The whole line.
    pub(super) line: &'l [u8],
    pub(super) session: &'l str,
    /// The working folder.
    pub(super) working: Option<&'l str>,
    pub(super) entrypoint: Option<&'l str>,
    /// The kind of subagent; where there is none, the one beside the file.
    pub(super) agent: Option<&'l str>,
    pub(super) agent_beside: &'static str,
    pub(super) version: Option<&'l str>,
    pub(super) naming: &'l Naming,
}

/// The names of the rows before.
#[derive(Debug, Default)]
pub(crate) struct Before {
    session: Slot<SessionId>,
    project: Slot<Name>,
    nowhere: Slot<Name>,
    client: Option<(Texts, Client)>,
    models: Vec<(String, Name)>,
    tier: Slot<Name>,
    geo: Slot<Name>,
    global: Slot<Option<RecordId>>,
}

/// The texts of a row that its client is made of.
#[derive(Debug)]
struct Texts {
    entrypoint: Option<String>,
    agent: Option<String>,
    version: Option<String>,
}

/// The names of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'b> {
    pub(super) session: &'b SessionId,
    pub(super) project: &'b Name,
    pub(super) client: &'b Client,
}

/// The names of a request beside its row's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'b> {
    pub(super) model: &'b Name,
    pub(super) tier: Option<&'b Name>,
    pub(super) geo: Option<&'b Name>,
}

impl Before {
    /// The id of a row, which is hashed once for all rows of one message.
    pub(super) fn id(&mut self, identity: &Identity) -> RecordId {
        let global = |message| *self.global.of(message, || record::global_id(message));
        let known = identity.message.and_then(global);
        known.unwrap_or_else(|| identity.id(None))
    }

    /// The names of a row, and what makes those of its requests.
    pub(super) fn names<'b>(
        &'b mut self,
        place: &Place,
        interner: &mut Interner,
    ) -> (Names<'b>, Making<'b>) {
        let session = self.session.of(place.session, || {
            SessionId::new(interner.name(&token(place.session, "session", 128)))
        });
        let shown = |path| place.naming.of(path);
        let project = match place.working {
            Some(path) => self.project.of(path, || interner.name(&shown(Some(path)))),
            None => self.nowhere.of("", || interner.name(&shown(None))),
        };
        let names = Names {
            session,
            project,
            client: client(&mut self.client, place, interner),
        };
        let making = Making {
            models: &mut self.models,
            tier: &mut self.tier,
            geo: &mut self.geo,
        };
        (names, making)
    }
}

/// The program of a row. No text of the transcript goes there but known words and version numbers.
fn client<'b>(
    known: &'b mut Option<(Texts, Client)>,
    place: &Place,
    interner: &mut Interner,
) -> &'b Client {
    let same = |texts: &Texts| {
        (
            texts.entrypoint.as_deref(),
            texts.agent.as_deref(),
            texts.version.as_deref(),
        ) == (place.entrypoint, place.agent, place.version)
    };
    if !known.as_ref().is_some_and(|(texts, _)| same(texts)) {
        *known = None;
    }
    let (_, client) = known.get_or_insert_with(|| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let texts = Texts {
            entrypoint: owned(place.entrypoint),
            agent: owned(place.agent),
            version: owned(place.version),
        };
        let entrypoint = place.entrypoint.map_or("", record::entrypoint);
        let agent = place.agent.map_or(place.agent_beside, record::agent);
        let version = place
            .version
            .filter(|version| record::version(version).is_some());
        let client = Client {
            entrypoint: interner.name(entrypoint),
            agent: interner.name(agent),
            version: interner.name(version.unwrap_or_default()),
        };
        (texts, client)
    });
    client
}

/// Makes the names of a row's requests.
#[derive(Debug)]
pub(super) struct Making<'b> {
    models: &'b mut Vec<(String, Name)>,
    tier: &'b mut Slot<Name>,
    geo: &'b mut Slot<Name>,
}

impl Making<'_> {
    pub(super) fn words(
        &mut self,
        model: &str,
        tier: Option<&str>,
        geo: Option<&str>,
        interner: &mut Interner,
    ) -> Words<'_> {
        let at = self.model(model, interner);
        let tier = match tier {
            Some(text) => Some(
                self.tier
                    .of(text, || interner.name(&token(text, "tier", 40))),
            ),
            None => None,
        };
        let geo = match geo {
            Some(text) => Some(self.geo.of(text, || interner.name(&token(text, "geo", 40)))),
            None => None,
        };
        let model = &self.models[at].1;
        Words { model, tier, geo }
    }

    /// The place of a model among those that were seen.
    fn model(&mut self, model: &str, interner: &mut Interner) -> usize {
        let seen = self.models.iter().position(|(known, _)| known == model);
        seen.unwrap_or_else(|| {
            if self.models.len() == MOST_MODELS {
                self.models.clear();
            }
            let name = interner.name(&model_name(model));
            self.models.push((model.to_owned(), name));
            self.models.len() - 1
        })
    }
}
