//! Events of `tracing` as lines: JSON with the names of the request, the account and the role at the top, or short text
//! for a person at a terminal.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aliyun::clock::SharedClock;
use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use authorization::text::{chain, escaped};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::{EnvFilter, Registry};

use super::Log;
use super::cut::LINE_LIMIT;
use super::queue::Priority;

/// What a line is about, in the order in which it stands there: a field of a span, and its name in the log.
const NAMES: [(&str, &str); 4] =
    [("request_id", "requestId"), ("trace_id", "traceId"), ("account", "accountId"), ("role", "roleName")];

pub(super) struct LineLayer {
    log: Log,
    clock: SharedClock,
    /// The spans of runs that are open. A connection outlives a run and works in a task of its own: what it logs belongs to
    /// the one open run, if there is only one.
    open_runs: Mutex<Vec<(Id, Map<String, Value>)>>,
}

impl LineLayer {
    pub(super) fn new(log: Log, clock: SharedClock) -> Self {
        Self { log, clock, open_runs: Mutex::default() }
    }

    fn open_runs(&self) -> MutexGuard<'_, Vec<(Id, Map<String, Value>)>> {
        self.open_runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn only_run(&self) -> Option<Map<String, Value>> {
        let runs = self.open_runs();
        let (_, first) = runs.first()?;
        runs.iter().all(|(_, run)| run.get("requestId") == first.get("requestId")).then(|| first.clone())
    }

    fn coloured(&self, text: &str) -> String {
        let choice = match self.log {
            Log::Stdout => AutoStream::choice(&std::io::stdout()),
            Log::Stderr | Log::Off => AutoStream::choice(&std::io::stderr()),
        };
        if choice == ColorChoice::Never { strip_str(text).to_string() } else { text.to_owned() }
    }
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = NAMES.iter().find(|(name, _)| *name == field.name()).map_or(field.name(), |(_, known)| known);
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, json!(chain(value)));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if fields.0.contains_key("requestId") {
            self.open_runs().push((id.clone(), take_names(&mut fields.0.clone())));
        }
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.open_runs().retain(|(run, _)| *run != id);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut span = context.event_span(event).map(|span| fields_of(&span)).unwrap_or_default();
        if !span.contains_key("requestId") {
            span.extend(self.only_run().into_iter().flatten());
        }
        let now = self.clock.now();
        let level = *event.metadata().level();
        let priority = if level <= Level::WARN { Priority::High } else { Priority::Low };
        if self.log.is_terminal() {
            self.log.say(priority, &self.coloured(&for_a_person(now, level, fields.0, &span)));
        } else {
            self.log.write(priority, LINE_LIMIT, now, for_a_program(event.metadata(), fields.0, span));
        }
    }
}

/// The fields of a span and of those around it.
fn fields_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Map<String, Value> {
    let mut all = Map::new();
    for span in span.scope().from_root() {
        if let Some(Fields(fields)) = span.extensions().get() {
            all.extend(fields.clone());
        }
    }
    all
}

/// What the current span says a line is about.
pub(super) fn about() -> Map<String, Value> {
    let fields = tracing::dispatcher::get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let current = dispatch.current_span();
        Some(fields_of(&registry.span(current.id()?)?))
    });
    take_names(&mut fields.unwrap_or_default())
}

fn take_names(fields: &mut Map<String, Value>) -> Map<String, Value> {
    NAMES.iter().filter_map(|(_, name)| fields.remove_entry(*name)).collect()
}

fn for_a_program(
    metadata: &Metadata<'_>,
    mut event: Map<String, Value>,
    span: Map<String, Value>,
) -> Map<String, Value> {
    let message = event.shift_remove_entry("message");
    // A field of the event says more than one of the same name around it.
    let mut fields = span.into_iter().chain(event).collect();
    let (level, target) = (json!(metadata.level().as_str()), json!(metadata.target()));
    let about = [("level".to_owned(), level)].into_iter().chain(take_names(&mut fields));
    about.chain(fields).chain(message).chain([("target".to_owned(), target)]).collect()
}

fn for_a_person(now: Timestamp, level: Level, mut event: Map<String, Value>, span: &Map<String, Value>) -> String {
    const DIM: Style = Style::new().dimmed();
    let colour = match level {
        Level::ERROR => AnsiColor::Red,
        Level::WARN => AnsiColor::Yellow,
        _ => AnsiColor::Green,
    };
    let style = colour.on_default();
    let plain = |value: &Value| escaped(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str());
    let message = event.shift_remove("message").as_ref().map(plain).unwrap_or_default();
    let time = now.strftime("%H:%M:%S%.3f");
    let mut text = format!("{DIM}{time}{DIM:#} {style}{level:>5}{style:#} {message}");
    // One request is all that a terminal sees.
    let account = span.get("accountId").filter(|_| !event.contains_key("accountId"));
    let about = account.map(|account| ("accountId", account));
    for (name, value) in about.into_iter().chain(event.iter().map(|(name, value)| (name.as_str(), value))) {
        let _ = write!(text, " {DIM}{name}={DIM:#}{}", plain(value));
    }
    text.push('\n');
    text
}

/// What the filter of the settings lets pass, and every span of ours: without them a line would not say what it is about.
pub(super) fn filter<S: Subscriber + for<'a> LookupSpan<'a>>(of_settings: EnvFilter) -> impl Filter<S> {
    let is_ours =
        |metadata: &Metadata<'_>| metadata.is_span() && metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
    // The spans are of level `ERROR`.
    FilterExt::<S>::or(filter_fn(is_ours).with_max_level_hint(LevelFilter::ERROR), of_settings)
}
