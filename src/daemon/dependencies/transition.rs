//! `(state, input) → (state, effects)`.

use std::time::Duration;

use super::aside::{self, Aside, Reason};
use super::search::{Found, Search};
use super::{Change, Effect, Fault, Input, Order, PAUSE_MAX, PAUSE_MIN, State, Step};
use crate::failure::{Failure, Kind};
use crate::requirements::{Owner, Party};
use crate::solver::{Conflict, Explanation, Missing, Verdict};

impl State {
    /// Returns the state after `input`, and what to do about it, in order.
    pub(in crate::daemon) fn transition(mut self, input: Input) -> (State, Vec<Effect>) {
        let step = std::mem::take(&mut self.step);
        let effects = match (step, input) {
            (step, Input::Wanted(asked, order, number)) => {
                self.asked = asked;
                self.requests.last = number;
                self.order(step, order)
            }
            (step, Input::Ordered(order)) => self.order(step, order),
            (Step::Checking(change), Input::Checked(checked)) => self.checked(change, checked),
            (Step::Locking(change), Input::Locked(locked)) => self.locked(change, locked),
            (Step::Explaining(change, output), Input::Explained(explained)) => {
                self.explained(change, output, explained)
            }
            (Step::Building(change), Input::Built(built)) => self.built(change, built),
            (Step::Swapping(change), Input::Swapped(swapped)) => self.swapped(change, swapped),
            (Step::Idle, Input::PauseOver) if self.failure.is_some() || self.has_unusable() => {
                self.aside.retain(|aside| !aside.is_unusable());
                self.begin(Order::default())
            }
            (Step::Replacing, Input::PauseOver) => {
                self.step = Step::Replacing;
                vec![Effect::Replace]
            }
            (Step::Replacing, Input::Kept(failure)) => {
                self.step = Step::Replacing;
                self.failure = Some(failure);
                vec![Effect::Report, self.pause()]
            }
            (step, _) => self.stay(step),
        };
        (self, effects)
    }

    fn stay(&mut self, step: Step) -> Vec<Effect> {
        self.step = step;
        Vec::new()
    }

    fn order(&mut self, step: Step, order: Order) -> Vec<Effect> {
        if step == Step::Idle {
            return self.begin(order);
        }
        self.next = Some(match self.next.take() {
            Some(next) => next.and(order),
            None => order,
        });
        self.stay(step)
    }

    fn begin(&mut self, order: Order) -> Vec<Effect> {
        self.requests.begun = self.requests.last;
        let wanted = &self.asked.wanted.parties;
        if order.again {
            self.aside.clear();
        }
        self.aside.retain(|aside| wanted.contains(&aside.party));
        let includes_aside = !self.aside.is_empty();
        let parties = wanted.clone();
        self.check(Change { order, parties, includes_aside, ..Change::default() })
    }

    fn check(&mut self, change: Change) -> Vec<Effect> {
        let parties = change.parties.clone();
        self.step = Step::Checking(change);
        vec![Effect::Check(parties)]
    }

    fn lock(&mut self, change: Change) -> Vec<Effect> {
        let size = change.search.as_ref().map_or(change.parties.len(), Search::size);
        let parties = change.parties[..size].to_vec();
        let upgrade = change.order.upgrade.clone();
        self.step = Step::Locking(change);
        vec![Effect::Lock(parties, upgrade)]
    }

    fn checked(&mut self, change: Change, checked: Result<Verdict, Failure>) -> Vec<Effect> {
        match checked {
            Ok(Verdict::Satisfied { .. }) => {
                self.satisfied = change.parties.clone();
                if change.includes_aside {
                    self.aside.clear();
                }
                match change.order.resolves {
                    true => self.lock(change),
                    false => self.end(),
                }
            }
            Ok(Verdict::Unsatisfied(missing)) => self.unsatisfied(change, &missing),
            // Whose requirement it is, the search finds out.
            Err(failure) => self.search(change, failure.error),
        }
    }

    fn unsatisfied(&mut self, mut change: Change, missing: &[Missing]) -> Vec<Effect> {
        if std::mem::take(&mut change.includes_aside) {
            self.aside = aside::still_aside(&self.aside, &self.asked.wanted.parties);
            let accepted = self.accepted(&change);
            if accepted != change.parties {
                change.parties = accepted;
                return self.check(change);
            }
        }
        let lacks = |party: &Party| missing.iter().any(|missing| missing.owner == party.owner);
        self.satisfied = change.parties.iter().filter(|party| !lacks(party)).cloned().collect();
        let mut effects = vec![Effect::Report];
        effects.extend(self.lock(change));
        effects
    }

