//! The member `limits` of a machine file, and of the file in the state folder.

use serde_json::Value;

use crate::base::json::{Doc, Fields, Object};
use crate::record::{PlanLimits, Point, Series, Used, Window};

/// The array, a line per window; none where there are no windows.
pub(crate) fn doc(limits: &PlanLimits) -> Option<Doc> {
    let lines = limits.windows().map(|(series, ends, window)| {
        let points = window.points();
        let points = points.iter();
        let points: Vec<Value> = points
            .map(|point| Value::from(vec![point.seconds(), point.used.hundredths().into()]))
            .collect();
        Object::new()
            .spec("account", series.account.as_str())
            .spec("window", series.window.as_str())
            .spec("ends", ends)
            .spec("points", &Value::from(points))
            .extra(&window.extra)
            .flat()
    });
    let lines: Vec<Doc> = lines.collect();
    (!lines.is_empty()).then_some(Doc::Lines(lines))
}

/// Reads the array. What does not fit is left out: limits are no usage, and never a reason for
/// which a machine file could not be read.
pub(crate) fn read(value: Value) -> PlanLimits {
    let mut out = PlanLimits::default();
    let Value::Array(windows) = value else {
        return out;
    };
    for window in windows {
        let fields = Fields::of(window);
        fields.and_then(|fields| read_window(fields, &mut out));
    }
    out.bound();
    out
}

fn read_window(mut fields: Fields, out: &mut PlanLimits) -> Option<()> {
    let series = Series::new(&fields.text("account").ok()?, &fields.text("window").ok()?)?;
    let ends = fields.time("ends").ok()??;
    let mut window = Window::default();
    for point in fields.array("points").ok()? {
        if let Some(point) = read_point(&point) {
            window.add(point);
        }
    }
    window.extra = fields.rest();
    out.add_window(series, ends, window);
    Some(())
}

fn read_point(value: &Value) -> Option<Point> {
    match value.as_array()?.as_slice() {
        [seconds, used] => Point::new(seconds.as_i64()?, Used::new(used.as_u64()?)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json::file;

    #[test]
    fn what_does_not_fit_is_left_out_and_the_rest_is_canonical() {
        let text = r#"[
            {"window":"five_hour","account":"work","ends":"2026-11-28T15:00:20Z","note":1,
             "points":[[1796000000,100],[1795990000,50],[1,2,3],["a",1],[-5,1],[9,10001],null]},
            {"window":"five_hour","account":"wo rk","ends":"2026-11-28T15:00:00Z","points":[[1,1]]},
            {"window":"five_hour","account":"none","ends":"2026-11-28T15:00:00Z","points":[]},
            {"window":"five_hour","account":"work","ends":7,"points":[[1,1]]},
            {"window":7}, [], null]"#;
        let limits = read(serde_json::from_str(text).expect("JSON"));
        let written = file(&doc(&limits).expect("a window"));
        assert_eq!(
            written,
            "[\n  {\"account\":\"work\",\"window\":\"five_hour\",\"ends\":\"2026-11-28T15:00:00.000Z\",\"points\":[[1795990000,50],[1796000000,100]],\"note\":1}\n]\n"
        );
        let again = read(serde_json::from_str(&written).expect("JSON"));
        assert_eq!(again, limits);
        for odd in ["7", "{}", "\"text\"", "[[[]]]"] {
            assert!(read(serde_json::from_str(odd).expect("JSON")).is_empty());
        }
    }
}
