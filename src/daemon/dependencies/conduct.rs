//! The task that owns the state of the change: it takes one input at a time, has the transition decide, and starts the
//! effects, which report back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::packages::{Built, Locked, Packages};
use super::{Aside, Effect, Fault, Input, Order, Reason, State, Step, Upgrade};
use crate::failure::{Failure, Kind};
use crate::requirements::{Party, Wanted};
use crate::runtime::{BoxFuture, Runtime};
use crate::solver::Explanation;
use crate::wire::deps::{Outcome, Progress};

/// How long Python may take to list what it has imported, or to take over the new environment.
const PYTHON_LIMIT: Duration = Duration::from_secs(10);

/// What the task takes.
pub(super) enum Message {
    /// Something happened.
    Input(Input),
    /// A change was ordered; the answer is its outcome.
    Order(Order, oneshot::Sender<Result<Outcome, Failure>>),
    /// The resolution has ended.
    Locked(Result<Locked, Fault>),
    /// The new environment is there, or not.
    Built(Result<Built, Fault>),
    /// `uv` reports a step.
    Step(String),
}

/// What everyone may see of the change.
#[derive(Clone, Default)]
pub(in crate::daemon) struct View {
    pub(in crate::daemon) state: Arc<State>,
    pub(in crate::daemon) progress: Option<Progress>,
    /// When the change that failed is tried again.
    pub(in crate::daemon) again: Option<Instant>,
}

/// The task.
pub(super) struct Conductor {
    pub(super) packages: Arc<dyn Packages>,
    pub(super) python: Arc<dyn Runtime>,
    pub(super) view: watch::Sender<View>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// Reports how the parties stand.
    pub(super) report: Box<dyn Fn(Arc<State>) + Send>,
    /// Has a new process take over; the answer is why none could.
    pub(super) replace: mpsc::UnboundedSender<Replacement>,
    /// Takes whether a change of packages succeeded.
    pub(super) ended: Box<dyn Fn(bool) + Send>,
    pub(super) locked: Option<Arc<Locked>>,
    pub(super) built: Option<Built>,
    /// The orders that the present change is for.
    pub(super) answers: Vec<oneshot::Sender<Result<Outcome, Failure>>>,
    /// Those of the next one.
    pub(super) later: Vec<oneshot::Sender<Result<Outcome, Failure>>>,
}

/// A request for a new process.
pub(in crate::daemon) struct Replacement {
    /// Why.
    pub(in crate::daemon) reason: String,
    /// Why none could take over; nothing once one does.
    pub(in crate::daemon) answer: oneshot::Sender<Failure>,
}

impl Conductor {
    /// Takes one message after the other.
    pub(super) async fn run(
        mut self,
        mut received: mpsc::UnboundedReceiver<Message>,
        mut state: State,
    ) {
        while let Some(message) = received.recv().await {
            let Some(input) = self.input(&state, message) else { continue };
            let (next, effects) = state.transition(input);
            state = next;
            self.show(&state, None);
            for effect in effects {
                self.carry_out(&state, effect);
            }
        }
    }

    fn input(&mut self, state: &State, message: Message) -> Option<Input> {
        Some(match message {
            Message::Input(input) => input,
            Message::Order(order, answer) => {
                match (&state.step, &state.failure) {
                    (Step::Idle, _) => self.answers.push(answer),
                    (Step::Replacing, Some(failure)) => {
                        // Fails only if nothing waits for it any more.
                        let _ = answer.send(Err(failure.clone()));
                    }
                    _ => self.later.push(answer),
                }
                Input::Ordered(order)
            }
            Message::Locked(locked) => {
                let locked = locked.map(Arc::new);
                self.locked = locked.as_ref().ok().cloned();
                Input::Locked(locked.map(|locked| locked.differs))
            }
            Message::Built(built) => {
                let (built, outcome) = match built {
                    Ok(built) => (Some(built), Ok(())),
                    Err(fault) => (None, Err(fault)),
                };
                self.built = built;
                Input::Built(outcome)
            }
            Message::Step(text) => {
                self.show(state, Some(text));
                return None;
            }
        })
    }

