//! Ranked search over tools, by the words of a query.
//!
//! BM25F: a word counts by the field it is in ([`WEIGHTS`]), by its rarity, and less in a long text; further
//! occurrences count less than the first. A word also finds longer and shorter forms of itself and synonyms, and one that
//! occurs nowhere finds similar ones. What a word is, is in [`words`]. To change the ranking: measure before and after with
//! `cargo bench --no-default-features --bench agents`.

#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use serde_json::Value;

use super::Tool;

/// Number of fields of a document.
const FIELDS: usize = 7;
/// Weights of the fields, in the order of [`fields`].
const WEIGHTS: [f32; FIELDS] = [4.0, 3.0, 4.0, 1.5, 1.5, 0.7, 2.0];
/// The share of a word's weight that depends on the length of its field.
const BY_LENGTH: f32 = 0.4;
/// The weight at which a word has half of the greatest score.
const SATURATION: f32 = 1.5;
/// Factor of a synonym.
const SYNONYM: f32 = 0.5;
/// Factor of a longer or shorter form, times the common share of the two.
const FORM: f32 = 0.7;
/// Factor of a similar word.
const SIMILAR: f32 = 0.6;
/// Factor of a word such as `the`.
const COMMON: f32 = 0.1;
/// The fewest characters that are compared with longer, shorter and similar words.
const SHORTEST_FORM: usize = 4;

/// The longest query, in characters; the rest is ignored.
const LONGEST_QUERY: usize = 1000;

/// A command that can be found.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The plugin's description.
    pub about: &'a str,
    /// The command as a tool.
    pub tool: &'a Tool,
}

/// Searchable documents; they are identified by their positions.
#[derive(Debug, Default)]
pub struct Index {
    words: BTreeMap<String, Word>,
    documents: usize,
}

/// Where a word occurs.
#[derive(Debug, Default)]
struct Word {
    rarity: f32,
    /// Documents in ascending order, each with a weight between 0 and 1.
    documents: Vec<(usize, f32)>,
}

