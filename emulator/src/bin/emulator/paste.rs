//! What is printed once the emulator serves: its URL, and what another terminal needs to work with it.

use std::path::Path;

/// The keys of a person, and whose they are.
pub(crate) struct Person<'a> {
    pub(crate) account: &'a str,
    pub(crate) key: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: Option<&'a str>,
}

/// Lines of a POSIX shell. The first one is the URL alone, for programs that start an emulator. What is for people
/// stands behind `:`, since not every shell takes a comment that is typed.
pub(crate) fn lines(url: &str, person: &Person, program: &Path) -> String {
    let Person { account, key, secret, token } = *person;
    let (program, account) = (quote(&program.display().to_string()), quote(account));
    let (key, secret) = (quote(key), quote(secret));
    let token = token.map(|token| format!("export ALIBABA_CLOUD_SECURITY_TOKEN={}\n", quote(token)));
    let token = token.unwrap_or_default();
    // Neither a setting of an earlier exercise nor the journal folder of real work has a part in this one.
    format!(
        "{url}
: account {account}. Paste these lines into another terminal with dts-role-guard on its PATH. Ctrl-C here ends the emulator
unset ALIBABA_CLOUD_SECURITY_TOKEN $(env | sed -n 's/^\\(DTS_GUARD_[A-Z_]*\\)=.*/\\1/p')
export DTS_GUARD_JOURNAL_DIR=\"$(mktemp -d)\"
export DTS_GUARD_RAM_ENDPOINT={url} DTS_GUARD_STS_ENDPOINT={url}
export DTS_GUARD_RESOURCE_MANAGER_ENDPOINT={url}
export ALIBABA_CLOUD_ACCESS_KEY_ID={key} ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}
{token}aliyun() {{ {program} aliyun --url {url} \"$@\"; }}
s() {{ {program} s --account {account} \"$@\"; }}
"
    )
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