    /// Publishes the state and how far the change is.
    fn show(&self, state: &State, step: Option<String>) {
        let packages = self.locked.as_ref().map(|locked| locked.changes.clone());
        let of_phase =
            |phase| Progress { phase, step, packages: packages.unwrap_or_default(), done: 0 };
        let progress = state.phase().map(of_phase);
        self.view.send_modify(|view| {
            view.progress = progress;
            if *view.state != *state {
                view.state = Arc::new(state.clone());
            }
        });
    }

    fn carry_out(&mut self, state: &State, effect: Effect) {
        let wanted = |parties: Vec<Party>| {
            let sources = state.asked.wanted.sources.clone();
            Wanted { parties, sources }
        };
        match effect {
            Effect::Check(parties) => {
                (self.locked, self.built) = (None, None);
                self.check(wanted(parties));
            }
            Effect::Lock(parties, upgrade) => {
                (self.locked, self.built) = (None, None);
                self.lock(wanted(parties), upgrade);
            }
            Effect::Explain(parties) => {
                let explained = self.packages.explain(wanted(parties));
                self.spawn(async {
                    let explained = explained.await;
                    if let Err(Fault::Passing(failure) | Fault::Other(failure)) = &explained {
                        tracing::warn!(error = failure.error, "the conflict is not explained");
                    }
                    Message::Input(Input::Explained(explained))
                });
            }
            Effect::Build => self.build(),
            Effect::Swap => self.swap(),
            Effect::Replace => self.replace(),
            Effect::Report => (self.report)(Arc::new(state.clone())),
            Effect::Remember => {
                let (packages, aside) = (self.packages.clone(), state.aside.clone());
                spawn_blocking(move || packages.remember(&aside));
            }
            Effect::Pause(pause) => {
                tracing::info!(seconds = pause.as_secs(), "the packages are tried again later");
                self.view.send_modify(|view| view.again = Some(Instant::now() + pause));
                self.spawn(async move {
                    sleep(pause).await;
                    Message::Input(Input::PauseOver)
                });
            }
            Effect::End(failure) => self.end(state, failure),
        }
    }

    /// Sends the message that `work` comes to.
    fn spawn(&self, work: impl Future<Output = Message> + Send + 'static) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            // Fails only when the daemon has ended.
            let _ = messages.send(work.await);
        });
    }

    /// The same for work that blocks; `fault` is the message if it panics.
    fn block(&self, work: impl FnOnce() -> Message + Send + 'static, fault: fn(Fault) -> Message) {
        self.spawn(async move {
            spawn_blocking(work).await.unwrap_or_else(|error| {
                fault(Fault::Other(Failure::new(
                    Kind::Bug,
                    format!("a change of packages: {error}"),
                )))
            })
        });
    }

    /// A callback that publishes the steps of `uv`.
    fn steps(&self) -> impl Fn(&str) + Sync + use<> {
        let messages = self.messages.clone();
        move |line: &str| {
            tracing::debug!(line, "uv");
            // Fails only when the daemon has ended.
            let _ = messages.send(Message::Step(line.to_owned()));
        }
    }

    fn check(&self, wanted: Wanted) {
        let packages = self.packages.clone();
        let check = move || Message::Input(Input::Checked(packages.check(&wanted)));
        self.block(check, |fault| Message::Input(Input::Checked(Err(fault.into_failure()))));
    }

    fn lock(&self, wanted: Wanted, upgrade: Upgrade) {
        let (packages, steps) = (self.packages.clone(), self.steps());
        let lock = move || {
            let locked = packages.turn().and_then(|turn| {
                let locked = packages.lock(&wanted, &upgrade, &steps)?;
                Ok(Locked { _turn: Some(turn), ..locked })
            });
            Message::Locked(locked)
        };
        self.block(lock, |fault| Message::Locked(Err(fault)));
    }

    fn build(&self) {
        let (packages, steps) = (self.packages.clone(), self.steps());
        let Some(locked) = self.locked.clone() else { return };
        let changes = locked.changes.iter().map(ToString::to_string);
        tracing::info!(changes = changes.collect::<Vec<_>>().join(", "), "installing packages");
        let build = move || Message::Built(packages.build(&locked, &steps));
        self.block(build, |fault| Message::Built(Err(fault)));
    }

    fn swap(&mut self) {
        let (packages, python) = (self.packages.clone(), self.python.clone());
        let (Some(locked), built) = (self.locked.clone(), self.built.take()) else { return };
        self.spawn(async move {
            let swapped = swap(packages, &*python, locked, built).await;
            Message::Input(Input::Swapped(swapped))
        });
    }

    fn replace(&self) {
        let (answer, answered) = oneshot::channel();
        let reason = "a package that is in use has another version".to_owned();
        let is_asked = self.replace.send(Replacement { reason, answer }).is_ok();
        self.spawn(async move {
            let failure = match answered.await {
                Ok(failure) => failure,
                // The new process serves, and loads what waits here.
                Err(_) if is_asked => std::future::pending().await,
                Err(_) => {
                    let error = "this process has imported another version of a package";
                    Failure::environment(error).hint("Run `skills-daemon restart`.")
                }
            };
            Message::Input(Input::Kept(failure))
        });
    }

    fn end(&mut self, state: &State, failure: Option<Failure>) {
        match &failure {
            Some(failure) => tracing::error!(error = failure.error, "packages were not changed"),
            None => self.view.send_modify(|view| view.again = None),
        }
        let locked = self.locked.take();
        let (changes, repaired) = locked
            .map(|locked| (locked.changes.clone(), locked.damaged.clone()))
            .unwrap_or_default();
        if failure.is_some() || !changes.is_empty() || !repaired.is_empty() {
            (self.ended)(failure.is_none());
        }
        let outcome = Outcome {
            success: failure.is_none(),
            changes,
            repaired,
            lock: None,
            set_aside: state.aside.iter().map(super::report::set_aside).collect(),
            replaces_process: state.step == Step::Replacing,
        };
        for answer in self.answers.drain(..) {
            let outcome = match &failure {
                Some(failure) => Err(failure.clone()),
                None => Ok(outcome.clone()),
            };
            // Fails only if nothing waits for it any more: the change counts.
            let _ = answer.send(outcome);
        }
        self.answers.append(&mut self.later);
    }
}

