//! Help on a terminal: two columns, wrapped to its width.

use serde_json::Value;

use crate::console::Style;

use super::super::wrap::{self, padded, visible};
use super::super::{Options, python};
use super::signature::Signature;
use super::{PROGRAM, field, form, is_empty, is_program, list, texts, title};

/// The widest line, in columns: wider ones are hard to follow.
const WIDEST: usize = 100;
/// The widest left column; a wider entry has a line of its own.
const WIDEST_LEFT: usize = 32;
/// The narrowest terminal for two columns; on a narrower one the right column is below the left one.
const NARROWEST_PAIR: usize = 56;
/// Indentation of the right column below the left one.
const BELOW: usize = 10;
/// Number of commands from which on they are grouped by their first word.
const MANY: usize = 12;

/// The widest note in brackets that is not broken, in columns.
const WIDEST_NOTE: usize = 20;
/// The space within such a note.
const UNBROKEN: &str = "\u{a0}";

/// Style and width of a page.
struct Page {
    style: Style,
    width: usize,
}

/// A line of two columns.
struct Pair {
    /// With colours.
    left: String,
    /// With colours; may be empty.
    right: String,
}

/// Help of a plugin.
pub(super) fn plugin(body: &Value, commands: &[Value], options: &Options) -> Vec<String> {
    let page = Page::new(options);
    let Style { bold, dim, reset, .. } = page.style;
    let plugin = field(body, "plugin");
    let name = format!("{bold}{plugin}{reset}");
    let mut lines = page.wrapped(&title(&name, &field(body, "description")), 0);
    if !field(body, "version").is_empty() {
        lines.push(format!("{dim}Version {}{reset}", field(body, "version")));
    }
    lines.push(String::new());
    lines.extend(page.usage(&format!("{plugin} <command> [arguments] [options]")));
    let groups = groups(commands);
    let methods = commands.iter().map(|each| visible(&methods(each))).max().unwrap_or(0);
    let pairs = |group: &[&Value]| -> Vec<Pair> {
        group.iter().map(|each| page.entry(&form(each), each, methods)).collect()
    };
    // One column for all groups: the eye follows it down the page.
    let all: Vec<Vec<Pair>> = groups.iter().map(|(_, group)| pairs(group)).collect();
    let column = page.column(all.iter().flatten());
    for ((heading, _), pairs) in groups.iter().zip(&all) {
        lines.extend(page.heading(heading));
        lines.extend(pairs.iter().flat_map(|pair| page.pair(pair, column)));
    }
    lines.extend(page.examples(body));
    let hint = field(body, "hint");
    if !hint.is_empty() {
        lines.push(String::new());
        lines.extend(page.wrapped(&format!("{dim}{hint}{reset}"), 0));
    }
    lines
}

/// Help of a command: the routes of exactly its name in full, those of longer names as a list.
pub(super) fn command(body: &Value, options: &Options) -> Vec<String> {
    let page = Page::new(options);
    let Style { bold, reset, .. } = page.style;
    let (own, others) = super::routes(body);
    let mut lines = Vec::new();
    for each in own {
        if !lines.is_empty() {
            lines.extend([String::new(), String::new()]);
        }
        lines.extend(page.route(each));
    }
    if others.is_empty() {
        return lines;
    }
    if lines.is_empty() {
        lines.push(format!("{bold}{} {}{reset}", field(body, "plugin"), field(body, "command")));
    }
    let plugin = format!("{} ", field(body, "plugin"));
    let methods = others.iter().map(|each| visible(&methods(each))).max().unwrap_or(0);
    let pairs: Vec<Pair> = others
        .iter()
        .map(|each| {
            let usage = field(each, "usage");
            let typed = usage.strip_prefix(&plugin).unwrap_or(&usage);
            page.entry(typed.trim_end_matches(" [options]"), each, methods)
        })
        .collect();
    lines.extend(page.heading("Commands"));
    lines.extend(page.pairs(&pairs));
    lines
}

