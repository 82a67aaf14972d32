//! What somebody without the key does to the remote.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::key::{hex, mac};
use claude_sync::format::sealed;
use claude_sync::git::repo::{Entry, FILE};

use super::Memory;
use crate::model::hostile::Attack;

impl Memory {
    /// Does to the remote's branch what an attack is. Says whether that was anything.
    pub(super) fn attack_remote(&mut self, attack: &Attack) -> bool {
        let Some(main) = self.main else { return false };
        match attack {
            Attack::Put(files) => {
                let (mut new, mut gone) = (BTreeMap::new(), BTreeSet::new());
                for (path, bytes) in files {
                    match bytes {
                        Some(bytes) => {
                            let oid = self.repo.write_blob(bytes).expect("stored");
                            // Of a file that was damaged or moved, authentic lines may stay.
                            if sealed::mark(bytes).as_deref()
                                != self.repo.seal().map(sealed::Seal::mark)
                            {
                                self.forged.insert(oid);
                            }
                            new.insert(path.clone(), Entry { mode: FILE, oid });
                        }
                        None => drop(gone.insert(path.clone())),
                    }
                }
                let tree = self
                    .repo
                    .replace(Some(self.root(main)), &new)
                    .expect("a tree");
                let tree = self.repo.without(tree, &gone).expect("a tree");
                self.set_main(self.commit(tree, &[main]));
            }
            Attack::Rewind(count) => match self
                .past
                .len()
                .checked_sub(*count)
                .and_then(|at| self.past.get(at))
                .copied()
            {
                Some(older) => self.set_main(older),
                None => return false,
            },
            Attack::Empty => {
                self.past.extend(self.main.take());
            }
            Attack::Anew => {
                let oid = self.repo.write_blob(b"mallory was here\n").expect("stored");
                let tree = self
                    .repo
                    .replace(
                        None,
                        &BTreeMap::from([("notes.txt".to_owned(), Entry { mode: FILE, oid })]),
                    )
                    .expect("a tree");
                self.set_main(self.commit(tree, &[]));
            }
            // No such tree can be made through the library.
            Attack::Named(..) => return false,
        }
        true
    }
}

/// The fleet's key, the same in every run.
pub(super) fn key_text() -> String {
    let key: Vec<u8> = (0..32).collect();
    let (bytes, mark) = (hex(&key), hex(&mac(&key, b"mark")[..4]));
    format!("claude-sync-key-1-{bytes}-{mark}")
}
