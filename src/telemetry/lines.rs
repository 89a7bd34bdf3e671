//! Events of `tracing` as lines: JSON with the names of the request, the account and the role at the top, or short text
//! for a person at a terminal.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};

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
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::{EnvFilter, Registry};

use super::log::Log;
use super::queue::Weight;

/// What a line is about, in the order in which it stands there: a field of a span, and its name in the log.
const NAMES: [(&str, &str); 4] =
    [("request_id", "requestId"), ("trace_id", "traceId"), ("account", "accountId"), ("role", "roleName")];

/// Turns events into lines.
pub(super) struct Lines {
    log: Log,
    clock: SharedClock,
    in_hand: InHand,
}

/// The spans of runs that are open. A connection outlives a run and works in a task of its own: what it logs belongs to the
/// one run that is in hand, if it is the only one.
#[derive(Default)]
struct InHand(Mutex<Vec<(Id, Map<String, Value>)>>);

impl InHand {
    fn change(&self, change: impl FnOnce(&mut Vec<(Id, Map<String, Value>)>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn begin(&self, id: &Id, fields: &Map<String, Value>) {
        if fields.contains_key("requestId") {
            self.change(|runs| runs.push((id.clone(), names_first(fields.clone(), false))));
        }
    }

    fn end(&self, id: &Id) {
        self.change(|runs| runs.retain(|(run, _)| run != id));
    }

    fn only(&self) -> Map<String, Value> {
        let mut only = Map::new();
        self.change(|runs| {
            let Some((_, first)) = runs.first() else { return };
            if runs.iter().all(|(_, run)| run.get("requestId") == first.get("requestId")) {
                only.clone_from(first);
            }
        });
        only
    }
}

impl Lines {
    pub(super) fn new(log: Log, clock: SharedClock) -> Self {
        Self { log, clock, in_hand: InHand::default() }
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

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.in_hand.begin(id, &fields.0);
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
        self.in_hand.end(&id);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut span = context.event_span(event).map(|span| fields_of(&span)).unwrap_or_default();
        if !span.contains_key("requestId") {
            span.extend(self.in_hand.only());
        }
        let now = self.clock.now();
        let level = *event.metadata().level();
        let weight = if level <= Level::WARN { Weight::News } else { Weight::Chatter };
        if self.log.is_terminal() {
            self.log.say(weight, &self.coloured(&for_a_person(now, level, fields.0, &span)));
        } else {
            self.log.event(weight, now, for_a_program(event.metadata(), fields.0, span));
        }
    }
}

impl Lines {
    fn coloured(&self, text: &str) -> String {
        let choice = match self.log {
            Log::Stdout => AutoStream::choice(&std::io::stdout()),
            Log::Stderr | Log::Off => AutoStream::choice(&std::io::stderr()),
        };
        if choice == ColorChoice::Never { strip_str(text).to_string() } else { text.to_owned() }
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
    names_first(fields.unwrap_or_default(), false)
}

fn names_first(mut fields: Map<String, Value>, with_others: bool) -> Map<String, Value> {
    let names: Map<_, _> = NAMES.iter().filter_map(|(_, name)| fields.remove_entry(*name)).collect();
    if with_others { names.into_iter().chain(fields).collect() } else { names }
}

fn for_a_program(
    metadata: &Metadata<'_>,
    mut event: Map<String, Value>,
    span: Map<String, Value>,
) -> Map<String, Value> {
    let message = event.shift_remove("message");
    let mut line = Map::new();
    line.insert("level".to_owned(), json!(metadata.level().as_str()));
    // A field of the event says more than one of the same name around it.
    line.extend(names_first(span.into_iter().chain(event).collect(), true));
    if let Some(message) = message {
        line.insert("message".to_owned(), message);
    }
    line.insert("target".to_owned(), json!(metadata.target()));
    line
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
pub(super) struct Passing(pub(super) EnvFilter);

impl Passing {
    fn is_ours(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Passing {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        Self::is_ours(metadata) || Filter::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is_ours(metadata) { Interest::always() } else { Filter::<S>::callsite_enabled(&self.0, metadata) }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The spans are of level `ERROR`.
        Filter::<S>::max_level_hint(&self.0).map(|hint| hint.max(LevelFilter::ERROR))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::on_new_span(&self.0, attributes, id, context);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(&self.0, id, record, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(&self.0, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(&self.0, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(&self.0, id, context);
    }
}
