//! Those of Terraform's functions that the module calls.

use std::path::Path;

use hcl::Value;
use hcl::eval::{Context, FuncArgs, FuncDef, ParamType};

type Function = fn(FuncArgs) -> Result<Value, String>;

const FUNCTIONS: [(&str, Function); 15] = [
    ("contains", |args| Ok(array(&args, 0).contains(&args[1]).into())),
    ("file", |args| std::fs::read_to_string(text(&args, 0)).map(Value::from).map_err(|error| error.to_string())),
    ("filebase64", |args| Ok(format!("base64 of {}", file_name(&args)).into())),
    ("filesha256", |args| Ok(format!("sha256 of {}", file_name(&args)).into())),
    ("fileset", |args| fileset(&args)),
    ("join", |args| {
        Ok(array(&args, 1).iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(text(&args, 0)).into())
    }),
    ("jsondecode", |args| serde_json::from_str(text(&args, 0)).map_err(|error| error.to_string())),
    ("jsonencode", |args| Ok(serde_json::to_string(&args[0]).unwrap().into())),
    ("lookup", |args| Ok(args[0].as_object().unwrap().get(text(&args, 1)).unwrap_or(&args[2]).clone())),
    ("merge", |args| Ok(args.into_values().into_iter().flat_map(|map| map.as_object().unwrap().clone()).collect())),
    ("replace", |args| Ok(text(&args, 0).replace(text(&args, 1), text(&args, 2)).into())),
    ("substr", |args| Ok(text(&args, 0).chars().take(12).collect::<String>().into())),
    ("toset", |args| Ok(args[0].clone())),
    ("tostring", |args| Ok(args[0].to_string().into())),
    ("trimsuffix", |args| Ok(text(&args, 0).trim_end_matches(text(&args, 1)).into())),
];

pub(crate) fn declare(context: &mut Context) {
    for (name, function) in FUNCTIONS {
        context.declare_func(name, FuncDef::builder().variadic_param(ParamType::Any).build(function));
    }
}

fn text(args: &FuncArgs, index: usize) -> &str {
    args[index].as_str().unwrap()
}

fn array(args: &FuncArgs, index: usize) -> &Vec<Value> {
    args[index].as_array().unwrap()
}

/// A package need not be there.
fn file_name(args: &FuncArgs) -> String {
    Path::new(text(args, 0)).file_name().unwrap().to_str().unwrap().to_owned()
}

fn fileset(args: &FuncArgs) -> Result<Value, String> {
    let (front, end) = text(args, 1).split_once('*').ok_or("a pattern has a star")?;
    let entries = std::fs::read_dir(text(args, 0)).map_err(|error| error.to_string())?;
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    Ok(names.into_iter().filter(|name| name.starts_with(front) && name.ends_with(end)).collect())
}