impl Index {
    /// Returns an index of `documents`.
    pub fn new<'a>(documents: impl IntoIterator<Item = Document<'a>>) -> Index {
        let texts: Vec<[Vec<String>; FIELDS]> = documents.into_iter().map(fields).collect();
        let documents = texts.len();
        let count = documents as f32;
        let mean: [f32; FIELDS] = std::array::from_fn(|field| {
            texts.iter().map(|fields| fields[field].len() as f32).sum::<f32>() / count
        });
        let mut found: HashMap<String, Vec<(usize, f32)>> = HashMap::new();
        for (position, fields) in texts.into_iter().enumerate() {
            for (field, words) in fields.into_iter().enumerate() {
                let length = words.len() as f32 / mean[field];
                let weight = WEIGHTS[field] / (1.0 - BY_LENGTH + BY_LENGTH * length);
                for word in words {
                    let places = found.entry(word).or_default();
                    match places.last_mut() {
                        Some((last, sum)) if *last == position => *sum += weight,
                        _ => places.push((position, weight)),
                    }
                }
            }
        }
        let word = |mut documents: Vec<(usize, f32)>| {
            let with = documents.len() as f32;
            for (_, weight) in &mut documents {
                *weight /= *weight + SATURATION;
            }
            Word { rarity: (1.0 + (count - with + 0.5) / (with + 0.5)).ln(), documents }
        };
        let words = found.into_iter().map(|(text, documents)| (text, word(documents))).collect();
        Index { words, documents }
    }

    /// Returns the positions of the documents that fit `query`, best first and at most `limit`; equal ones are in order
    /// of position. Words that occur nowhere find nothing, unless they are similar to others.
    pub fn find(&self, query: &str, limit: usize) -> Vec<usize> {
        let end = query.char_indices().nth(LONGEST_QUERY).map_or(query.len(), |(end, _)| end);
        let (common, telling): (Vec<String>, Vec<String>) =
            words::of_text(&query[..end]).into_iter().partition(|word| words::is_common(word));
        let mut scores = vec![0.0; self.documents];
        for word in distinct(&telling) {
            for (score, best) in scores.iter_mut().zip(self.best(word)) {
                *score += best;
            }
        }
        // They decide between names such as `flags_on` and `flags_off`.
        for word in distinct(&common).filter_map(|word| self.words.get(word)) {
            for &(document, weight) in &word.documents {
                if scores[document] > 0.0 || telling.is_empty() {
                    scores[document] += weight * word.rarity * COMMON;
                }
            }
        }
        let mut found: Vec<usize> = (0..self.documents).filter(|&at| scores[at] > 0.0).collect();
        found.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        found.truncate(limit);
        found
    }

    /// The score of each document for `word`: that of its best variant there.
    fn best(&self, word: &str) -> Vec<f32> {
        let own = self.words.get(word).map(|word| word.rarity);
        let mut best = vec![0.0_f32; self.documents];
        for (variant, factor) in self.variants(word) {
            // A variant is worth no more than the word itself.
            let rarity = own.map_or(variant.rarity, |own| own.min(variant.rarity));
            for &(document, weight) in &variant.documents {
                best[document] = best[document].max(weight * rarity * factor);
            }
        }
        best
    }

    /// The indexed words that `word` finds, each with its factor.
    fn variants(&self, word: &str) -> Vec<(&Word, f32)> {
        let mut variants: Vec<(&Word, f32)> =
            self.words.get(word).map(|own| (own, 1.0)).into_iter().collect();
        let synonyms = words::synonyms(word).filter_map(|synonym| self.words.get(synonym));
        variants.extend(synonyms.map(|synonym| (synonym, SYNONYM)));
        if word.chars().count() >= SHORTEST_FORM {
            let share = |short: &str, long: &str| FORM * short.len() as f32 / long.len() as f32;
            let longer = self.beginning(word).filter(|(long, _)| long.len() > word.len());
            variants.extend(longer.map(|(long, found)| (found, share(word, long))));
            let ends = word.char_indices().skip(SHORTEST_FORM).map(|(end, _)| &word[..end]);
            let shorter = ends.filter_map(|short| Some((short, self.words.get(short)?)));
            variants.extend(shorter.map(|(short, found)| (found, share(short, word))));
            if variants.is_empty() {
                variants.extend(self.similar(word).map(|found| (found, SIMILAR)));
            }
        }
        variants
    }

    /// The indexed words that begin with `start`.
    fn beginning(&self, start: &str) -> impl Iterator<Item = (&str, &Word)> {
        let range = (Bound::Included(start), Bound::Unbounded);
        let words = self.words.range::<str, _>(range).map(|(text, word)| (text.as_str(), word));
        words.take_while(move |(text, _)| text.starts_with(start))
    }

    /// The indexed words that a typing error may have made `word` of; the first letter is taken as right.
    fn similar(&self, word: &str) -> impl Iterator<Item = &Word> {
        let errors = if word.chars().count() < 8 { 1 } else { 2 };
        let first = word.chars().next().map_or(0, char::len_utf8);
        let near = move |text: &str| {
            text.len().abs_diff(word.len()) <= 2 * errors
                && strsim::osa_distance(text, word) <= errors
        };
        self.beginning(&word[..first]).filter(move |(text, _)| near(text)).map(|(_, found)| found)
    }
}

/// The words of a document by field: its name without the plugin's, the plugin's name, its title, its description,
/// the names of its arguments, their descriptions, the plugin's description.
fn fields(document: Document<'_>) -> [Vec<String>; FIELDS] {
    let Document { plugin, about, tool } = document;
    let name = tool.name.strip_prefix(plugin).unwrap_or(&tool.name);
    // The title is the first line of the description.
    let description = tool.description.strip_prefix(&tool.title).unwrap_or(&tool.description);
    let arguments = tool.input.get("properties").and_then(Value::as_object);
    let mut names = Vec::new();
    let mut descriptions = Vec::new();
    for (name, schema) in arguments.into_iter().flatten() {
        names.extend(words::of_name(name));
        let text = schema.get("description").and_then(Value::as_str);
        descriptions.extend(words::of_text(text.unwrap_or_default()));
    }
    [
        words::of_name(name),
        words::of_name(plugin),
        words::of_text(&tool.title),
        words::of_text(description),
        names,
        descriptions,
        words::of_text(about),
    ]
}

/// The different ones of `words`, in order.
fn distinct(words: &[String]) -> impl Iterator<Item = &str> {
    let is_first = |at: usize| !words[..at].contains(&words[at]);
    (0..words.len()).filter(move |&at| is_first(at)).map(|at| words[at].as_str())
}
