//! Keys from a profile of the vendor's CLI, for a terminal only (source of the file's form: `aliyun/aliyun-cli`, folder
//! `config`).
//!
//! The caller reads the file. No error shows a value that may be a secret.

use std::io;
use std::sync::Arc;

use authorization::text::sanitized;
use serde::{Deserialize, Deserializer};

use super::AssumeRole;
use super::{Credentials, Source};
use crate::secret::{ExposeSecret, Secret};

/// What a run signs with, and the role that it takes on first, if the profile has one.
#[derive(Debug, Clone)]
pub struct ProfileKeys {
    /// The profile's own.
    pub credentials: Credentials,
    /// `RamRoleArn`: the profile's keys do nothing but enter this role.
    pub role: Option<AssumeRole>,
}

/// Which profile is meant, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileChoice<'a> {
    /// `--profile`.
    Argument(&'a str),
    /// `ALIBABA_CLOUD_PROFILE`.
    Variable(&'a str),
    /// Nobody: it is the file's current one.
    Current,
}

/// Why the file of profiles gives no keys. It continues a sentence whose subject is the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileError(String);

impl From<io::Error> for ProfileError {
    /// There is no file, or it is not a plain one, too large, or another user's.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self("does not exist; set the variables, or run `aliyun configure`".to_owned()),
            _ => Self(format!("cannot be read: {error}")),
        }
    }
}

impl ProfileError {
    fn not_json(error: &serde_json::Error) -> Self {
        Self(format!("is not JSON (line {}, column {})", error.line(), error.column()))
    }

    fn other_type(path: &str) -> Self {
        Self(format!("is not as the CLI writes it: `{path}` has another type"))
    }
}

/// Without `expired_seconds`, as in the vendor's SDKs.
const DURATION: u32 = 3600;
const SHORTEST_DURATION: u32 = 900;

/// The name that the CLI gives its first profile.
const FIRST: &str = "default";

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProfilesFile {
    current: Option<String>,
    profiles: Option<Vec<Profile>>,
}

// No `Debug`: it carries keys. Every field may be absent, `null` or empty, which all mean the same.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    name: Option<String>,
    mode: Option<String>,
    access_key_id: Option<String>,
    #[serde(deserialize_with = "secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "secret")]
    sts_token: Option<Secret>,
    ram_role_arn: Option<String>,
    ram_session_name: Option<String>,
    external_id: Option<String>,
    expired_seconds: Option<u32>,
}

fn secret<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(reader)?.map(Secret::from))
}

impl ProfileKeys {
    /// Reads the keys of one profile out of the CLI's file.
    ///
    /// # Errors
    /// With what is wrong with the file or the profile, and what to do about it.
    pub fn read(file: &[u8], wanted: ProfileChoice<'_>) -> Result<Self, ProfileError> {
        let file = parse(file)?;
        let current = file.current.as_deref().filter(|name| !name.is_empty()).unwrap_or(FIRST);
        let (name, by) = match wanted {
            ProfileChoice::Argument(name) => (name, "`--profile` names"),
            ProfileChoice::Variable(name) => (name, "`ALIBABA_CLOUD_PROFILE` names"),
            ProfileChoice::Current => (current, "is its current one"),
        };
        let profiles = file.profiles.unwrap_or_default();
        let is_it = |profile: &&Profile| profile.name.as_deref().unwrap_or_default() == name;
        if let Some(profile) = profiles.iter().find(is_it) {
            return profile.keys(name);
        }
        let names = profiles.iter().filter_map(|profile| profile.name.as_deref());
        let names: Vec<_> = names.map(|name| format!("`{}`", sanitized(name))).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(ProfileError(format!("has no profile `{}`, which {by}; it has {there}", sanitized(name))))
    }
}