impl Page {
    fn new(options: &Options) -> Page {
        Page { style: options.style, width: options.width.min(WIDEST) }
    }

    fn route(&self, body: &Value) -> Vec<String> {
        let Style { bold, dim, reset, .. } = self.style;
        let name = format!("{bold}{} {}{reset}", field(body, "plugin"), field(body, "command"));
        let mut lines = self.wrapped(&title(&name, &field(body, "summary")), 0);
        let description = field(body, "description");
        if !description.is_empty() {
            lines.extend([String::new(), wrap::text(&description, self.width)]);
        }
        let usage = field(body, "usage");
        if !usage.is_empty() {
            lines.push(String::new());
            lines.extend(self.usage(&usage));
        }
        let parameters = list(body, "parameters").unwrap_or_default();
        let in_path = |each: &&Value| field(each, "in") == "path";
        let (arguments, options): (Vec<&Value>, Vec<&Value>) = parameters.iter().partition(in_path);
        let arguments: Vec<Pair> = arguments.iter().map(|each| self.argument(each)).collect();
        let options: Vec<Pair> = options.iter().map(|each| self.option(each)).collect();
        let column = self.column(arguments.iter().chain(&options));
        for (heading, pairs) in [("Arguments", arguments), ("Options", options)] {
            if !pairs.is_empty() {
                lines.extend(self.heading(heading));
                lines.extend(pairs.iter().flat_map(|pair| self.pair(pair, column)));
            }
        }
        lines.extend(self.examples(body));
        let route = match is_program(body) {
            true => format!("{dim}{PROGRAM}{reset}"),
            false => format!("{dim}HTTP: {} {}{reset}", methods(body), field(body, "path")),
        };
        lines.push(String::new());
        lines.extend(self.wrapped(&route, 6));
        lines
    }

    /// Returns a command of a list, with its usage in `typed`; its method in a column of `methods`.
    fn entry(&self, typed: &str, command: &Value, methods: usize) -> Pair {
        let Style { bold, cyan, dim, reset, .. } = self.style;
        let method = padded(&self::methods(command), methods);
        Pair {
            left: format!("  {bold}{cyan}{typed}{reset}"),
            right: format!("{dim}{method}{reset}  {}", field(command, "summary"))
                .trim_end()
                .to_owned(),
        }
    }

    fn argument(&self, body: &Value) -> Pair {
        self.parameter(&format!("<{}>", field(body, "name")), body)
    }

    fn option(&self, body: &Value) -> Pair {
        let name = field(body, "name");
        // `--no-` switches off a default of true.
        let on = Signature::of(body).is_switch() && body.get("default") == Some(&Value::Bool(true));
        self.parameter(&format!("--{}{name}", if on { "[no-]" } else { "" }), body)
    }

    fn parameter(&self, typed: &str, body: &Value) -> Pair {
        let Style { bold, cyan, red, dim, reset, .. } = self.style;
        let signature = Signature::of(body);
        let placeholder = signature.placeholder();
        let mut left = format!("  {bold}{cyan}{typed}{reset}");
        if !placeholder.is_empty() {
            left.push_str(&format!(" {dim}{placeholder}{reset}"));
        }
        let mut right = about(body, &signature);
        let mut note = |text: String, color: &str| {
            let text =
                if visible(&text) <= WIDEST_NOTE { text.replace(' ', UNBROKEN) } else { text };
            let room = if right.is_empty() { "" } else { " " };
            right.push_str(&format!("{room}{color}[{text}]{reset}"));
        };
        if body.get("required") == Some(&Value::Bool(true)) {
            note("required".to_owned(), red);
        }
        if !signature.choices().is_empty() && !signature.shows_choices() {
            note(format!("one of: {}", signature.choices().join(", ")), dim);
        }
        for limit in signature.limits() {
            note(limit, dim);
        }
        if let Some(default) = body.get("default").filter(|default| !is_empty(default))
            && !(signature.is_switch() && *default == Value::Bool(false))
        {
            note(format!("default: {}", shown(default)), dim);
        }
        Pair { left, right }
    }

