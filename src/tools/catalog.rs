//! The tools of several plugins.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Names, Tool, named, prefix};
use crate::description::Description;
use crate::nearest::nearest;

/// The tools of several plugins, under names no two of which are alike.
#[derive(Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    /// Positions of the entries by name.
    names: HashMap<String, usize>,
}

/// A tool and its plugin.
pub struct Entry {
    /// The plugin.
    pub plugin: Arc<Description>,
    /// The tool.
    pub tool: Tool,
}

impl Catalog {
    /// The tools of all plugins, their names behind that of the plugin.
    pub fn of_all(plugins: impl IntoIterator<Item = Arc<Description>>) -> Catalog {
        let mut names = Names::default();
        let tools = plugins.into_iter().flat_map(|plugin| {
            let tools = named(&plugin, &prefix(&plugin), &mut names);
            tools.into_iter().map(move |tool| Entry { plugin: plugin.clone(), tool })
        });
        Catalog::new(tools.collect())
    }

    /// The tools of one plugin, under their names alone.
    pub fn of_one(plugin: Arc<Description>) -> Catalog {
        let tools = named(&plugin, "", &mut Names::default()).into_iter();
        Catalog::new(tools.map(|tool| Entry { plugin: plugin.clone(), tool }).collect())
    }

    fn new(entries: Vec<Entry>) -> Catalog {
        let names = entries.iter().enumerate();
        let names = names.map(|(at, entry)| (entry.tool.name.clone(), at)).collect();
        Catalog { entries, names }
    }

    /// Those whose plugin or name is one of `names`.
    pub fn only(self, names: &[String]) -> Catalog {
        let is_meant = |entry: &Entry| {
            names.iter().any(|name| *name == entry.plugin.name || *name == entry.tool.name)
        };
        Catalog::new(self.entries.into_iter().filter(is_meant).collect())
    }

    /// All tools, in order of plugins and their commands.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The tool of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(*self.names.get(name)?)
    }

    /// The name that is most like `name`, if one is.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.entries.iter().map(|entry| entry.tool.name.as_str()))
    }
}
