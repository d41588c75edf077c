//! What a client is offered: the tools of its scope, resources and prompts.
//!
//! All of it comes from descriptions, also those on disk of plugins that are still being loaded, so no client waits for
//! one. An offer is made once for each scope and snapshot of the plugins.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{self, Prompt, Resource, ResourceTemplate, ToolAnnotations};
use serde_json::{Map, Value};

use super::offered::{self, Offered};
use super::scope::Scope;
use super::search;
use crate::description::Description;
use crate::registry::Snapshot;
use crate::settings::agents::Choice;
use crate::tools::result::Structured;
use crate::tools::search::{Document, Index};
use crate::tools::{Catalog, Entry, Tool};

/// What a client is offered.
pub(super) struct Offer {
    /// The tools that it may call.
    pub(super) catalog: Catalog,
    /// Where it finds them, if it is not shown all.
    pub(super) index: Option<Index>,
    /// The tools that it is shown.
    pub(super) tools: Vec<model::Tool>,
    /// Resources and prompts.
    pub(super) offered: Vec<Offered>,
}

impl Offer {
    /// The offer of `plugins` in a scope, which shows at most `most` tools unless it says otherwise.
    pub(super) fn new(plugins: Vec<Arc<Description>>, scope: &Scope, most: usize) -> Offer {
        let is_bare = scope.plugin.is_some();
        let catalog = match &scope.plugin {
            Some(name) => {
                let own = plugins.iter().find(|plugin| plugin.name == *name);
                own.cloned().map(Catalog::of_one).unwrap_or_default()
            }
            None => Catalog::of_all(plugins.iter().cloned()),
        };
        let catalog = match &scope.choice {
            Choice::Some(names) => catalog.only(names),
            _ => catalog,
        };
        let is_searched = match scope.choice {
            Choice::Auto => !is_bare && catalog.entries().len() > most,
            Choice::Search => true,
            Choice::All | Choice::Some(_) => false,
        };
        let mine =
            plugins.iter().filter(|it| scope.plugin.as_ref().is_none_or(|own| it.name == *own));
        let offered = offered::of(mine, is_bare);
        let (index, tools) = match is_searched {
            true => (Some(index(&catalog)), search::tools(&catalog)),
            false => (None, catalog.entries().iter().map(|entry| described(&entry.tool)).collect()),
        };
        Offer { catalog, index, tools, offered }
    }
}

impl Offer {
    /// The prompts.
    pub(super) fn prompts(&self) -> Vec<Prompt> {
        self.offered.iter().filter_map(Offered::prompt).collect()
    }

    /// The resources, and the templates of more.
    pub(super) fn resources(&self) -> (Vec<Resource>, Vec<ResourceTemplate>) {
        let resources = self.offered.iter().filter_map(Offered::resource).collect();
        (resources, self.offered.iter().filter_map(Offered::resource_template).collect())
    }

    /// The prompt of that name.
    pub(super) fn prompt(&self, name: &str) -> Option<&Offered> {
        self.offered.iter().find(|it| it.template.is_none() && it.name == name)
    }

    /// The resources of that template.
    pub(super) fn template(&self, text: &str) -> Option<&Offered> {
        self.offered.iter().find(|it| it.template.as_ref().is_some_and(|own| own.is(text)))
    }

    /// The resource at a URI, and the arguments in that.
    pub(super) fn at(&self, uri: &str) -> Option<(&Offered, Map<String, Value>)> {
        let found = |it| Some((it, Offered::arguments(it, uri)?));
        self.offered.iter().find_map(found)
    }

    /// True if the resource at a URI is of one of these plugins.
    pub(super) fn is_of(&self, uri: &str, plugins: &HashSet<String>) -> bool {
        self.at(uri).is_some_and(|(offered, _)| plugins.contains(&offered.plugin.name))
    }

    /// What a model is to know before its first call.
    pub(super) fn instructions(&self) -> Option<String> {
        let plugins: BTreeMap<&str, &str> = self
            .catalog
            .entries()
            .iter()
            .map(|entry| (entry.plugin.name.as_str(), entry.plugin.description.as_str()))
            .collect();
        if self.index.is_some() {
            return Some(format!(
                "{} commands of {} plugins. Find one with {}, look at its arguments with {} if they are not clear, and \
                 call it with {}.",
                self.catalog.entries().len(),
                plugins.len(),
                search::SEARCH,
                search::DESCRIBE,
                search::CALL,
            ));
        }
        let lines = plugins.iter().filter(|(_, about)| !about.is_empty());
        let lines: Vec<String> = lines.map(|(name, about)| format!("{name}: {about}")).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn index(catalog: &Catalog) -> Index {
    Index::new(catalog.entries().iter().map(|Entry { plugin, tool }| Document {
        plugin: &plugin.name,
        about: &plugin.description,
        tool,
    }))
}

/// A tool as the protocol has it.
fn described(tool: &Tool) -> model::Tool {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let description = text(&tool.description).unwrap_or_else(|| tool.name.clone());
    let mut described = model::Tool::new(tool.name.clone(), description, object(&tool.input));
    described.title = text(&tool.title);
    described.output_schema = tool.output.as_ref().map(|it| Arc::new(Structured::of(it).schema));
    let effect = tool.effect;
    // The others have a meaning only for what changes something.
    let changes = |hint: bool| (!effect.reads_only).then_some(hint);
    described.annotations = Some(ToolAnnotations::from_raw(
        None,
        Some(effect.reads_only),
        changes(effect.destroys),
        changes(effect.is_idempotent),
        None,
    ));
    described
}

/// The object that a schema is.
fn object(schema: &Value) -> Arc<Map<String, Value>> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// The offers of one snapshot.
#[derive(Default)]
pub(super) struct Offers {
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    of: Option<Arc<Snapshot>>,
    offers: HashMap<Scope, Arc<Offer>>,
}

/// How many scopes' offers are kept.
const KEPT: usize = 64;

impl Offers {
    /// The offer of a snapshot in a scope.
    pub(super) fn get(&self, snapshot: &Arc<Snapshot>, scope: &Scope, most: usize) -> Arc<Offer> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, snapshot)) {
            *made = Made { of: Some(snapshot.clone()), offers: HashMap::new() };
        }
        if let Some(offer) = made.offers.get(scope) {
            return offer.clone();
        }
        let plugins = match scope.plugin {
            Some(_) => snapshot.descriptions().collect(),
            None => snapshot.own_descriptions(),
        };
        let offer = Arc::new(Offer::new(plugins, scope, most));
        if made.offers.len() >= KEPT {
            made.offers.clear();
        }
        made.offers.insert(scope.clone(), offer.clone());
        offer
    }
}