    fn usage(&self, usage: &str) -> Vec<String> {
        let Style { bold, reset, .. } = self.style;
        self.wrapped(&format!("{bold}Usage:{reset} {usage}"), 7)
    }

    fn heading(&self, text: &str) -> [String; 2] {
        let Style { bold, reset, .. } = self.style;
        [String::new(), format!("{bold}{text}:{reset}")]
    }

    fn examples(&self, body: &Value) -> Vec<String> {
        let examples = texts(body, "examples");
        if examples.is_empty() {
            return Vec::new();
        }
        let mut lines = self.heading("Examples").to_vec();
        // Not wrapped, so that they can be copied.
        lines.extend(examples.iter().map(|example| format!("  {example}")));
        lines
    }

    fn pairs(&self, pairs: &[Pair]) -> Vec<String> {
        let column = self.column(pairs.iter());
        pairs.iter().flat_map(|pair| self.pair(pair, column)).collect()
    }

    /// Returns the start of the right column.
    fn column<'a>(&self, pairs: impl Iterator<Item = &'a Pair>) -> usize {
        if self.width < NARROWEST_PAIR {
            return BELOW;
        }
        let widest = WIDEST_LEFT.min(self.width * 2 / 5);
        let fitting = pairs.map(|pair| visible(&pair.left)).filter(|left| *left <= widest);
        fitting.max().unwrap_or(BELOW) + 2
    }

    fn pair(&self, pair: &Pair, column: usize) -> Vec<String> {
        if pair.right.is_empty() {
            return vec![pair.left.clone()];
        }
        if self.width >= NARROWEST_PAIR && visible(&pair.left) + 2 <= column {
            return self.wrapped(&format!("{}{}", padded(&pair.left, column), pair.right), column);
        }
        let mut lines = self.wrapped(&pair.left, 6);
        lines.extend(self.wrapped(&format!("{}{}", " ".repeat(column), pair.right), column));
        lines
    }

    fn wrapped(&self, line: &str, indent: usize) -> Vec<String> {
        vec![wrap::hanging(line, indent, self.width).replace(UNBROKEN, " ")]
    }
}

/// Groups the commands under headings: all in one group, or those with the same first word in a group each.
fn groups(commands: &[Value]) -> Vec<(String, Vec<&Value>)> {
    let first = |command: &Value| form(command).split(' ').next().unwrap_or_default().to_owned();
    let mut alone: Vec<&Value> = Vec::new();
    let mut groups: Vec<(String, Vec<&Value>)> = Vec::new();
    for command in commands {
        let word = first(command);
        let alike = commands.iter().filter(|other| first(other) == word).count();
        if commands.len() < MANY || alike == 1 {
            alone.push(command);
        } else {
            match groups.iter_mut().find(|(heading, _)| *heading == word) {
                Some((_, group)) => group.push(command),
                None => groups.push((word, vec![command])),
            }
        }
    }
    if !alone.is_empty() || groups.is_empty() {
        groups.insert(0, ("Commands".to_owned(), alone));
    }
    groups
}

/// Returns the description in one line, without a list of choices that the placeholder shows already.
fn about(body: &Value, signature: &Signature) -> String {
    let about = field(body, "description").split_whitespace().collect::<Vec<_>>().join(" ");
    if !signature.shows_choices() {
        return about;
    }
    let list = format!(": {}", signature.choices().join(", "));
    about.strip_suffix(&list).map(str::to_owned).unwrap_or(about)
}

/// Returns a default in the form of a command line.
fn shown(default: &Value) -> String {
    match default {
        Value::Bool(value) => value.to_string(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => python::str(other),
    }
}

fn methods(command: &Value) -> String {
    texts(command, "methods").join(", ")
}
