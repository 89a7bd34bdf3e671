//! The pages in Chinese are in step with the English ones: apart from its words, each part of a page is the same in both languages.

use std::fs;
use std::path::Path;

use crate::{anchor, between, page, pages};

const CHINESE: &str = ".zh-CN.md";

/// A page by its name, since links are read from its folder and in its language.
#[derive(Clone, Copy)]
struct Page<'a> {
    name: &'a str,
    text: &'a str,
}

/// A heading, a paragraph, an item of a list, a row of a table or a line of a block, without its words.
#[derive(Debug, PartialEq)]
struct Part {
    kind: String,
    /// The code of each cell of a row; other parts are one cell. Sorted, since each language has its own order of words.
    codes: Vec<Vec<String>>,
    links: Vec<String>,
}

struct Place {
    line: usize,
    part: Part,
    /// What is written in digits. Chinese has more of that: English says "three".
    numbers: Vec<String>,
}

impl Page<'_> {
    fn parts(self) -> Vec<Place> {
        let mut places = Vec::new();
        let mut open: Option<(usize, String, String)> = None;
        let mut in_block = false;
        for (line, text) in (1..).zip(self.text.lines()) {
            let trimmed = text.trim_start();
            let indent = text.len() - trimmed.len();
            let marker = trimmed.split(' ').next().unwrap_or_default();
            let is_item = marker == "*" || marker.strip_suffix('.').is_some_and(|number| number.parse::<u8>().is_ok());
            let is_fence = trimmed.starts_with("```");
            let kind = if in_block || is_fence {
                in_block ^= is_fence;
                // The whole line is the kind: blocks are the same byte for byte, and hold neither code nor links of the page.
                places.extend(open.take().map(|part| self.place(part)));
                places.push(self.place((line, format!("block: {text}"), String::new())));
                continue;
            } else if trimmed.starts_with('#') {
                format!("heading {marker}")
            } else if trimmed.starts_with('|') {
                "row".to_owned()
            } else if is_item {
                format!("item {marker} at {indent}")
            } else {
                format!("paragraph at {indent}")
            };
            match &mut open {
                Some((_, _, whole)) if kind.starts_with("paragraph") && !trimmed.is_empty() => {
                    whole.push(' ');
                    whole.push_str(trimmed);
                }
                _ => {
                    places.extend(open.take().map(|part| self.place(part)));
                    open = (!trimmed.is_empty()).then(|| (line, kind, trimmed.to_owned()));
                }
            }
        }
        places.extend(open.map(|part| self.place(part)));
        places
    }

    fn place(self, (line, kind, text): (usize, String, String)) -> Place {
        let cells = if kind == "row" { text.split('|').collect() } else { vec![text.as_str()] };
        let codes = cells.iter().map(|cell| sorted(cell.split('`').skip(1).step_by(2))).collect();
        let links: Vec<_> = between(&text, "](", ")").into_iter().map(|link| self.target(link)).collect();
        let words: String = text.split('`').step_by(2).collect();
        let figures = words.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let numbers = sorted(figures.map(|figure| figure.trim_matches('.')).filter(|figure| !figure.is_empty()));
        Place { line, part: Part { kind, codes, links: sorted(links.iter().map(String::as_str)) }, numbers }
    }

    /// Where a link leads, said alike in both languages.
    fn target(self, link: &str) -> String {
        let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.name).parent().unwrap().to_owned();
        let english = file.replace(CHINESE, ".md");
        let text = if file.is_empty() {
            self.text.to_owned()
        } else if english.strip_suffix(".md").is_some_and(|stem| folder.join(format!("{stem}{CHINESE}")).exists()) {
            fs::read_to_string(folder.join(file)).unwrap()
        } else {
            return link.to_owned();
        };
        let is_other = !file.is_empty() && file.ends_with(CHINESE) != self.name.ends_with(CHINESE);
        let heading = text.lines().filter(|line| line.starts_with('#')).position(|line| anchor(line) == fragment);
        format!("{english}{}, heading {heading:?}", if is_other { " in the other language" } else { "" })
    }
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut texts: Vec<_> = texts.map(str::to_owned).collect();
    texts.sort();
    texts
}

