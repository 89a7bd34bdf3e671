//! The headers of the platform. It sends empty values for what a function does not have, so empty is absent.

use http::{HeaderMap, HeaderName};

pub(super) const ACCESS_KEY_ID: &str = "x-fc-access-key-id";
pub(super) const ACCESS_KEY_SECRET: &str = "x-fc-access-key-secret";
pub(super) const ACCOUNT_ID: &str = "x-fc-account-id";
pub(super) const CONTROL_PATH: &str = "x-fc-control-path";
pub(super) const FUNCTION_MEMORY: &str = "x-fc-function-memory";
pub(super) const FUNCTION_NAME: &str = "x-fc-function-name";
pub(super) const FUNCTION_TIMEOUT: &str = "x-fc-function-timeout";
pub(super) const QUALIFIER: &str = "x-fc-qualifier";
pub(super) const REGION: &str = "x-fc-region";
pub(super) const REQUEST_ID: &str = "x-fc-request-id";
pub(super) const RETRY_COUNT: &str = "x-fc-retry-count";
pub(super) const SECURITY_TOKEN: &str = "x-fc-security-token";
pub(super) const STATUS: HeaderName = HeaderName::from_static("x-fc-status");
pub(super) const SPAN_CONTEXT: &str = "x-fc-tracing-opentracing-span-context";
pub(super) const VERSION_ID: &str = "x-fc-version-id";

/// The value of a header, or none if it is missing, empty or not text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn missing_empty_blank_and_binary_values_are_absent() {
        let mut headers = HeaderMap::new();
        assert_eq!(text(&headers, REGION), None);
        for value in [&b""[..], b"  ", b"\xff\xfe"] {
            headers.insert(REGION, HeaderValue::from_bytes(value).unwrap());
            assert_eq!(text(&headers, REGION), None, "{value:?}");
        }
        headers.insert(REGION, HeaderValue::from_static("cn-hangzhou"));
        assert_eq!(text(&headers, REGION), Some("cn-hangzhou"));
    }
}
