//! The module of `deploy/terraform` as Terraform would read it: parsed by a library, with its expressions worked out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hcl::eval::{Context, Evaluate};
use hcl::{Block, Body, Expression, Value};

use crate::functions;
use crate::known::Lists;

/// Belongs to Terraform, not to a resource.
pub(crate) const META: [&str; 4] = ["for_each", "count", "depends_on", "lifecycle"];

pub(crate) fn folder() -> String {
    format!("{}/deploy/terraform", env!("CARGO_MANIFEST_DIR"))
}

/// All its files.
pub(crate) fn body() -> Body {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "tf"));
    files
        .flat_map(|path| hcl::parse(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

pub(crate) fn labels(block: &Block) -> Vec<&str> {
    block.labels().iter().map(hcl::BlockLabel::as_str).collect()
}

/// What Terraform would make: each resource as `type.name` or `type.name[key]`, with its arguments.
pub(crate) type Made = BTreeMap<String, Value>;

/// Works the module out with these variables. Panics where an expression names nothing that is there.
pub(crate) fn made(variables: &[(&str, Value)]) -> Made {
    let body = body();
    let mut world = World::new(&body, variables);
    let mut left: Vec<&Block> = body.blocks().filter(|block| block.identifier() == "resource").collect();
    let mut locals: Vec<_> = body
        .blocks()
        .filter(|block| block.identifier() == "locals")
        .flat_map(|block| block.body().attributes())
        .collect();
    // In the order in which they need each other, which the text does not tell: until none is left.
    while !(left.is_empty() && locals.is_empty()) {
        let before = left.len() + locals.len();
        let mut reasons = Vec::new();
        locals.retain(|local| match local.expr().evaluate(&world.context()) {
            Ok(value) => {
                world.locals.insert(local.key().to_owned(), value);
                false
            }
            Err(error) => {
                reasons.push(format!("local.{}: {error}", local.key()));
                true
            }
        });
        left.retain(|resource| world.make(resource).inspect_err(|reason| reasons.push(reason.clone())).is_err());
        assert!(left.len() + locals.len() < before, "{}", reasons.join("\n"));
    }
    world.check(&body);
    world.made
}

struct World {
    variables: hcl::Map<String, Value>,
    locals: hcl::Map<String, Value>,
    /// By type and name, with what is exported.
    resources: BTreeMap<String, hcl::Map<String, Value>>,
    made: Made,
    lists: Lists,
}

impl World {
    fn new(body: &Body, given: &[(&str, Value)]) -> Self {
        let declared = body.blocks().filter(|block| block.identifier() == "variable");
        let mut variables: hcl::Map<String, Value> = declared
            .map(|block| {
                let default = block.body().attributes().find(|attribute| attribute.key() == "default");
                let default = default.map_or(Value::Null, |default| default.expr().evaluate(&Context::new()).unwrap());
                (labels(block)[0].to_owned(), default)
            })
            .collect();
        for (name, value) in given {
            assert!(variables.insert((*name).to_owned(), value.clone()).is_some(), "no variable {name}");
        }
        Self {
            variables,
            locals: hcl::Map::new(),
            resources: BTreeMap::new(),
            made: Made::new(),
            lists: Lists::of("terraform-arguments"),
        }
    }

    fn context(&self) -> Context<'static> {
        let mut context = Context::new();
        functions::declare(&mut context);
        context.declare_var("var", self.variables.clone());
        context.declare_var("local", self.locals.clone());
        context.declare_var("path", hcl::value!({ "module" = (folder()) }));
        context.declare_var(
            "data",
            hcl::value!({
                "alicloud_account" = { "current" = { "id" = "2234567890123456" } }
                "alicloud_regions" = { "current" = { "regions" = [{ "id" = "cn-shanghai" }] } }
            }),
        );
        for (kind, names) in &self.resources {
            context.declare_var(kind.as_str(), names.clone());
        }
        context
    }

    /// A resource, or one for each key.
    fn make(&mut self, block: &Block) -> Result<(), String> {
        let [kind, name] = labels(block)[..] else { panic!("a resource has two labels") };
        let context = self.context();
        let body = block.body();
        let evaluate = |key: &str| {
            let attribute = body.attributes().find(|attribute| attribute.key() == key);
            attribute.map(|attribute| value(attribute.expr(), &context)).transpose()
        };
        evaluate("depends_on")?;
        let address = format!("{kind}.{name}");
        let whole = if let Some(each) = evaluate("for_each")? {
            let mut whole = hcl::Map::new();
            for (key, each) in pairs(&each) {
                let mut context = context.clone();
                context.declare_var("each", hcl::value!({ "key" = (key.clone()), "value" = (each) }));
                whole.insert(key.clone(), self.one(kind, &format!("{address}[{key}]"), body, &context)?);
            }
            Value::Object(whole)
        } else if let Some(count) = evaluate("count")? {
            let made = (0..count.as_u64().unwrap()).map(|_| self.one(kind, &address, body, &context));
            Value::Array(made.collect::<Result<_, _>>()?)
        } else {
            self.one(kind, &address, body, &context)?
        };
        self.resources.entry(kind.to_owned()).or_default().insert(name.to_owned(), whole);
        Ok(())
    }

    /// With what it exports.
    fn one(&mut self, kind: &str, address: &str, body: &Body, context: &Context) -> Result<Value, String> {
        let arguments = object(body, context)?;
        self.made.insert(address.to_owned(), Value::Object(arguments.clone()));
        let exported =
            self.lists.get("resources", kind).unwrap_or_else(|| panic!("unknown: {kind}"))["attributes"].clone();
        let exported = exported.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        let exported = exported.map(|name| (name.clone(), Value::from(format!("({address}.{name})"))));
        Ok(exported.chain(arguments).collect::<hcl::Map<_, _>>().into())
    }

    /// What stands in the module beside its resources: outputs name what is there, and conditions hold.
    fn check(&self, body: &Body) {
        let context = self.context();
        for output in body.blocks().filter(|block| block.identifier() == "output") {
            let value = output.body().attributes().find(|attribute| attribute.key() == "value").unwrap();
            value.expr().evaluate(&context).unwrap_or_else(|error| panic!("{:?}: {error}", labels(output)));
        }
        let conditions = body.blocks().flat_map(|block| block.body().blocks()).flat_map(|block| {
            let own = (block.identifier() == "validation").then_some(block);
            own.into_iter().chain(block.body().blocks().filter(|inner| inner.identifier() == "precondition"))
        });
        for condition in conditions {
            let expression =
                condition.body().attributes().find(|attribute| attribute.key() == "condition").unwrap().expr();
            assert_eq!(expression.evaluate(&context).unwrap(), Value::Bool(true), "{expression:?}");
        }
    }
}

fn value(expression: &Expression, context: &Context) -> Result<Value, String> {
    expression.evaluate(context).map_err(|error| error.to_string())
}

/// Arguments, and blocks as lists under their names.
fn object(body: &Body, context: &Context) -> Result<hcl::Map<String, Value>, String> {
    let mut made = hcl::Map::new();
    for attribute in body.attributes().filter(|attribute| !META.contains(&attribute.key())) {
        made.insert(attribute.key().to_owned(), value(attribute.expr(), context)?);
    }
    for block in body.blocks().filter(|block| !META.contains(&block.identifier())) {
        let (name, items) = if block.identifier() == "dynamic" {
            (labels(block)[0], repeated(block, context)?)
        } else {
            (block.identifier(), vec![Value::Object(object(block.body(), context)?)])
        };
        if items.is_empty() {
            continue;
        }
        let list = made.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        list.as_array_mut().unwrap().extend(items);
    }
    Ok(made)
}

fn repeated(block: &Block, context: &Context) -> Result<Vec<Value>, String> {
    let each = block.body().attributes().find(|attribute| attribute.key() == "for_each").unwrap();
    let inner = block.body().blocks().next().unwrap();
    let each = pairs(&value(each.expr(), context)?);
    each.into_iter()
        .map(|(key, each)| {
            let mut context = context.clone();
            context.declare_var(labels(block)[0], hcl::value!({ "key" = (key), "value" = (each) }));
            object(inner.body(), &context).map(Value::Object)
        })
        .collect()
}

/// A set's items are their own keys.
fn pairs(each: &Value) -> Vec<(String, Value)> {
    match each {
        Value::Array(items) => {
            items.iter().map(|item| (item.as_str().unwrap_or_default().to_owned(), item.clone())).collect()
        }
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        other => panic!("no collection: {other}"),
    }
}
