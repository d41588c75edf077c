//! Why a package is installed: the paths of requirements from owners to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::str::FromStr;

use uv_normalize::{ExtraName, PackageName};
use uv_pep508::{MarkerEnvironment, Requirement, VerbatimUrl};

use crate::installed::Installed;
use crate::requirements::{Owner, Party, Wanted};

/// A path from an owner to a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Whose requirement leads to the package.
    pub owner: Owner,
    /// From the owner's requirement to that of the package: `["fastapi>=0.115", "starlette<0.42"]`.
    pub chain: Vec<String>,
}

/// A package with one of its extras, or without any.
type Node = (PackageName, Option<ExtraName>);

/// Returns the shortest path to `package` from each owner that needs it, in order of seniority.
pub fn why(
    wanted: &Wanted,
    installed: &Installed,
    markers: &MarkerEnvironment,
    package: &PackageName,
) -> Vec<Route> {
    let graph = Graph { installed, markers };
    let route = |party: &Party| {
        let texts = party.requirements.iter().map(|requirement| requirement.text.as_str());
        let chain = graph.path(texts, package)?;
        Some(Route { owner: party.owner.clone(), chain })
    };
    wanted.parties.iter().filter_map(route).collect()
}

struct Graph<'a> {
    installed: &'a Installed,
    markers: &'a MarkerEnvironment,
}

impl Graph<'_> {
    /// Returns the shortest path to `package` from the requirements `first`.
    fn path<'t>(
        &self,
        first: impl Iterator<Item = &'t str>,
        package: &PackageName,
    ) -> Option<Vec<String>> {
        let mut seen: BTreeSet<Node> = BTreeSet::new();
        let mut from: BTreeMap<Node, Option<Node>> = BTreeMap::new();
        let mut by: BTreeMap<Node, String> = BTreeMap::new();
        let mut open = VecDeque::new();
        let mut reach = |text: &str, parent: Option<&Node>, open: &mut VecDeque<Node>| {
            for node in self.nodes(text, parent.and_then(|(_, extra)| extra.as_ref())) {
                if seen.insert(node.clone()) {
                    from.insert(node.clone(), parent.cloned());
                    by.insert(node.clone(), text.to_owned());
                    open.push_back(node);
                }
            }
        };
        for text in first {
            reach(text, None, &mut open);
        }
        let mut end = None;
        while let Some(node) = open.pop_front() {
            if node.0 == *package {
                end = Some(node);
                break;
            }
            let requires = self.installed.packages.get(&node.0).map(|it| it.requires.as_slice());
            for text in requires.unwrap_or_default() {
                reach(text, Some(&node), &mut open);
            }
        }
        let mut chain = Vec::new();
        while let Some(node) = end {
            chain.extend(by.remove(&node));
            end = from.remove(&node).flatten();
        }
        chain.reverse();
        (!chain.is_empty()).then_some(chain)
    }

    /// Returns what a requirement leads to, if it applies here for a package with `extra`.
    fn nodes(&self, text: &str, extra: Option<&ExtraName>) -> Vec<Node> {
        let Ok(requirement) = Requirement::<VerbatimUrl>::from_str(text) else {
            return Vec::new();
        };
        let extras: Vec<ExtraName> = extra.into_iter().cloned().collect();
        if !requirement.evaluate_markers(self.markers, &extras) {
            return Vec::new();
        }
        let name = requirement.name;
        let with_extras =
            requirement.extras.iter().map(|extra| (name.clone(), Some(extra.clone())));
        [(name.clone(), None)].into_iter().chain(with_extras).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::installed::Package;
    use crate::requirements::Requirement as Declared;

    fn name(text: &str) -> PackageName {
        PackageName::from_str(text).unwrap()
    }

    fn package(of: &str, requires: &[&str]) -> (PackageName, Package) {
        let package = Package {
            name: name(of),
            version: "1".parse().unwrap(),
            requires: requires.iter().map(ToString::to_string).collect(),
            extras: Vec::new(),
            requires_python: None,
            url: None,
            dist_info: Path::new("x").to_owned(),
        };
        (name(of), package)
    }

    fn party(owner: Owner, texts: &[&str]) -> Party {
        let requirements = texts.iter().map(|text| Declared {
            text: (*text).to_owned(),
            package: Requirement::<VerbatimUrl>::from_str(text).unwrap().name,
            field: "dependencies[0]".into(),
        });
        Party { owner, requirements: requirements.collect(), requires_python: None }
    }

    fn markers() -> MarkerEnvironment {
        let version = "3.11.7";
        serde_json::from_value(json!({
            "implementation_name": "cpython", "implementation_version": version, "os_name": "posix",
            "platform_machine": "x86_64", "platform_python_implementation": "CPython",
            "platform_release": "6.1", "platform_system": "Linux", "platform_version": "#1",
            "python_full_version": version, "python_version": "3.11", "sys_platform": "linux",
        }))
        .unwrap()
    }

    #[test]
    fn the_shortest_path_from_each_owner_is_found() {
        let installed = Installed {
            packages: BTreeMap::from([
                package("web", &["core<2", "color>=1; extra == 'pretty'", "win; os_name == 'nt'"]),
                package("core", &["leaf", "web"]),
                package("color", &["leaf!=3"]),
                package("leaf", &[]),
            ]),
            ..Installed::default()
        };
        let plugin = |name: &str| Owner::Plugin { name: name.into(), path: name.into() };
        let wanted = Wanted {
            parties: vec![
                party(Owner::Daemon, &["core>=1"]),
                party(plugin("plain"), &["web"]),
                party(plugin("pretty"), &["unknown", "web[pretty]>=1"]),
                party(plugin("none"), &["leafless; os_name == 'nt'"]),
            ],
            ..Wanted::default()
        };
        let paths = |package: &str| -> Vec<String> {
            let routes = why(&wanted, &installed, &markers(), &name(package));
            routes.iter().map(|it| format!("{}: {}", it.owner, it.chain.join(" > "))).collect()
        };
        assert_eq!(
            paths("leaf"),
            [
                "skills-daemon: core>=1 > leaf",
                "plain: web > core<2 > leaf",
                "pretty: web[pretty]>=1 > core<2 > leaf",
            ]
        );
        assert_eq!(paths("color"), ["pretty: web[pretty]>=1 > color>=1; extra == 'pretty'"]);
        assert_eq!(paths("unknown"), ["pretty: unknown"]);
        assert_eq!(paths("win"), [""; 0]);
        assert_eq!(paths("absent"), [""; 0]);
    }
}