/// Puts lock and environment in place; true if a package that is imported has another version there.
async fn swap(
    packages: Arc<dyn Packages>,
    python: &dyn Runtime,
    locked: Arc<Locked>,
    built: Option<Built>,
) -> Result<bool, Fault> {
    let imported = match &built {
        Some(_) => asked(python.imported()).await.map_err(Fault::Passing)?,
        None => BTreeSet::new(),
    };
    let to = built.as_ref().map(|built| built.to.clone());
    let site = packages.clone();
    let swapped = spawn_blocking(move || {
        let outdated = built.as_ref().map(|built| site.outdated(built, &imported));
        site.swap(&locked, built)?;
        Ok(outdated.unwrap_or_default())
    });
    let outdated = swapped.await.unwrap_or_else(|error| {
        Err(Fault::Other(Failure::new(Kind::Bug, format!("a change of packages: {error}"))))
    })?;
    if !outdated.is_empty() {
        tracing::info!(packages = outdated.join(", "), "packages in use have other versions");
        return Ok(true);
    }
    let Some(to) = to else { return Ok(false) };
    packages.followed(&to);
    match asked(python.follow(to)).await {
        Ok(()) => Ok(false),
        // Only a new process can import from there.
        Err(failure) => {
            tracing::error!(error = failure.error, "Python does not take over new packages");
            Ok(true)
        }
    }
}

/// What Python answers, within a limit.
async fn asked<T>(answer: BoxFuture<Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PYTHON_LIMIT, answer).await.unwrap_or_else(|_| {
        let error = format!("Python has not answered for {} s", PYTHON_LIMIT.as_secs());
        Err(Failure::environment(error).hint("A plugin may hold the GIL: `skills-daemon status`."))
    })
}

impl Fault {
    /// The failure of a step for which it is none of a party.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Fault::NoSolution(text) | Fault::Build(text) => Failure::new(Kind::Plugin, text),
            Fault::Passing(failure) | Fault::Other(failure) => failure,
        }
    }
}

/// Why `party` cannot be satisfied, if the explanation is about it.
pub(super) fn reason(party: &Party, explanation: Explanation) -> Option<String> {
    let (party, others) = (party.clone(), Vec::new());
    let reason = match explanation {
        Explanation::Conflict(conflict) => Reason::Conflict(conflict),
        Explanation::Impossible { owner, chain, reason } if owner == party.owner => {
            Reason::Impossible { chain, reason }
        }
        _ => return None,
    };
    Some(Aside { party, reason, others }.failure().error)
}