    fn accepted(&self, change: &Change) -> Vec<Party> {
        let is_given_up = |owner: &Owner| change.given_up.contains(owner);
        let (wanted, serving) = (&self.asked.wanted.parties, &self.asked.serving);
        aside::accepted(wanted, serving, &self.aside, is_given_up)
    }

    fn locked(&mut self, change: Change, locked: Result<bool, Fault>) -> Vec<Effect> {
        match locked {
            Ok(_) if change.search.as_ref().is_some_and(|search| !search.builds) => {
                self.searched(change, Ok(()))
            }
            Ok(true) if !change.order.locks_only => {
                self.step = Step::Building(change);
                vec![Effect::Report, Effect::Build]
            }
            // An attempt of a search that would install nothing else than what is there.
            Ok(_) if change.search.is_some() => self.searched(change, Ok(())),
            Ok(_) => self.swap(change),
            Err(Fault::NoSolution(output) | Fault::Build(output)) if change.search.is_some() => {
                self.searched(change, Err(output))
            }
            Err(Fault::NoSolution(output) | Fault::Build(output)) => self.explain(change, output),
            Err(Fault::Passing(failure)) => self.fail(failure, true),
            Err(Fault::Other(failure)) => self.fail(failure, false),
        }
    }

    fn explain(&mut self, change: Change, output: String) -> Vec<Effect> {
        let parties = change.parties.clone();
        self.step = Step::Explaining(change, output);
        vec![Effect::Explain(parties)]
    }

    fn explained(
        &mut self,
        change: Change,
        output: String,
        explained: Result<Explanation, Fault>,
    ) -> Vec<Effect> {
        let explanation = match explained {
            Ok(explanation) => explanation,
            Err(Fault::Passing(failure)) => return self.fail(failure, true),
            Err(_) => Explanation::Solvable,
        };
        match explanation {
            Explanation::Conflict(conflict) => self.conflict(change, conflict, output),
            Explanation::Impossible { owner: Owner::Daemon, chain, reason } => {
                let needed = chain.join(", which needs ");
                let error = format!("the daemon itself needs {needed}, but {reason}");
                self.fail(Failure::environment(error), false)
            }
            Explanation::Impossible { owner, chain, reason } => {
                match change.parties.iter().position(|party| party.owner == owner) {
                    Some(at) => {
                        self.set_aside(change, at, Reason::Impossible { chain, reason }, Vec::new())
                    }
                    None => self.search(change, output),
                }
            }
            Explanation::Solvable => self.search(change, output),
        }
    }

    /// Sets the junior party of a conflict aside.
    fn conflict(&mut self, change: Change, conflict: Conflict, output: String) -> Vec<Effect> {
        let is_in = |party: &Party| conflict.needs.iter().any(|need| need.owner == party.owner);
        let may_go = |party: &Party| is_in(party) && party.owner != Owner::Daemon;
        let is_new = |party: &Party| may_go(party) && !self.is_settled(party);
        // A party that was satisfied before stays, whichever came first.
        let parties = &change.parties;
        let newest = parties.iter().rposition(is_new);
        let Some(at) = newest.or_else(|| parties.iter().rposition(may_go)) else {
            return self.search(change, output);
        };
        let others = change.parties.iter().enumerate();
        let others = others.filter(|(index, party)| *index != at && is_in(party));
        let others = others.map(|(_, party)| party.clone()).collect();
        self.set_aside(change, at, Reason::Conflict(conflict), others)
    }

    /// Sets a party aside and goes on with the others.
    fn set_aside(
        &mut self,
        mut change: Change,
        at: usize,
        reason: Reason,
        others: Vec<Party>,
    ) -> Vec<Effect> {
        let party = change.parties[at].clone();
        // What gave way to it may stay now.
        self.aside.retain(|aside| !aside.others.contains(&party));
        if self.asked.wanted.parties.contains(&party) {
            self.aside.push(Aside { party, reason, others });
        } else {
            change.given_up.insert(party.owner);
        }
        (change.search, change.builds) = (None, false);
        change.parties = self.accepted(&change);
        let mut effects = vec![Effect::Report];
        effects.extend(self.check(change));
        effects
    }

