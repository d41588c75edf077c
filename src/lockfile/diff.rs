//! The difference between two locks.

use std::collections::BTreeMap;
use std::fmt;

use super::Locked;

/// What changes from one lock to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The packages that differ, by normalized name.
    pub changes: BTreeMap<String, Change>,
}

/// How a package differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added(Locked),
    /// It is not there any more.
    Removed(Locked),
    /// It is another one: another version, another place, or other files.
    Replaced {
        /// The one before.
        from: Locked,
        /// The one after.
        to: Locked,
    },
}

impl Diff {
    pub(super) fn between(from: &BTreeMap<String, Locked>, to: &BTreeMap<String, Locked>) -> Diff {
        let new = to.iter().filter_map(|(name, to)| {
            let change = match from.get(name) {
                None => Change::Added(to.clone()),
                Some(from) if from.is_as(to) => return None,
                Some(from) => Change::Replaced { from: from.clone(), to: to.clone() },
            };
            Some((name.clone(), change))
        });
        let gone = from.iter().filter(|(name, _)| !to.contains_key(*name));
        let gone = gone.map(|(name, from)| (name.clone(), Change::Removed(from.clone())));
        Diff { changes: new.chain(gone).collect() }
    }

    /// True if both locks install the same.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the names of the packages that are replaced or removed: if one is imported, its modules are old.
    pub fn superseded(&self) -> impl Iterator<Item = &str> {
        let old = |(_, change): &(&String, &Change)| !matches!(change, Change::Added(_));
        self.changes.iter().filter(old).map(|(name, _)| name.as_str())
    }
}

impl Locked {
    /// True if both install the same.
    fn is_as(&self, other: &Locked) -> bool {
        self.version == other.version && self.url == other.url && self.hashes == other.hashes
    }

    /// The version, else where it comes from.
    pub fn shown(&self) -> &str {
        self.version.as_deref().or(self.url.as_deref()).unwrap_or("of any version")
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(to) => write!(f, "+ {}", to.shown()),
            Change::Removed(from) => write!(f, "- {}", from.shown()),
            Change::Replaced { from, to } => write!(f, "{} → {}", from.shown(), to.shown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(packages: &[(&str, &str)]) -> BTreeMap<String, Locked> {
        let locked = |version: &str| Locked { version: Some(version.into()), ..Locked::default() };
        packages.iter().map(|(name, version)| ((*name).to_owned(), locked(version))).collect()
    }

    #[test]
    fn packages_are_added_removed_and_replaced() {
        let old = locked(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let mut new = locked(&[("b", "1"), ("c", "2"), ("d", "1")]);
        let diff = Diff::between(&old, &new);
        let shown: Vec<_> = diff.changes.iter().map(|(name, it)| format!("{name} {it}")).collect();
        assert_eq!(shown, ["a - 1", "c 1 → 2", "d + 1"]);
        assert_eq!(diff.superseded().collect::<Vec<_>>(), ["a", "c"]);
        assert!(Diff::between(&new, &new).is_empty());
        let same = new.clone();
        if let Some(b) = new.get_mut("b") {
            b.size = Some(1);
        }
        assert!(Diff::between(&same, &new).is_empty());
        if let Some(b) = new.get_mut("b") {
            b.hashes.insert("sha256:00".into());
        }
        assert_eq!(Diff::between(&same, &new).superseded().collect::<Vec<_>>(), ["b"]);
    }
}
