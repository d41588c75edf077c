//! The rules, each a function from the sources to what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::map;
use crate::source::{Import, Source};

/// Crates and modules that are named in one place only: the path, and the folder below `src`.
pub(crate) const PLACES: [(&str, &str); 23] = [
    ("pyo3", "bin/skills-host"),
    // The resolver; the client and the control program would grow by it.
    ("uv_cache", "bin/skills-host/solver"),
    ("uv_cache_key", "bin/skills-host/solver"),
    ("uv_client", "bin/skills-host/solver"),
    ("uv_configuration", "bin/skills-host/solver"),
    ("uv_distribution", "bin/skills-host/solver"),
    ("uv_distribution_filename", "bin/skills-host/solver"),
    ("uv_distribution_types", "bin/skills-host/solver"),
    ("uv_errors", "bin/skills-host/solver"),
    ("uv_git", "bin/skills-host/solver"),
    ("uv_platform_tags", "bin/skills-host/solver"),
    ("uv_preview", "bin/skills-host/solver"),
    ("uv_pypi_types", "bin/skills-host/solver"),
    ("uv_python", "bin/skills-host/solver"),
    ("uv_resolver", "bin/skills-host/solver"),
    ("uv_small_str", "bin/skills-host/solver"),
    ("uv_types", "bin/skills-host/solver"),
    ("uv_workspace", "bin/skills-host/solver"),
    ("axum", "http"),
    ("tokio_tungstenite", "http/socket"),
    // The only reader of the process environment; these two read it behind their own names.
    ("std::env", "environment"),
    ("which", "environment"),
    ("directories", "environment"),
];

/// The folder of the executables, which is above all floors.
const EXECUTABLES: &str = "bin";

fn lib(sources: &[Source]) -> &Source {
    sources.iter().find(|source| source.path == "lib.rs").expect("a library has a lib.rs")
}

fn floors_of(sources: &[Source]) -> BTreeMap<String, u32> {
    map::rows(lib(sources)).into_iter().map(|(floor, name)| (name, floor)).collect()
}

/// The map has each module once, and nothing else.
pub(crate) fn map(sources: &[Source]) -> Vec<String> {
    let rows = map::rows(lib(sources));
    let declared = lib(sources).declared.iter().filter(|declared| !declared.is_test);
    let modules: BTreeSet<&str> = declared.map(|declared| declared.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (_, name) in &rows {
        if !seen.insert(name.as_str()) {
            faults.push(format!("src/lib.rs: the map has `{name}` twice"));
        } else if !modules.contains(name.as_str()) {
            faults.push(format!(
                "src/lib.rs: the map has `{name}`, which is no module of the library"
            ));
        }
    }
    faults.extend(modules.difference(&seen).map(|name| {
        format!("src/lib.rs: module `{name}` is not in the map; add a row with its floor")
    }));
    faults
}

/// Each import leads to a lower floor, or stays in its module.
pub(crate) fn floors(sources: &[Source]) -> Vec<String> {
    let floors = floors_of(sources);
    let mut faults = Vec::new();
    for source in sources {
        // `lib.rs` itself is the root; the executables are above everything.
        let Some(&from) = source.module().first() else { continue };
        let Some(own) = floors.get(from) else { continue };
        for import in &source.imports {
            let Some(target) = source.resolve(import) else { continue };
            let Some((to, floor)) = target.first().and_then(|to| floors.get_key_value(*to)) else {
                continue;
            };
            if to != from && floor >= own {
                faults.push(format!(
                    "src/{}:{}: `{}` leads from {from} (floor {own}) to {to} (floor {floor})",
                    source.path,
                    import.line,
                    import.text()
                ));
            }
        }
    }
    faults
}

/// The files and folders of one folder, and the imports from each to the others.
#[derive(Default)]
struct Folder<'a> {
    imports: BTreeMap<(&'a str, String), (&'a Source, &'a Import)>,
}

/// No two files or folders beside each other import each other, directly or by way of others.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    let modules: BTreeMap<Vec<&str>, &Source> =
        sources.iter().map(|source| (source.module(), source)).collect();
    let mut folders: BTreeMap<Vec<&str>, Folder> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.path.starts_with(EXECUTABLES)) {
        let here = source.module();
        for import in &source.imports {
            let Some(target) = target(source, import, &modules) else { continue };
            let common = here.iter().zip(&target).take_while(|(a, b)| **a == b.as_str()).count();
            // The first names that differ are beside each other; a parent has no name there.
            if let (Some(from), Some(to)) = (here.get(common), target.get(common)) {
                let folder = folders.entry(here[..common].to_vec()).or_default();
                folder.imports.entry((from, to.clone())).or_insert((source, import));
            }
        }
    }
    // Between the modules of the library the floors are the rule.
    folders.retain(|module, _| !module.is_empty());
    folders.iter().flat_map(|(module, folder)| folder.faults(&module.join("/"))).collect()
}

