//! The default format of RPC 1.0, as small as it can be: a list is its element, repeated.

use serde_json::Value;

pub(crate) fn document(root: &str, body: &Value) -> String {
    format!("<?xml version='1.0' encoding='UTF-8'?>{}", element(root, body))
}

fn element(name: &str, value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| element(name, item)).collect(),
        Value::Object(fields) => {
            wrap(name, &fields.iter().map(|(name, value)| element(name, value)).collect::<String>())
        }
        Value::String(text) => wrap(name, &escape(text)),
        other => wrap(name, &other.to_string()),
    }
}

fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;

    #[test]
    fn a_list_is_its_element_repeated() {
        let body = json!({"Roles": {"Role": [{"RoleName": "a"}, {"RoleName": "b<"}]}});
        let expected = "<?xml version='1.0' encoding='UTF-8'?><R><Roles><Role><RoleName>a</RoleName></Role><Role><RoleName>b&lt;</RoleName></Role></Roles></R>";
        assert_eq!(document("R", &body), expected);
    }
}