    /// Begins the search for the party at fault.
    fn search(&mut self, mut change: Change, output: String) -> Vec<Effect> {
        change.search = Some(Search::among(&change.parties, output, change.builds));
        self.go_on_searching(change)
    }

    fn searched(&mut self, mut change: Change, outcome: Result<(), String>) -> Vec<Effect> {
        if let Some(search) = &mut change.search {
            search.learn(outcome);
        }
        self.go_on_searching(change)
    }

    fn go_on_searching(&mut self, change: Change) -> Vec<Effect> {
        match change.search.as_ref().map(Search::next) {
            Some(Found::Culprit(at, output)) => match change.parties.get(at) {
                Some(Party { owner: Owner::Plugin { .. }, .. }) => {
                    self.set_aside(change, at, Reason::Unusable(output), Vec::new())
                }
                _ => {
                    let reason = aside::one_line(&output);
                    let error = format!("packages cannot be fetched or built: {reason}");
                    let hint = "Check network and proxy; it is tried again by itself.";
                    self.fail(Failure::environment(error).hint(hint), true)
                }
            },
            _ => self.lock(change),
        }
    }

    fn built(&mut self, mut change: Change, built: Result<(), Fault>) -> Vec<Effect> {
        match built {
            Ok(()) if change.search.is_some() => self.searched(change, Ok(())),
            Ok(()) => self.swap(change),
            Err(Fault::NoSolution(output) | Fault::Build(output)) => match change.search {
                Some(_) => self.searched(change, Err(output)),
                None => {
                    change.builds = true;
                    self.explain(change, output)
                }
            },
            Err(Fault::Passing(failure)) => self.fail(failure, true),
            Err(Fault::Other(failure)) => self.fail(failure, false),
        }
    }

    fn swap(&mut self, change: Change) -> Vec<Effect> {
        self.step = Step::Swapping(change);
        vec![Effect::Swap]
    }

    fn swapped(&mut self, change: Change, swapped: Result<bool, Fault>) -> Vec<Effect> {
        match swapped {
            // What this process has imported is another version: only a new one can load what was not satisfied.
            Ok(true) => {
                self.failure = None;
                self.attempts = 0;
                self.step = Step::Replacing;
                vec![Effect::Remember, Effect::Report, Effect::End(None), Effect::Replace]
            }
            Ok(false) => {
                if !change.order.locks_only {
                    self.satisfied = change.parties;
                }
                self.end()
            }
            Err(Fault::Passing(failure)) => self.fail(failure, true),
            Err(Fault::Other(failure)) => self.fail(failure, false),
            Err(Fault::NoSolution(output) | Fault::Build(output)) => {
                self.fail(Failure::new(Kind::Bug, output), false)
            }
        }
    }

    fn end(&mut self) -> Vec<Effect> {
        self.failure = None;
        let settled = |party: &Party| (party.owner.to_string(), party.texts());
        self.settled = self.satisfied.iter().map(settled).collect();
        let mut effects = vec![Effect::Remember, Effect::Report, Effect::End(None)];
        // Of these nothing is certain: a compiler may be installed by then.
        match self.has_unusable() {
            true => effects.push(self.pause()),
            false => self.attempts = 0,
        }
        effects.extend(self.go_on());
        effects
    }

    fn fail(&mut self, failure: Failure, may_pass: bool) -> Vec<Effect> {
        self.failure = Some(failure.clone());
        let mut effects = vec![Effect::Remember, Effect::Report, Effect::End(Some(failure))];
        if may_pass {
            effects.push(self.pause());
        }
        effects.extend(self.go_on());
        effects
    }

    fn has_unusable(&self) -> bool {
        self.aside.iter().any(Aside::is_unusable)
    }

    /// Begins the pause before the next attempt, longer each time.
    fn pause(&mut self) -> Effect {
        let pause: Duration = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.attempts));
        self.attempts += 1;
        Effect::Pause(pause.min(PAUSE_MAX))
    }

    /// Begins the change that was asked for meanwhile.
    fn go_on(&mut self) -> Vec<Effect> {
        match self.next.take() {
            Some(order) => self.begin(order),
            None => Vec::new(),
        }
    }
}
