//! x
use claude_sync::transcripts::*;
#[test]
fn t() {
    let r = read_all(&["/work/shared/transcripts".into()], &Default::default(), Privacy::LastComponent);
    println!("{} {:?} {} {:?}", r.records.len(), r.bad_total, r.files, r.bad.first());
    let mut c = claude_sync::records::Counters::default(); let mut m = claude_sync::base::money::Money::ZERO;
    let mut s = std::collections::BTreeSet::new();
    for x in r.records.iter() { c = c.plus(x.body.counters); m = m.plus(x.cost().amount); s.insert(x.origin.session.clone()); if !x.cost().known {println!("{:?}", x.body.model)} }
    println!("{c:?} {m} {}", s.len());
}
