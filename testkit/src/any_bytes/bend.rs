//! Bends JSON documents: some value of theirs becomes another.

use serde_json::Value;

/// Puts a word in the place of some value of a document.
pub fn bend(value: &mut Value, place: usize, word: Value) {
    let mut places = Vec::new();
    collect(value, String::new(), &mut places);
    let place = &places[place % places.len()];
    if let Some(slot) = value.pointer_mut(place) {
        *slot = word;
    }
}

fn collect(value: &Value, path: String, places: &mut Vec<String>) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, inner)| collect(inner, format!("{path}/{}", escaped(name)), places));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| collect(inner, format!("{path}/{index}"), places));
        }
        _ => {}
    }
    places.push(path);
}