/// Serde's own messages quote values, and it reads a list, by the order of its values, like an object.
fn parse(bytes: &[u8]) -> Result<ProfilesFile, ProfileError> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ProfileError::other_type("."));
    }
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    let file = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let path = sanitized(&error.path().to_string());
        if error.inner().is_data() { ProfileError::other_type(&path) } else { ProfileError::not_json(error.inner()) }
    })?;
    reader.end().map_err(|error| ProfileError::not_json(&error))?;
    Ok(file)
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl Profile {
    fn keys(&self, name: &str) -> Result<ProfileKeys, ProfileError> {
        let id = given(self.access_key_id.as_deref());
        let secret = given(self.access_key_secret.as_ref().map(ExposeSecret::expose_secret));
        let token = given(self.sts_token.as_ref().map(ExposeSecret::expose_secret));
        let arn = given(self.ram_role_arn.as_deref());
        let session = given(self.ram_session_name.as_deref());
        let pair = [("`access_key_id`", id.is_some()), ("`access_key_secret`", secret.is_some())];
        // The CLI takes its modes in any case of the letters.
        let mode = given(self.mode.as_deref()).unwrap_or_default();
        let (needed, token, has_role) = match mode.to_ascii_lowercase().as_str() {
            "ak" => (pair.to_vec(), None, false),
            "ststoken" => ([&pair[..], &[("`sts_token`", token.is_some())]].concat(), token, false),
            "ramrolearn" => {
                let role = [("`ram_role_arn`", arn.is_some()), ("`ram_session_name`", session.is_some())];
                ([pair, role].concat(), token, true)
            }
            "" => (vec![("`mode`", false)], None, false),
            _ => {
                return Err(ProfileError(format!(
                    "has the profile `{}` with the mode `{}`, and only `AK`, `StsToken` and `RamRoleArn` are supported; \
                     choose another one with `--profile`, or set the variables",
                    sanitized(name),
                    sanitized(mode)
                )));
            }
        };
        let missing: Vec<_> = needed.into_iter().filter(|(_, is_there)| !is_there).map(|(field, _)| field).collect();
        let (Some(id), Some(secret), true) = (id, secret, missing.is_empty()) else {
            let (name, missing) = (sanitized(name), missing.join(" and "));
            return Err(ProfileError(format!(
                "has the profile `{name}` without {missing}; run `aliyun configure`, or set the variables"
            )));
        };
        let credentials = Credentials {
            access_key_id: id.to_owned(),
            access_key_secret: Secret::from(secret),
            security_token: token.map(Secret::from),
            source: Source::Profile(Arc::from(name)),
        };
        let role = match (arn, session) {
            (Some(arn), Some(session)) if has_role => Some(AssumeRole {
                role_arn: arn.to_owned(),
                session_name: session.to_owned(),
                duration_seconds: self.duration(name)?,
                policy: None,
                external_id: given(self.external_id.as_deref()).map(str::to_owned),
            }),
            _ => None,
        };
        Ok(ProfileKeys { credentials, role })
    }

    fn duration(&self, name: &str) -> Result<u32, ProfileError> {
        match self.expired_seconds.unwrap_or_default() {
            0 => Ok(DURATION),
            // STS gives no keys for so short a time.
            seconds if seconds < SHORTEST_DURATION => Err(ProfileError(format!(
                "has the profile `{}` with `expired_seconds` {seconds}, and STS takes 900 or more",
                sanitized(name)
            ))),
            seconds => Ok(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(profile: &Value) -> Vec<u8> {
        json!({"current": "work", "profiles": [{"name": "other", "mode": "EcsRamRole"}, profile], "meta_path": ""})
            .to_string()
            .into_bytes()
    }

    fn profile(mode: &str) -> Value {
        json!({
            "name": "work", "mode": mode, "access_key_id": "LTAI5tWork", "access_key_secret": "hunter2",
            "sts_token": "token", "ram_role_arn": "acs:ram::1234567890123456:role/guard", "ram_session_name": "alice",
            "external_id": "", "expired_seconds": 0, "region_id": "cn-hangzhou", "retry_count": 3,
        })
    }

    fn read(profile: &Value) -> Result<ProfileKeys, ProfileError> {
        ProfileKeys::read(&file(profile), ProfileChoice::Current)
    }

    #[test]
    fn each_mode_takes_what_the_cli_takes() {
        for (mode, token, role) in
            [("AK", None, false), ("StsToken", Some("token"), false), ("ramrolearn", Some("token"), true)]
        {
            let keys = read(&profile(mode)).unwrap();
            assert_eq!(keys.credentials.access_key_id, "LTAI5tWork");
            assert_eq!(keys.credentials.access_key_secret.expose_secret(), "hunter2");
            assert_eq!(keys.credentials.security_token.as_ref().map(ExposeSecret::expose_secret), token, "{mode}");
            assert_eq!(keys.credentials.source.to_string(), "the profile `work`");
            assert_eq!(keys.role.is_some(), role, "{mode}");
        }
    }

    #[test]
    fn a_role_is_entered_as_the_profile_says() {
        let mut profile = profile("RamRoleArn");
        let asked = |profile: &Value| read(profile).unwrap().role.unwrap();
        let role = asked(&profile);
        assert_eq!((&*role.role_arn, &*role.session_name), ("acs:ram::1234567890123456:role/guard", "alice"));
        assert_eq!((role.duration_seconds, role.external_id, role.policy), (3600, None, None));
        profile["expired_seconds"] = json!(900);
        profile["external_id"] = json!("outside");
        let role = asked(&profile);
        assert_eq!((role.duration_seconds, role.external_id.as_deref()), (900, Some("outside")));
        profile["expired_seconds"] = json!(899);
        let text = "has the profile `work` with `expired_seconds` 899, and STS takes 900 or more";
        assert_eq!(read(&profile).unwrap_err().to_string(), text);
    }

    #[test]
    fn what_is_empty_null_or_absent_is_named() {
        for empty in [json!(""), json!(" \n"), Value::Null] {
            let mut profile = profile("StsToken");
            profile["access_key_secret"] = empty.clone();
            profile["sts_token"] = empty;
            let text = read(&profile).unwrap_err().to_string();
            assert!(text.contains("`work` without `access_key_secret` and `sts_token`"), "{text}");
        }
        let text = read(&json!({"name": "work", "mode": "RamRoleArn"})).unwrap_err().to_string();
        for field in ["access_key_id", "access_key_secret", "ram_role_arn", "ram_session_name"] {
            assert!(text.contains(field), "{text}");
        }
        let text = read(&json!({"name": "work", "mode": ""})).unwrap_err().to_string();
        assert!(text.contains("without `mode`"), "{text}");
    }

    #[test]
    fn any_other_mode_is_named() {
        for mode in ["EcsRamRole", "CloudSSO", "OAuth", "ChainableRamRoleArn", "External", "OIDC", "Anonymous", "new"] {
            let text = read(&profile(mode)).unwrap_err().to_string();
            assert!(
                text.contains(&format!("`{mode}`")) && text.contains("`AK`, `StsToken` and `RamRoleArn`"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_profile_is_the_one_that_was_asked_for() {
        let file = file(&profile("AK"));
        let name = |wanted| ProfileKeys::read(&file, wanted).unwrap().credentials.source.to_string();
        assert_eq!(name(ProfileChoice::Argument("work")), "the profile `work`");
        assert_eq!(name(ProfileChoice::Variable("work")), name(ProfileChoice::Current));
        for (wanted, words) in [
            (ProfileChoice::Argument("x"), "no profile `x`, which `--profile` names; it has `other`, `work`"),
            (ProfileChoice::Variable("x"), "`ALIBABA_CLOUD_PROFILE` names"),
        ] {
            let text = ProfileKeys::read(&file, wanted).unwrap_err().to_string();
            assert!(text.contains(words), "{text}");
        }
        for (empty, name) in
            [("{}", "default"), (r#"{"current": "", "profiles": null}"#, "default"), (r#"{"current": "gone"}"#, "gone")]
        {
            let text = ProfileKeys::read(empty.as_bytes(), ProfileChoice::Current).unwrap_err().to_string();
            assert_eq!(text, format!("has no profile `{name}`, which is its current one; it has none"));
        }
    }

    #[test]
    fn no_error_shows_what_the_file_holds() {
        for (text, words) in [
            ("", "is not JSON (line 1"),
            ("access_key_secret=hunter2", "is not JSON (line 1, column 1)"),
            (r#"{"profiles": []} hunter2"#, "is not JSON (line 1, column 18)"),
            (r#"["hunter2"]"#, "is not as the CLI writes it"),
            (r#"{"profiles": [{"name": "a", "access_key_secret": 12345}]}"#, "`profiles[0].access_key_secret`"),
            (r#"{"profiles": [{"name": "a", "expired_seconds": "hunter2"}]}"#, "`profiles[0].expired_seconds`"),
            ("{\"profiles\": [{\"access_key_secret\": \"hunter2\n", "is not JSON (line 2"),
        ] {
            let shown = ProfileKeys::read(text.as_bytes(), ProfileChoice::Current).err().unwrap().to_string();
            assert!(shown.contains(words) && !shown.contains("hunter2") && !shown.contains("12345"), "{text}: {shown}");
        }
        assert!(ProfileKeys::read(&[0xff, 0xfe], ProfileChoice::Current).is_err());
    }
}
