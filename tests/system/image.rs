//! Reads the images of the change log: doubles beyond what SQLite prints exactly are texts `n:digits`, which stand for
//! `digits` times 2^62 to the power of `n`.

use serde_json::Value as Json;

/// An image, with every double beyond SQLite's print as the number it stands for.
pub(crate) fn read(text: &str) -> serde_json::Map<String, Json> {
    let mut image: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    let members = image.as_object_mut().unwrap_or_else(|| panic!("{text} is no object"));
    for value in members.values_mut() {
        if let Some(number) = value.as_str().and_then(scaled) {
            *value = number.into();
        }
    }
    std::mem::take(members)
}

fn scaled(text: &str) -> Option<f64> {
    let (steps, digits) = text.split_once(':')?;
    let steps: i32 = steps.parse().ok()?;
    let digits: f64 = digits.parse().ok()?;
    let inside = (1e-70..=1e70).contains(&digits.abs());
    let step = 2_f64.powi(62);
    let apply = |number: f64, _| if steps > 0 { number * step } else { number / step };
    (steps != 0 && inside).then(|| (0..steps.abs()).fold(digits, apply))
}

#[test]
fn scaled_doubles_are_exact() {
    assert_eq!(scaled("1:2.1684043449710089"), Some(1e19));
    assert_eq!(scaled("10:30:00"), None);
    assert_eq!(scaled("-1:4611686018427387904"), Some(1.0));
    assert_eq!(scaled("0:1.5"), None);
}
