//! Greets whom the event names. `cargo run -p fc-runtime --example greet`, then
//! `curl --data Ada http://127.0.0.1:9000/invoke`.

use fc_runtime::{Diagnostic, Invocation, service_fn};
use serde_json::json;

async fn greet(invocation: Invocation) -> Result<String, Diagnostic> {
    let name = std::str::from_utf8(&invocation.event).map_err(|error| Diagnostic::new("NotText", error.to_string()))?;
    let region = invocation.context.region.as_deref().unwrap_or("a workstation");
    Ok(json!({ "greeting": format!("Hello {name}, from {region}!") }).to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fc_runtime::Error> {
    fc_runtime::run(service_fn(greet)).await
}
