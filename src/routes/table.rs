//! Which command a request is for, by an index: 10,000 routes cost what 10 do.
//!
//! Starlette asks its routes in order and takes the first that fits path and method. Here a tree of segments
//! finds all that fit and the one declared first wins, which is the same. Templates that are more than whole
//! segments stand in a list beside the tree, and are asked only if they were declared before the best found.

use std::collections::HashMap;

use regex::Regex;

use crate::command::template::{Convertor, split};
use crate::command::{PathTemplate, Segment};
use crate::description::Description;

/// The index over a plugin's routes.
#[derive(Debug, Default)]
pub struct Table {
    routes: Vec<RouteEntry>,
    root: Node,
    /// By order of declaration.
    irregular: Vec<(usize, Irregular)>,
}

/// One route of the index.
#[derive(Debug, Default)]
struct RouteEntry {
    /// Methods and the index of the command behind each, if it can be called directly; `None` for all methods.
    methods: Option<Vec<(String, Option<usize>)>>,
    /// Names of the whole-segment parameters, in order.
    names: Vec<String>,
}

#[derive(Debug)]
enum Irregular {
    /// Fits what the expression fits.
    Expression(Box<Regex>),
    /// May fit anything that begins so: a mounted application.
    Below(String),
    /// May fit anything.
    Anything,
}

#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<String, Node>,
    parameter: Option<Box<Node>>,
    /// The routes that end here, in order of declaration.
    ends: Vec<usize>,
}

/// A command that can be called directly, and that a request is certain to be for.
#[derive(Debug)]
pub struct Matched<'m> {
    /// Its index, for [`Description::command`].
    pub command: usize,
    /// The path's parameters and their values.
    pub parameters: Vec<(&'m str, &'m str)>,
}

impl Table {
    /// An index over the routes and commands of `description`.
    pub fn new(description: &Description) -> Table {
        let mut table = Table::default();
        for (index, route) in description.routes.iter().enumerate() {
            let methods = route.methods.as_ref();
            let methods = methods.map(|all| all.iter().map(|own| (own.clone(), None)).collect());
            let names = match &route.path {
                None => table.add_irregular(index, Irregular::Anything),
                // Without methods it may be a mount, which takes all below its path.
                Some(path) if route.methods.is_none() => {
                    let below = path.as_str().split('{').next().unwrap_or_default();
                    let below = below.trim_end_matches('/').to_owned();
                    table.add_irregular(index, Irregular::Below(below))
                }
                Some(path) if is_whole(path) => table.root.insert(path.segments(), index),
                Some(path) => table.add_irregular(
                    index,
                    match path.expression() {
                        Some(expression) => Irregular::Expression(Box::new(expression.clone())),
                        None => Irregular::Anything,
                    },
                ),
            };
            table.routes.push(RouteEntry { methods, names });
        }
        for (index, command) in description.all_commands() {
            let direct = table.routes.get_mut(command.route).filter(|_| command.plan().is_some());
            let methods = direct.and_then(|route| route.methods.as_mut()).into_iter().flatten();
            for (_, own) in methods.filter(|(method, _)| *method == command.method) {
                *own = Some(index);
            }
        }
        table
    }

    /// Adds a route that the tree cannot hold; it has no whole-segment parameters.
    fn add_irregular(&mut self, index: usize, irregular: Irregular) -> Vec<String> {
        self.irregular.push((index, irregular));
        Vec::new()
    }

    /// The command that `method` and the decoded `path` below the plugin's prefix are certain to be for.
    ///
    /// `None` leaves the request to FastAPI, 404, 405 and redirects included.
    pub fn find<'m>(&'m self, method: &str, path: &'m str) -> Option<Matched<'m>> {
        // In Starlette's expressions a closing line break counts as the end.
        if path.contains('\n') {
            return None;
        }
        let segments: Vec<&str> = split(path).collect();
        let mut taken = Vec::new();
        let mut best: Option<(usize, Vec<&'m str>)> = None;
        self.root.search(&segments, &mut taken, &mut |index, values| {
            let entry = &self.routes[index];
            if entry.takes(method) && best.as_ref().is_none_or(|(found, _)| index < *found) {
                best = Some((index, values.to_vec()));
            }
        });
        let limit = best.as_ref().map_or(usize::MAX, |(index, _)| *index);
        for (index, irregular) in self.irregular.iter().take_while(|(index, _)| *index < limit) {
            let entry = &self.routes[*index];
            if !entry.takes(method) {
                continue;
            }
            match irregular {
                Irregular::Anything => return None,
                Irregular::Below(prefix) if is_below(path, prefix) => return None,
                Irregular::Below(_) => {}
                Irregular::Expression(expression) => {
                    if let Some(captures) = expression.captures(path) {
                        let named = expression.capture_names().flatten();
                        let values =
                            named.filter_map(|name| Some((name, captures.name(name)?.as_str())));
                        return Some(Matched {
                            command: entry.command(method)?,
                            parameters: values.collect(),
                        });
                    }
                }
            }
        }
        let (index, values) = best?;
        let entry = &self.routes[index];
        let parameters = entry.names.iter().map(String::as_str).zip(values).collect();
        Some(Matched { command: entry.command(method)?, parameters })
    }
}

/// True for a template of literal segments and parameters that take any one segment.
fn is_whole(path: &PathTemplate) -> bool {
    path.segments().iter().all(|segment| match segment {
        Segment::Fixed(_) => true,
        Segment::Parameter { convertor, .. } => *convertor == Convertor::Str,
        Segment::Mixed(_) => false,
    })
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl RouteEntry {
    fn takes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|(own, _)| own == method))
    }

    /// The command of `method`, if it can be called directly.
    fn command(&self, method: &str) -> Option<usize> {
        let mut methods = self.methods.iter().flatten();
        methods.find(|(own, _)| own == method).and_then(|(_, command)| *command)
    }
}

