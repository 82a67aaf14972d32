//! Single charts as pictures.

use crate::verbs::fleet;
use crate::world::World;

#[test]
fn empty_periods_have_pictures_too() {
    let world = World::new();
    let ada = fleet(&world);
    for chart in [
        "cost", "tokens", "calendar", "machines", "projects", "hours",
    ] {
        for args in [&[][..], &["--dark"], &["--since", "2030-01-01"]] {
            let ran = ada.track(&[&["svg", chart, "-z", "UTC"], args].concat());
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{chart} {args:?}");
            assert!(
                ran.out.starts_with("<svg ") && ran.out.trim_end().ends_with("</svg>"),
                "{}",
                ran.out
            );
        }
    }
    let ran = ada.track(&["svg", "cots"]);
    assert!(ran.code == 2 && ran.err.contains("'cost'"), "{}", ran.err);
}
