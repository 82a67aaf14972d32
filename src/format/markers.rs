//! Git's conflict markers in a text.

/// How marker lines begin: ours, base, theirs, end.
const MARKERS: [&[u8]; 4] = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"];

/// Whether a line is one of git's markers.
pub(crate) fn is_marker(line: &[u8]) -> bool {
    MARKERS.iter().any(|marker| line.starts_with(marker))
}

/// The two versions in a text in which git left conflict markers; none where there are no markers,
/// or where they do not pair up.
pub(crate) fn sides(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    #[derive(PartialEq)]
    enum At {
        Both,
        Ours,
        Base,
        Theirs,
    }
    let mut at = At::Both;
    let mut found = false;
    let (mut ours, mut theirs) = (
        Vec::with_capacity(bytes.len()),
        Vec::with_capacity(bytes.len()),
    );
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let marker = MARKERS.iter().position(|marker| line.starts_with(marker));
        at = match (marker, at) {
            (Some(0), At::Both) => At::Ours,
            (Some(1), At::Ours) => At::Base,
            (Some(2), At::Ours | At::Base) => At::Theirs,
            (Some(3), At::Theirs) => {
                found = true;
                At::Both
            }
            (Some(_), _) => return None,
            (None, at) => {
                if matches!(at, At::Both | At::Ours) {
                    ours.extend_from_slice(line);
                }
                if matches!(at, At::Both | At::Theirs) {
                    theirs.extend_from_slice(line);
                }
                at
            }
        };
    }
    (found && at == At::Both).then_some((ours, theirs))
}
