//! Which route a request is for, by an index: 10,000 routes cost what 10 do.
//!
//! Starlette asks its routes in order and takes the first that fits path and method. Here a tree of segments
//! finds all that fit and the one declared first wins, which is the same. Patterns that are more than whole
//! segments stand in a list beside the tree, and are asked only if they were declared before the best found.

use std::collections::HashMap;

use regex::Regex;

use super::pattern::{Pattern, Segment, split};
use super::{Plan, Route};

/// The index over a plugin's routes.
#[derive(Debug, Default)]
pub struct Table {
    routes: Vec<Entry>,
    root: Node,
    /// By order of declaration.
    irregular: Vec<(usize, Irregular)>,
    reads_bodies: bool,
}

#[derive(Debug)]
struct Entry {
    methods: Option<Vec<String>>,
    plan: Option<Plan>,
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

/// A planned route that a request is certain to be for.
#[derive(Debug)]
pub struct Matched<'t, 'p> {
    /// How to call it.
    pub plan: &'t Plan,
    /// The path's parameters and their values.
    pub parameters: Vec<(&'t str, &'p str)>,
}

impl Table {
    /// An index over `routes`, which stand in order of declaration.
    pub fn new(routes: &[Route]) -> Table {
        let mut table = Table::default();
        for (index, route) in routes.iter().enumerate() {
            let mut names = Vec::new();
            match route.path.as_deref().map(Pattern::read) {
                Some(Ok(Pattern::Segments(segments))) => {
                    names = table.root.insert(&segments, index);
                }
                Some(Ok(Pattern::Expression(expression))) => {
                    table.irregular.push((index, Irregular::Expression(expression)));
                }
                Some(Err(_)) | None => table.irregular.push((index, Irregular::Anything)),
            }
            // Without methods, and without a plan, it may be a mount, which takes all below its path.
            if let (Some(path), None, None) = (&route.path, &route.methods, &route.plan) {
                let below = path.split('{').next().unwrap_or_default().trim_end_matches('/');
                table.irregular.push((index, Irregular::Below(below.to_owned())));
            }
            table.reads_bodies |= route.plan.as_ref().is_some_and(Plan::reads_body);
            table.routes.push(Entry {
                methods: route.methods.clone(),
                plan: route.plan.clone(),
                names,
            });
        }
        table
    }

    /// True if one of the plans needs a request's body.
    pub fn reads_bodies(&self) -> bool {
        self.reads_bodies
    }

    /// The planned route that `method` and the decoded `path` below the plugin's prefix are certain to be for.
    ///
    /// `None` means: ask FastAPI. It is the right one for 404, 405 and redirects, too.
    pub fn find<'t, 'p>(&'t self, method: &str, path: &'p str) -> Option<Matched<'t, 'p>> {
        // In Starlette's expressions a closing line break counts as the end.
        if path.contains('\n') {
            return None;
        }
        let segments: Vec<&str> = split(path).collect();
        let mut taken = Vec::new();
        let mut best: Option<(usize, Vec<&'p str>)> = None;
        self.root.search(&segments, &mut taken, &mut |index, values| {
            let entry = &self.routes[index];
            if entry.takes(method) && best.as_ref().is_none_or(|(found, _)| index < *found) {
                best = Some((index, values.to_vec()));
            }
        });
        let mut limit = best.as_ref().map_or(usize::MAX, |(index, _)| *index);
        let mut parameters: Option<Vec<(&str, &str)>> = None;
        for (index, irregular) in self.irregular.iter().take_while(|(index, _)| *index < limit) {
            let entry = &self.routes[*index];
            if !entry.takes(method) {
                continue;
            }
            match irregular {
                Irregular::Anything => return None,
                Irregular::Below(prefix) => {
                    if path
                        .strip_prefix(prefix.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    {
                        return None;
                    }
                }
                Irregular::Expression(expression) => {
                    if let Some(captures) = expression.captures(path) {
                        let named = expression.capture_names().flatten();
                        parameters = Some(
                            named
                                .filter_map(|name| Some((name, captures.name(name)?.as_str())))
                                .collect(),
                        );
                        limit = *index;
                        break;
                    }
                }
            }
        }
        if limit == usize::MAX {
            return None;
        }
        let entry = &self.routes[limit];
        let plan = entry.plan.as_ref()?;
        let parameters = match (parameters, best) {
            (Some(parameters), _) => parameters,
            (None, Some((_, values))) => {
                entry.names.iter().map(String::as_str).zip(values).collect()
            }
            (None, None) => return None,
        };
        Some(Matched { plan, parameters })
    }
}

impl Entry {
    fn takes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|own| own == method))
    }
}

impl Node {
    /// Adds a route and returns the names of its parameters.
    fn insert(&mut self, segments: &[Segment], index: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut node = self;
        for segment in segments {
            node = match segment {
                Segment::Fixed(text) => node.fixed.entry(text.clone()).or_default(),
                Segment::Parameter(name) => {
                    names.push(name.clone());
                    node.parameter.get_or_insert_default()
                }
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

    fn table(routes: &[(&str, &str, bool)]) -> Table {
        let routes: Vec<Route> = routes
            .iter()
            .enumerate()
            .map(|(number, (method, path, planned))| Route {
                path: (*path != "?").then(|| (*path).to_owned()),
                methods: (!method.is_empty()).then(|| vec![(*method).to_owned()]),
                plan: planned.then(|| Plan {
                    number,
                    begins_on_loop: true,
                    parameters: Vec::new(),
                }),
                why: None,
                documented: None,
            })
            .collect();
        Table::new(&routes)
    }

    fn found(table: &Table, method: &str, path: &str) -> Option<(usize, Vec<String>)> {
        let matched = table.find(method, path)?;
        let parameters = matched.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        Some((matched.plan.number, parameters.collect()))
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
