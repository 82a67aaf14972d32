//! Stands in the place of `git`: says that it is called, and ends when the file `go` is there.
//! Compiled by `tests/windows/smoke.py`; it is no part of the programs.

use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(std::env::var_os("HOLD").expect("HOLD names a folder"));
    std::fs::write(folder.join("called"), "").expect("written");
    // At most a minute, so that a test that fails leaves nothing behind.
    for _ in 0..600 {
        if folder.join("go").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    std::process::exit(1);
}