/// The module that `import` leads to, by way of what its target imports itself from its own children.
fn target(
    source: &Source,
    import: &Import,
    modules: &BTreeMap<Vec<&str>, &Source>,
) -> Option<Vec<String>> {
    let path = source.resolve(import)?;
    let known = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
    let found = modules[&path[..known]];
    let item = path.get(known);
    let passed_on = item.and_then(|item| {
        let mut own = found.imports.iter();
        own.find(|own| own.depth == 0 && own.visible.as_deref() == Some(item))
    });
    let below = passed_on.and_then(|own| {
        let first = own.path.iter().find(|name| *name != "self")?;
        let mut child = path[..known].to_vec();
        child.push(first);
        modules.contains_key(&child).then(|| child.iter().map(ToString::to_string).collect())
    });
    Some(below.unwrap_or_else(|| path[..known].iter().map(ToString::to_string).collect()))
}

impl Folder<'_> {
    /// Each pair that can be reached from each other, once, with an import in each direction.
    fn faults(&self, module: &str) -> Vec<String> {
        let names: BTreeSet<&str> = self.imports.keys().map(|(from, _)| *from).collect();
        let mut faults = Vec::new();
        for (at, a) in names.iter().enumerate() {
            for b in names.iter().skip(at + 1) {
                if let (Some(there), Some(back)) = (self.way(a, b), self.way(b, a)) {
                    faults.push(format!(
                        "src/{module}: {a} and {b} import each other: {there}, {back}"
                    ));
                }
            }
        }
        faults
    }

    /// The first import on a way from `from` to `to`.
    fn way(&self, from: &str, to: &str) -> Option<String> {
        let next = |name: &str| -> Vec<&str> {
            let own = self.imports.keys().filter(|(from, _)| *from == name);
            own.map(|(_, to)| to.as_str()).collect()
        };
        next(from).into_iter().find_map(|first| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![first]);
            while let Some(name) = open.pop() {
                if name == to {
                    let key = self.imports.keys().find(|(a, b)| *a == from && b == first)?;
                    let (source, import) = self.imports[key];
                    let place = format!("src/{}:{}", source.path, import.line);
                    return Some(format!("{place} `{}`", import.text()));
                }
                if seen.insert(name) {
                    open.extend(next(name));
                }
            }
            None
        })
    }
}

/// What belongs to one place is named only there.
pub(crate) fn places(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for import in &source.imports {
            for (path, place) in PLACES {
                let inside = source.path.starts_with(&format!("{place}/"))
                    || source.path == format!("{place}.rs");
                let named = path.split("::").zip(&import.path).filter(|(a, b)| a == b).count();
                if !inside && named == path.split("::").count() {
                    faults.push(format!(
                        "src/{}:{}: `{}` belongs to src/{place}",
                        source.path,
                        import.line,
                        import.text()
                    ));
                }
            }
        }
    }
    faults
}
