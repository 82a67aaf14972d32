//! scratch
#[path = "../benches/made/mod.rs"]
mod made;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t = made::transcripts::write(std::path::Path::new(&a[1]), a[2].parse::<u64>().unwrap() << 20, 30, 1);
    println!("{t:?}");
}
