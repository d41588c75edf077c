//! The handle of the task that changes the packages.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::conduct::{self, Conductor, Message, Replacement, View};
use super::packages::Packages;
use super::{Asked, Fault, Input, Order, State, Upgrade};
use crate::failure::{Failure, Kind};
use crate::http::Question;
use crate::requirements::{Party, Wanted};
use crate::runtime::Runtime;
use crate::wire::deps::{FailedChange, Outdated, PackageChange, Trial};

/// The handle.
#[derive(Clone)]
pub(in crate::daemon) struct Dependencies {
    packages: Arc<dyn Packages>,
    messages: mpsc::UnboundedSender<Message>,
    view: watch::Receiver<View>,
}

/// What the task needs.
pub(in crate::daemon) struct Means {
    pub(in crate::daemon) packages: Arc<dyn Packages>,
    pub(in crate::daemon) python: Arc<dyn Runtime>,
    /// Takes how the parties stand.
    pub(in crate::daemon) report: Box<dyn Fn(Arc<State>) + Send>,
    /// Has a new process take over.
    pub(in crate::daemon) replace: mpsc::UnboundedSender<Replacement>,
    /// Takes whether a change of packages succeeded.
    pub(in crate::daemon) ended: Box<dyn Fn(bool) + Send>,
}

impl Dependencies {
    /// Starts the task.
    pub(in crate::daemon) fn start(means: Means) -> Dependencies {
        let Means { packages, python, report, replace, ended } = means;
        let (aside, settled) = (packages.recall(), packages.settled());
        let (messages, received) = mpsc::unbounded_channel();
        let (view, seen) = watch::channel(View::default());
        let conductor = Conductor {
            packages: packages.clone(),
            python,
            view,
            messages: messages.clone(),
            report,
            replace,
            ended,
            locked: None,
            built: None,
            answers: Vec::new(),
            later: Vec::new(),
        };
        tokio::spawn(conductor.run(received, State::new(aside, settled)));
        Dependencies { packages, messages, view: seen }
    }

    /// What everyone may see of the change.
    pub(in crate::daemon) fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// Has the packages satisfy `asked`; `number` is that of the request.
    pub(in crate::daemon) fn want(&self, asked: Asked, order: Order, number: u64) {
        // Fails only when the daemon has ended.
        let _ = self.messages.send(Message::Input(Input::Wanted(asked, order, number)));
    }

    /// Answers a question.
    ///
    /// # Errors
    /// The change fails as a whole, or what is installed cannot be read.
    pub(in crate::daemon) async fn answer(&self, question: Question) -> Result<Value, Failure> {
        match question {
            Question::Report => self.report().await,
            Question::Change(order) => {
                let (answer, answered) = oneshot::channel();
                // Fails, as the wait does, only when the daemon has ended.
                let _ = self.messages.send(Message::Order(order.into(), answer));
                let outcome = answered.await.map_err(|_| stopping())??;
                json(&outcome)
            }
            Question::Why(package) => {
                let state = self.view.borrow().state.clone();
                self.block(move |packages| packages.why(&state.asked.wanted, &package)).await
            }
            Question::Outdated => {
                let state = self.view.borrow().state.clone();
                self.block(move |packages| {
                    let wanted = in_force(&state);
                    let locked = packages.lock(&wanted, &Upgrade::All, &|_| {});
                    let locked = locked.map_err(Fault::into_failure)?;
                    let is_newer = |it: &PackageChange| it.from.is_some() && it.to.is_some();
                    let packages = locked.changes.into_iter().filter(is_newer).collect();
                    Ok(Outdated { packages })
                })
                .await
            }
            Question::Prune => self.block(|packages| packages.prune()).await,
            Question::Trial(path) => {
                let party = self.packages.clone();
                let party = spawn_blocking(move || party.party(&path));
                json(&self.trial(party.await.map_err(|error| bug(&error))??).await?)
            }
        }
    }

    async fn report(&self) -> Result<Value, Failure> {
        let view = self.view.borrow().clone();
        self.block(move |packages| {
            let mut report = packages.report(&view.state)?;
            report.change = view.progress;
            report.failure = view.state.failure.as_ref().map(|failure| FailedChange {
                error: failure.error.clone(),
                retry_seconds: view.again.map(|again| {
                    again.saturating_duration_since(tokio::time::Instant::now()).as_secs()
                }),
            });
            Ok(report)
        })
        .await
    }

    /// What adding `party` would lead to.
    ///
    /// # Errors
    /// The indexes cannot be read.
    async fn trial(&self, party: Party) -> Result<Trial, Failure> {
        let state = self.view.borrow().state.clone();
        let packages = self.packages.clone();
        let mut wanted = in_force(&state);
        wanted.parties.retain(|other| other.owner != party.owner);
        wanted.parties.push(party.clone());
        let tried = wanted.clone();
        let locked = spawn_blocking(move || packages.lock(&tried, &Upgrade::Nothing, &|_| {}));
        let output = match locked.await.map_err(|error| bug(&error))? {
            Ok(locked) => return Ok(Trial { changes: locked.changes, ..Trial::default() }),
            Err(Fault::NoSolution(output) | Fault::Build(output)) => output,
            Err(fault) => return Err(fault.into_failure()),
        };
        let reason = match self.packages.explain(wanted).await {
            Ok(explanation) => conduct::reason(&party, explanation),
            Err(_) => None,
        };
        Ok(Trial { refused: Some(reason.unwrap_or(output)), ..Trial::default() })
    }

    async fn block<T: serde::Serialize + Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Packages) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Value, Failure> {
        let packages = self.packages.clone();
        let worked = spawn_blocking(move || work(&*packages));
        json(&worked.await.map_err(|error| bug(&error))??)
    }
}

/// What is wanted, without what is set aside.
fn in_force(state: &State) -> Wanted {
    let mut wanted = state.asked.wanted.clone();
    wanted.parties.retain(|party| !state.aside.iter().any(|aside| aside.party == *party));
    wanted
}

fn json(value: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| bug(&error))
}

fn bug(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Bug, format!("a question about packages: {error}"))
}

fn stopping() -> Failure {
    Failure::new(Kind::Unavailable, "the daemon is stopping")
}
