//! Which request is given to a plugin, and which waits: plain data.

use std::collections::VecDeque;

/// Number of a request that waits; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(u64);

/// The requests of a plugin that is given at most so many at once; first come, first served.
#[derive(Debug)]
pub(super) struct Queue<W> {
    /// How many are under way at most; at least 1.
    concurrent: usize,
    /// How many wait at most.
    waiting_max: usize,
    under_way: usize,
    waiting: VecDeque<(Number, W)>,
    last: u64,
}

/// What becomes of a request that comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// It is under way.
    Admitted,
    /// It waits under this number.
    Waits(Number),
    /// Too many wait.
    Refused,
}

impl<W> Queue<W> {
    /// A queue without requests.
    pub(super) fn new(concurrent: usize, waiting_max: usize) -> Queue<W> {
        Queue { concurrent, waiting_max, under_way: 0, waiting: VecDeque::new(), last: 0 }
    }

    /// Takes a request in, which is woken by `waiter` if it has to wait.
    pub(super) fn enter(&mut self, waiter: W) -> Entered {
        if self.under_way < self.concurrent {
            self.under_way += 1;
            return Entered::Admitted;
        }
        if self.waiting.len() >= self.waiting_max {
            return Entered::Refused;
        }
        self.last += 1;
        self.waiting.push_back((Number(self.last), waiter));
        Entered::Waits(Number(self.last))
    }

    /// A request that was under way has ended; returns the waiter of the one that takes its place.
    pub(super) fn leave(&mut self) -> Option<W> {
        match self.waiting.pop_front() {
            Some((_, waiter)) => Some(waiter),
            None => {
                self.under_way -= 1;
                None
            }
        }
    }

    /// A request no longer waits; false if it was admitted meanwhile.
    pub(super) fn cancel(&mut self, number: Number) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != number);
        self.waiting.len() != before
    }

    /// How many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// True if no request waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays steps: `e` enters the next request (a, b, …), `l` ends one, `a` to `z` cancel. Returns what each step gave.
    fn played(concurrent: usize, waiting: usize, steps: &str) -> String {
        let mut queue = Queue::new(concurrent, waiting);
        let mut names = 'a'..='z';
        let mut numbers = std::collections::HashMap::new();
        let mut said = Vec::new();
        for step in steps.split(' ') {
            said.push(match step {
                "enter" => {
                    let name = names.next().unwrap();
                    match queue.enter(name) {
                        Entered::Admitted => format!("{name}+"),
                        Entered::Waits(number) => {
                            numbers.insert(name, number);
                            format!("{name}?")
                        }
                        Entered::Refused => format!("{name}!"),
                    }
                }
                "leave" => queue.leave().map_or("-".into(), |waiter| format!("{waiter}+")),
                name => {
                    let number = numbers[&name.chars().next().unwrap()];
                    queue.cancel(number).to_string()
                }
            });
        }
        said.join(" ")
    }

    #[test]
    fn who_is_next() {
        let table = [
            (1, 9, "enter enter enter leave leave leave enter", "a+ b? c? b+ c+ - d+"),
            (2, 9, "enter enter enter leave enter leave leave leave", "a+ b+ c? c+ d? d+ - -"),
            (1, 0, "enter enter leave enter", "a+ b! - c+"),
            (1, 1, "enter enter enter leave enter", "a+ b? c! b+ d?"),
            // One that goes away leaves its place to the next, and makes room.
            (1, 2, "enter enter enter b enter leave leave leave", "a+ b? c? true d? c+ d+ -"),
            // Admitted already, or gone already.
            (1, 2, "enter enter leave b leave", "a+ b? b+ false -"),
            (1, 2, "enter enter b b leave", "a+ b? true false -"),
        ];
        for (concurrent, waiting, steps, expected) in table {
            assert_eq!(played(concurrent, waiting, steps), expected, "{steps}");
        }
    }
}