impl Node {
    /// Adds a route and returns the names of its parameters.
    fn insert(&mut self, segments: &[Segment], index: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut node = self;
        for segment in segments {
            node = match segment.parameter() {
                Some(name) => {
                    names.push(name.to_owned());
                    node.parameter.get_or_insert_default()
                }
                None => node.fixed.entry(segment.to_string()).or_default(),
            };
        }
        node.ends.push(index);
        names
    }

    /// Calls `found` with every route that fits and the values of its parameters.
    fn search<'p>(
        &self,
        segments: &[&'p str],
        taken: &mut Vec<&'p str>,
        found: &mut impl FnMut(usize, &[&'p str]),
    ) {
        let Some((first, rest)) = segments.split_first() else {
            for index in &self.ends {
                found(*index, taken);
            }
            return;
        };
        if let Some(next) = self.fixed.get(*first) {
            next.search(rest, taken, found);
        }
        if let Some(next) = &self.parameter
            && !first.is_empty()
        {
            taken.push(first);
            next.search(rest, taken, found);
            taken.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Calling, Command, Plan};
    use crate::description::Route;

    /// A table of routes given as method (empty for all), path (`?` for unknown), and whether it has a plan.
    fn table(routes: &[(&str, &str, bool)]) -> Table {
        let mut description = Description::default();
        for (number, (method, path, planned)) in routes.iter().enumerate() {
            description.routes.push(Route {
                path: (*path != "?").then(|| (*path).into()),
                methods: (!method.is_empty()).then(|| vec![(*method).to_owned()]),
            });
            let plan = Plan { number, begins_on_loop: true, ..Plan::default() };
            description.commands.push(Command {
                path: (*path).into(),
                method: (*method).to_owned(),
                route: number,
                calling: if *planned { Calling::Direct(plan) } else { Calling::default() },
                ..Command::default()
            });
        }
        Table::new(&description)
    }

    fn found(table: &Table, method: &str, path: &str) -> Option<(usize, Vec<String>)> {
        let matched = table.find(method, path)?;
        let parameters = matched.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        Some((matched.command, parameters.collect()))
    }

    fn number(table: &Table, method: &str, path: &str) -> Option<usize> {
        found(table, method, path).map(|(number, _)| number)
    }

    #[test]
    fn the_route_declared_first_wins() {
        let table = table(&[
            ("GET", "/a/{x}", true),
            ("GET", "/a/fixed", true),
            ("GET", "/b/fixed", true),
            ("GET", "/b/{x}", true),
        ]);
        assert_eq!(found(&table, "GET", "/a/fixed"), Some((0, vec!["x=fixed".into()])));
        assert_eq!(number(&table, "GET", "/b/fixed"), Some(2));
        assert_eq!(found(&table, "GET", "/b/other"), Some((3, vec!["x=other".into()])));
    }

    #[test]
    fn methods_and_slashes_are_fastapis_business_where_they_do_not_fit() {
        let table = table(&[
            ("GET", "/a", true),
            ("POST", "/a", true),
            ("GET", "", true),
            ("GET", "/b/", true),
        ]);
        assert_eq!(number(&table, "POST", "/a"), Some(1));
        assert_eq!(number(&table, "DELETE", "/a"), None);
        assert_eq!(number(&table, "GET", "/a/"), None);
        assert_eq!(number(&table, "GET", "//a"), None);
        assert_eq!(number(&table, "GET", ""), Some(2));
        assert_eq!(number(&table, "GET", "/"), None);
        assert_eq!(number(&table, "GET", "/b/"), Some(3));
        assert_eq!(number(&table, "GET", "/a\n"), None);
    }

    #[test]
    fn convertors_and_partial_segments_fit_as_expressions() {
        let table = table(&[
            ("GET", "/f/{p:path}", true),
            ("GET", "/n/{i:int}", false),
            ("GET", "/n/{s}", true),
            ("GET", "/x-{a}.json", true),
        ]);
        assert_eq!(found(&table, "GET", "/f/a/b"), Some((0, vec!["p=a/b".into()])));
        assert_eq!(number(&table, "GET", "/n/12"), None);
        assert_eq!(number(&table, "GET", "/n/one"), Some(2));
        assert_eq!(found(&table, "GET", "/x-1.json"), Some((3, vec!["a=1".into()])));
        assert_eq!(number(&table, "GET", "/x-1xjson"), None);
    }

    #[test]
    fn what_stands_behind_the_unknown_is_not_certain() {
        let table = table(&[
            ("GET", "/a", true),
            ("", "/m", false),
            ("GET", "/m/x", true),
            ("GET", "?", false),
            ("GET", "/z", true),
        ]);
        assert_eq!(number(&table, "GET", "/a"), Some(0));
        assert_eq!(number(&table, "GET", "/m/x"), None);
        assert_eq!(number(&table, "GET", "/z"), None);
        let own = self::table(&[("GET", "/c/{x:mine}", false), ("GET", "/c/d", true)]);
        assert_eq!(number(&own, "GET", "/c/d"), None);
    }
}
