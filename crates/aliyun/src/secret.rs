//! Secrets that cannot be printed by accident.
//!
//! A [`Secret`] has no `Display` and no `Serialize`, its `Debug` is redacted, and its memory is wiped on drop. The only
//! way to the text is [`ExposeSecret::expose_secret`], so that a search for that word finds every use.
//!
//! ```compile_fail,E0277
//! println!("{}", aliyun::secret::Secret::from("key"));
//! ```
//! ```compile_fail,E0277
//! serde_json::to_string(&aliyun::secret::Secret::from("key")).unwrap();
//! ```

pub use secrecy::zeroize::{Zeroize, Zeroizing};
pub use secrecy::{ExposeSecret, SecretString as Secret};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        let shown = format!("{:?}", Secret::from("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
