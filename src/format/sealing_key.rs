//! What one key seals and opens.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use super::markers::is_marker;
use super::sealed_head::{MAGIC, is_set};
use crate::base::key::{Key, mac};

/// What stands in place of a line that cannot be opened: no line of any file.
pub(super) const DAMAGED: &str = "\u{fffd}";

/// What one key derives.
#[derive(Clone)]
pub(super) struct Derived {
    /// The two keys of AES-256-SIV.
    pub(crate) keys: [u8; 64],
    /// The key of [`Self::whole`].
    whole: [u8; 32],
    /// The key of statements about the key that replaces it.
    pub(crate) replaced: [u8; 32],
    pub(crate) mark: String,
}

impl Derived {
    pub(crate) fn of(key: &Key) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&key.derive("files 1"));
        bytes[32..].copy_from_slice(&key.derive("files 2"));
        Self {
            keys: bytes,
            whole: key.derive("whole"),
            replaced: key.derive("replaced"),
            mark: key.mark(),
        }
    }
}

/// The lines of a sealed text.
pub(super) struct Lines {
    pub(crate) bytes: Vec<u8>,
    /// Each line is authentic.
    pub(crate) authentic: bool,
    /// It is a set, or the code of the whole text fits.
    pub(crate) fits: bool,
    /// Conflict markers stand in it.
    pub(crate) marked: bool,
}

impl Derived {
    /// The code of a whole text, in a file whose lines mean something by their order.
    pub(super) fn whole(&self, path: &str, bytes: &[u8]) -> [u8; 32] {
        mac(&self.whole, &[path.as_bytes(), b"\0", bytes].concat())
    }

    /// Opens a sealed text, line by line.
    pub(super) fn open(&self, path: &str, bytes: &[u8]) -> Lines {
        let mut out = Lines {
            bytes: Vec::with_capacity(bytes.len()),
            authentic: true,
            fits: is_set(path),
            marked: false,
        };
        let mut cipher = Aes256Siv::new(&self.keys.into());
        let mut whole = None;
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            if is_marker(line) {
                out.marked = true;
                out.bytes.extend_from_slice(line);
            } else if line.starts_with(MAGIC.as_bytes()) {
                continue;
            } else if let Some(code) = line.strip_prefix(b"= ").filter(|_| !is_set(path)) {
                whole = BASE64.decode(code).ok();
                continue;
            } else {
                let sealed = BASE64.decode(line).ok();
                let opened =
                    sealed.and_then(|sealed| cipher.decrypt([path.as_bytes()], &sealed).ok());
                out.authentic &= opened.is_some();
                out.bytes
                    .extend(opened.unwrap_or_else(|| DAMAGED.as_bytes().to_vec()));
            }
            out.bytes.push(b'\n');
        }
        if !is_set(path) {
            out.fits = whole.as_deref() == Some(&self.whole(path, &out.bytes)[..]);
        }
        out
    }
}
