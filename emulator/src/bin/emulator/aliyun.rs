//! `aliyun PRODUCT OPERATION --Name value …`, as the vendor's command line tool does it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use emulator::signed_form;

use crate::http;

/// Longer than any fault but `hang`.
const PATIENCE: Duration = Duration::from_mins(1);

/// Calls an operation of the emulator, as the vendor's `aliyun` calls the cloud's
///
/// The keys are those of `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_SECRET` and `ALIBABA_CLOUD_SECURITY_TOKEN`. Prints the reply;
/// the exit code is 1 if that is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: aliyun ram GetRole --RoleName AliyunDTSDefaultRole")]
pub(crate) struct Arguments {
    /// Where the emulator is, as it prints it
    #[arg(long)]
    url: String,
    /// Whose operation it is
    product: Product,
    /// Its name, such as GetRole
    operation: String,
    /// Its parameters: `--Name value`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "--NAME VALUE")]
    parameters: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Product {
    Ram,
    Sts,
    #[value(name = "resourcemanager")]
    ResourceManager,
}

impl Product {
    fn version(self) -> &'static str {
        match self {
            Self::Ram => "2015-05-01",
            Self::Sts => "2015-04-01",
            Self::ResourceManager => "2020-03-31",
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let address = arguments.url.strip_prefix("http://").unwrap_or(&arguments.url);
    let form = arguments.form()?;
    let head = ["content-type: application/x-www-form-urlencoded".to_owned()];
    let answer = http::post(address, "/", &head, &form, PATIENCE)?;
    writeln!(io::stdout(), "{}", answer.body)?;
    Ok(if answer.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    fn form(&self) -> io::Result<String> {
        let time = now();
        let given = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
        let mut params: BTreeMap<String, String> = [
            ("Action", self.operation.clone()),
            ("Version", self.product.version().to_owned()),
            ("Format", "JSON".to_owned()),
            ("AccessKeyId", given("ALIBABA_CLOUD_ACCESS_KEY_ID")),
            ("SecurityToken", given("ALIBABA_CLOUD_SECURITY_TOKEN")),
            ("SignatureMethod", "HMAC-SHA1".to_owned()),
            ("SignatureVersion", "1.0".to_owned()),
            ("SignatureNonce", format!("{}-{}", std::process::id(), time.as_nanosecond())),
            ("Timestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for pair in self.parameters.chunks(2) {
            let [name, value] = pair else {
                return Err(io::Error::other(format!("`{}` has no value", pair.concat())));
            };
            let name = name.strip_prefix("--").ok_or_else(|| {
                io::Error::other(format!("`{name}` is not the name of a parameter, such as `--RoleName`"))
            })?;
            params.insert(name.to_owned(), value.clone());
        }
        Ok(signed_form(&given("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), &params))
    }
}

#[expect(clippy::disallowed_methods, reason = "a client reads its own clock")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
