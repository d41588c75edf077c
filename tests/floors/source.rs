//! One file: the modules it declares and the paths it names, tests left out.

use crate::tokens::{Token, tokens};

/// A path in the code, `crate::http::entry`.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// As it is written, `as` left out.
    pub(crate) path: Vec<String>,
    /// The name that a `use` gives it in the file.
    pub(crate) visible: Option<String>,
    /// How many modules of the same file it is inside of.
    pub(crate) depth: usize,
    /// Its line, counted from 1.
    pub(crate) line: usize,
}

impl Import {
    /// The path as it is written.
    pub(crate) fn text(&self) -> String {
        self.path.join("::")
    }
}

/// A `mod name;`.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    /// Its name.
    pub(crate) name: String,
    /// True under `#[cfg(test)]`.
    pub(crate) is_test: bool,
}

/// A file below `src`.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its path below `src`, with slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// The modules it declares.
    pub(crate) declared: Vec<Declared>,
    /// The paths it names.
    pub(crate) imports: Vec<Import>,
}

impl Source {
    /// The file `path` with this text.
    pub(crate) fn parse(path: &str, text: &str) -> Source {
        let mut parser =
            Parser { tokens: tokens(text), at: 0, imports: Vec::new(), declared: Vec::new() };
        parser.items();
        let Parser { imports, declared, .. } = parser;
        Source { path: path.to_owned(), text: text.to_owned(), declared, imports }
    }

    /// Its module, as the names below the crate: none for `lib.rs`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut names: Vec<&str> = path.split('/').collect();
        if matches!(names.last(), Some(&("mod" | "lib" | "main"))) {
            names.pop();
        }
        names
    }

    /// The names of the crate's modules that `import` leads through; none for a path outside of the crate.
    pub(crate) fn resolve<'a>(&'a self, import: &'a Import) -> Option<Vec<&'a str>> {
        let mut here = self.module();
        let mut inside = import.depth;
        let mut rest = import.path.iter().map(String::as_str).peekable();
        match rest.next()? {
            "crate" | "skills_daemon" => here.clear(),
            "self" => {}
            "super" => {
                let mut up = 1;
                while rest.next_if_eq(&"super").is_some() {
                    up += 1;
                }
                let above = up - inside.min(up);
                inside -= inside.min(up);
                here.truncate(here.len().saturating_sub(above));
            }
            _ => return None,
        }
        // What a module inside of the file has stays in the file.
        if inside == 0 || import.path[0] == "crate" {
            here.extend(rest.filter(|name| *name != "self"));
        }
        Some(here)
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    imports: Vec<Import>,
    declared: Vec<Declared>,
}

impl Parser {
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    /// All items of the file, with the modules inside of it.
    fn items(&mut self) {
        // For each open brace: true if it is a module's.
        let mut open: Vec<bool> = Vec::new();
        let mut test = false;
        while self.at < self.tokens.len() {
            let depth = open.iter().filter(|is_module| **is_module).count();
            match self.text(0) {
                "#" => test |= self.attribute(),
                "mod" if self.text(2) == ";" => {
                    self.declared.push(Declared { name: self.text(1).to_owned(), is_test: test });
                    (self.at, test) = (self.at + 3, false);
                }
                _ if test => {
                    self.skip_item();
                    test = false;
                }
                "mod" if self.text(2) == "{" => {
                    open.push(true);
                    self.at += 3;
                }
                "use" => {
                    self.at += 1;
                    self.tree(&mut Vec::new(), depth);
                }
                "{" => {
                    open.push(false);
                    self.at += 1;
                }
                "}" => {
                    open.pop();
                    self.at += 1;
                }
                _ => self.path(depth),
            }
        }
    }

    /// Passes an attribute; true for `#[cfg(test)]`.
    fn attribute(&mut self) -> bool {
        let words: Vec<&str> = (1..6).map(|ahead| self.text(ahead)).collect();
        let is_test = words == ["[", "cfg", "(", "test", ")"];
        self.at += 1;
        if self.text(0) == "!" {
            self.at += 1;
        }
        self.skip_group();
        is_test
    }

    /// Passes an item, up to its semicolon or the end of its block.
    fn skip_item(&mut self) {
        while self.at < self.tokens.len() {
            match self.text(0) {
                ";" => {
                    self.at += 1;
                    return;
                }
                "{" => return self.skip_group(),
                "(" | "[" => self.skip_group(),
                _ => self.at += 1,
            }
        }
    }

    /// Passes a bracket and everything up to the one that closes it.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// A path in the code, or whatever else is there.
    fn path(&mut self, depth: usize) {
        let line = self.tokens[self.at].line;
        let after_path = self.at > 0 && self.tokens[self.at - 1].text == "::";
        let mut path = Vec::new();
        while self.tokens.get(self.at).is_some_and(Token::is_word) {
            path.push(self.text(0).to_owned());
            self.at += 1;
            if self.text(0) != "::" || !self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
                break;
            }
            self.at += 1;
        }
        if path.is_empty() {
            self.at += 1;
        } else if path.len() > 1 && !after_path {
            self.imports.push(Import { path, visible: None, depth, line });
        }
    }

    /// The tree of a `use` below `prefix`.
    fn tree(&mut self, prefix: &mut Vec<String>, depth: usize) {
        let own = prefix.len();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        self.tree(prefix, depth);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    break;
                }
                word => {
                    prefix.push(word.to_owned());
                    self.at += 1;
                    if self.text(0) != "::" {
                        let mut visible = prefix.last().filter(|name| *name != "self").cloned();
                        if self.text(0) == "as" {
                            visible = Some(self.text(1).to_owned());
                            self.at += 2;
                        }
                        let visible = visible.or_else(|| prefix.get(prefix.len() - 2).cloned());
                        self.imports.push(Import { path: prefix.clone(), visible, depth, line });
                        break;
                    }
                }
            }
            if self.at >= self.tokens.len() {
                break;
            }
        }
        prefix.truncate(own);
    }
}
