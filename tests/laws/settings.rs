//! The published schema and the program take the same settings.

use std::fs;

use claude_sync::store::settings::{self, SCHEMA, Settings};
use serde_json::{Value, json};

use crate::laws::world::World;

#[test]
fn the_schema_and_the_program_agree() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let world = World::new();
    let samples = [
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(36500),
        json!(36501),
        json!(2_678_401),
        json!("x"),
        json!("90d"),
        json!("0d"),
        json!("36501d"),
        json!("last"),
        json!("hash"),
        json!("transit"),
        json!("both"),
        json!("queue_for_later"),
        json!("UTC"),
        json!("Europe/Berlin"),
        json!("monday"),
        json!("desc"),
        json!(["cost"]),
        json!("skip_session"),
        json!([]),
        json!([1, 2]),
        json!(["a"]),
        json!([2_678_401]),
        json!(["~/a", "/b/*"]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": 1}),
        json!({ "a": "b".repeat(101) }),
    ];
    for setting in settings::settings() {
        let mut taken = 0;
        for sample in &samples {
            let path = world.path().join("config.json");
            let _ = fs::remove_file(&path);
            let mut file = Settings::open(&path).expect("opens");
            let is_taken = file.set(&setting.key, Some(sample.clone())).is_ok();
            let whole = setting
                .key
                .rsplit('.')
                .fold(sample.clone(), |value, part| json!({ part: value }));
            assert_eq!(
                is_taken,
                validator.is_valid(&whole),
                "{} = {sample}",
                setting.key
            );
            assert_eq!(path.exists(), is_taken);
            taken += u32::from(is_taken);
        }
        assert!(taken > 0, "{}", setting.key);
    }
    let ran = world.machine("ada").sync(&["config", "schema"]);
    assert_eq!(ran.out, SCHEMA);
}