/// The first place where two pages differ.
fn difference(english: Page<'_>, chinese: Page<'_>) -> Option<String> {
    let (ours, theirs) = (english.parts(), chinese.parts());
    let said = |page: Page<'_>, place: Option<&Place>| match place {
        Some(Place { line, part, numbers }) => format!("{}:{line} has {part:?} and the numbers {numbers:?}", page.name),
        None => format!("{} has ended", page.name),
    };
    (0..ours.len().max(theirs.len())).map(|index| (ours.get(index), theirs.get(index))).find_map(|pair| {
        let is_same = pair.0.zip(pair.1).is_some_and(|(ours, theirs)| {
            ours.part == theirs.part && ours.numbers.iter().all(|number| theirs.numbers.contains(number))
        });
        (!is_same).then(|| format!("{}\n{}", said(english, pair.0), said(chinese, pair.1)))
    })
}

#[test]
fn the_pages_in_chinese_are_in_step_with_the_english_ones() {
    let chinese: Vec<_> = pages().into_iter().filter(|name| name.ends_with(CHINESE)).collect();
    assert_eq!(chinese, ["README.zh-CN.md", "docs/operations.zh-CN.md"]);
    for chinese in &chinese {
        let english = &chinese.replace(CHINESE, ".md");
        let texts = (page(english), page(chinese));
        for (text, other) in [(&texts.0, chinese), (&texts.1, english)] {
            let file = other.rsplit('/').next().unwrap();
            assert!(text.lines().nth(2).unwrap().contains(&format!("]({file})")), "{other} is not named at the top");
        }
        let pair = (Page { name: english, text: &texts.0 }, Page { name: chinese, text: &texts.1 });
        let difference = difference(pair.0, pair.1);
        assert!(difference.is_none(), "the two languages differ first here:\n{}", difference.unwrap_or_default());
    }
}

#[test]
fn a_difference_between_the_languages_is_noticed_where_it_begins() {
    let english = "\
# Title

`one` comes before `two`, in Rust 1.95, as
[below](#second) and [there](operations.md#roll-out).

* an item
* another

| `x` | text |

```sh
run it   # so
```

## First

## Second

1. last
";
    let chinese = "\
# 标题

在 Rust 1.95 中，`two` 在 `one` 之后，见[下文](#第二)和[那里](operations.zh-CN.md#分步上线)。

* 一项
* 又一项

| `x` | 3 个字 |

```sh
run it   # so
```

## 第一

## 第二

1. 最后
";
    let between_them = |chinese: &str| {
        let english = Page { name: "docs/deploying.md", text: english };
        difference(english, Page { name: "docs/deploying.zh-CN.md", text: chinese })
    };
    assert_eq!(between_them(chinese), None);
    for (from, to, line) in [
        ("# 标题", "## 标题", ":1 "),
        ("1.95", "1.94", ":3 "),
        ("`two`", "`three`", ":3 "),
        ("`two`", "two", ":3 "),
        ("(#第二)", "(#第一)", ":3 "),
        ("(operations.zh-CN.md#分步上线)", "(operations.md#roll-out)", ":3 "),
        ("(operations.zh-CN.md#分步上线)", "(operations.zh-CN.md#升级)", ":3 "),
        ("* 又一项\n", "", ":7 "),
        ("* 又一项", "又一项", ":8 "),
        ("* 又一项", "  * 又一项", ":6 "),
        ("| `x` | 3 个字 |", "| 3 个字 | `x` |", ":8 "),
        ("| `x` | 3 个字 |", "| `x` | 3 个字 | |", ":8 "),
        ("```sh", "```bash", ":10 "),
        ("run it   # so", "run it  # so", ":11 "),
        ("## 第一\n", "", ":3 "),
        ("1. 最后", "2. 最后", ":18 "),
        ("1. 最后\n", "", " has ended"),
        ("1. 最后\n", "1. 最后\n\n再说一句。\n", ":20 "),
    ] {
        assert!(chinese.contains(from), "{from}");
        let difference = between_them(&chinese.replacen(from, to, 1)).unwrap_or_default();
        let theirs = difference.lines().last().unwrap_or_default();
        assert!(theirs.starts_with(&format!("docs/deploying.zh-CN.md{line}")), "{from} → {to}: {difference}");
    }
}
