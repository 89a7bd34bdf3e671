//! What a request says of itself.

/// How a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RPC, `SignatureVersion` 1.0, HMAC-SHA1.
    RpcV1,
    /// ACS3-HMAC-SHA256.
    Acs3,
}

/// What a request claims, before any of it is believed.
pub(crate) struct Claim {
    pub(crate) scheme: Scheme,
    pub(crate) access_key_id: String,
    pub(crate) token: Option<String>,
    pub(crate) nonce: String,
    pub(crate) timestamp: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature: String,
}
