//! How much of the growth of memory is whose: an estimate, as plain data.

use std::collections::HashMap;

/// The growth of each plugin, by id.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The memory before any growth, in bytes, and at the last sample.
    first: Option<u64>,
    last: u64,
    grown: HashMap<u64, u64>,
}

impl Ledger {
    /// Takes in the resident memory, in bytes; growth since the last sample is split among plugins by their weights,
    /// and shrinking lowers the growth of all in proportion.
    pub(super) fn sample(&mut self, resident: u64, weights: &[(u64, u64)]) {
        let first = *self.first.get_or_insert(resident);
        let growth = resident.saturating_sub(std::mem::replace(&mut self.last, resident));
        let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
        if all > 0 && resident > first {
            for (plugin, weight) in weights {
                let share = u128::from(growth) * u128::from(*weight) / u128::from(all);
                *self.grown.entry(*plugin).or_default() += u64::try_from(share).unwrap_or(u64::MAX);
            }
        }
        let (total, left) = (self.grown.values().sum::<u64>(), resident.saturating_sub(first));
        if total > left {
            for grown in self.grown.values_mut() {
                let scaled = u128::from(*grown) * u128::from(left) / u128::from(total);
                *grown = u64::try_from(scaled).unwrap_or(u64::MAX);
            }
        }
    }

    /// Forgets all plugins but those for which `is_there` holds.
    pub(super) fn keep_only(&mut self, is_there: impl Fn(u64) -> bool) {
        self.grown.retain(|plugin, _| is_there(*plugin));
    }

    /// The growth of a plugin, in bytes.
    pub(super) fn of(&self, plugin: u64) -> u64 {
        self.grown.get(&plugin).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_shared_by_those_that_were_busy_and_shrinks_with_the_whole() {
        let mut ledger = Ledger::default();
        for (resident, weights, expected) in [
            (1000, &[(1, 5), (2, 5)][..], [0, 0]),
            (1100, &[(1, 3), (2, 1)], [75, 25]),
            (1200, &[], [75, 25]),
            (1300, &[(2, 1)], [75, 125]),
            (1100, &[(1, 1)], [37, 62]),
            (900, &[], [0, 0]),
            (1000, &[(1, 1)], [0, 0]),
            (1010, &[(1, 1)], [10, 0]),
        ] {
            ledger.sample(resident, weights);
            assert_eq!([ledger.of(1), ledger.of(2)], expected, "at {resident}");
        }
        ledger.keep_only(|plugin| plugin == 2);
        assert_eq!(ledger.of(1), 0);
    }
}
