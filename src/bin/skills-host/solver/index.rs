//! The package indexes as the resolver's world: what they offer, and one resolution after the other over it.
//!
//! No request outlives the deadline. A request that fails is noted and answered as if the package were not there:
//! an error inside the resolver would leave its thread waiting for an answer that never comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use skills_daemon::environment::Environment;
use skills_daemon::failure::Failure;
use skills_daemon::requirements::Sources;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uv_cache::Cache;
use uv_client::{FlatIndexClient, FlatIndexEntries, RegistryClient, RegistryClientBuilder};
use uv_configuration::{BuildOptions, Concurrency, Constraints};
use uv_distribution::DistributionDatabase;
use uv_distribution_types::{Name, Requirement, RequiresPython, Resolution, ResolvedDist};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_platform_tags::Tags;
use uv_pypi_types::{Conflicts, ResolverMarkerEnvironment};
use uv_python::Interpreter;
use uv_resolver::{
    AllowedYanks, DefaultResolverProvider, FlatIndex, InMemoryIndex, Manifest, OptionsBuilder,
    PythonRequirement, ResolveError, Resolver, ResolverEnvironment,
};
use uv_types::{BuildContext, EmptyInstalledPackages, HashStrategy};

use super::builds::NoBuilds;
use super::distribution::Distribution;
use super::faults;
use super::notes::Notes;
use super::parties::Member;
use super::provider::IndexProvider;
use super::sources::Origins;
use super::walk::World;

/// The time for all requests of one explanation.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What the indexes offer to one interpreter.
pub(super) struct Index {
    pub(super) interpreter: Interpreter,
    pub(super) client: RegistryClient,
    pub(super) context: NoBuilds,
    pub(super) flat_entries: FlatIndexEntries,
    pub(super) notes: Notes,
    pub(super) deadline: Instant,
    origins: Origins,
    flat: FlatIndex,
    build_options: BuildOptions,
    pub(super) downloads: Arc<Semaphore>,
    /// What has been read so far.
    shared: InMemoryIndex,
}

/// The result of a resolution.
pub(super) enum Outcome {
    /// A version of each package.
    Solved(Solution),
    /// None: the packages of the resolver's derivation tree, the parties' included.
    Unsolvable(BTreeSet<PackageName>),
}

/// The versions of one solution.
pub(super) struct Solution {
    versions: BTreeMap<PackageName, Arc<Distribution>>,
    /// The packages of it whose metadata could not be read, and why.
    pub(super) unread: BTreeMap<PackageName, String>,
}

impl World for Solution {
    fn distribution(&self, name: &PackageName) -> Option<Arc<Distribution>> {
        self.versions.get(name).cloned()
    }
}

impl Index {
    /// Opens the indexes of `sources`, for the interpreter at `python`.
    pub(super) async fn open(
        sources: &Sources,
        env: &Environment,
        python: &Path,
        cache: &Path,
    ) -> Result<Index, Failure> {
        // Read by some of `uv`'s crates; a second call changes nothing.
        let _ = uv_preview::set(uv_preview::Preview::default());
        let origins = Origins::resolve(sources, env)?;
        let unusable = |error: &dyn Display| {
            Failure::environment(format!("cannot use uv's cache in {}: {error}", cache.display()))
        };
        let cache = Cache::from_path(cache).init().await.map_err(|error| unusable(&error))?;
        let interpreter = Interpreter::query(python, &cache).map_err(|error| {
            Failure::environment(format!("cannot query {}: {error}", python.display()))
        })?;
        let locations = origins.locations();
        let client = RegistryClientBuilder::new(origins.client(), cache.clone())
            .index_locations(locations.clone())
            .index_strategy(origins.index_strategy())
            .build()
            .map_err(|error| Failure::environment(format!("cannot reach indexes: {error}")))?;
        let flat_entries = {
            let flat = FlatIndexClient::new(client.cached_client(), client.connectivity(), &cache);
            let links = locations.flat_indexes().map(|index| index.url());
            flat.fetch_all(links)
                .await
                .map_err(|error| Failure::environment(format!("cannot read find-links: {error}")))?
        };
        let build_options = BuildOptions::default();
        let tags = tags(&interpreter)?.clone();
        let flat = FlatIndex::from_entries(
            flat_entries.clone(),
            Some(&tags),
            &HashStrategy::None,
            &build_options,
        );
        Ok(Index {
            context: NoBuilds::new(interpreter.clone(), cache, locations),
            interpreter,
            client,
            flat_entries,
            flat,
            build_options,
            origins,
            notes: Notes::default(),
            deadline: Instant::now() + TIME_MAX,
            downloads: Arc::new(Semaphore::new(Concurrency::DEFAULT_DOWNLOADS)),
            shared: InMemoryIndex::default(),
        })
    }

    /// Resolves the requirements of `members` together.
    ///
    /// # Errors
    /// A request failed, or the time is over.
    pub(super) async fn solve(
        &self,
        members: &[&Member],
        constraints: &[Requirement],
    ) -> Result<Outcome, Failure> {
        let markers = self.interpreter.markers();
        let environment =
            ResolverEnvironment::specific(ResolverMarkerEnvironment::from(markers.clone()));
        let options = OptionsBuilder::new()
            .prerelease(self.origins.prerelease())
            .exclude_newer(self.origins.exclude_newer())
            .index_strategy(self.origins.index_strategy())
            .build();
        let manifest = Manifest::simple(members.iter().map(|member| member.root()).collect())
            .with_constraints(Constraints::from_requirements(constraints.iter().cloned()))
            .with_lookaheads(members.iter().map(|member| member.lookahead()).collect());
        let python = PythonRequirement::from_interpreter(&self.interpreter);
        let requires_python = self.requires_python();
        let tags = tags(&self.interpreter)?;
        let inner = DefaultResolverProvider::new(
            DistributionDatabase::new(&self.client, &self.context, self.downloads.clone()),
            &self.flat,
            Some(tags),
            &requires_python,
            AllowedYanks::from_manifest(&manifest, &environment, options.dependency_mode),
            &HashStrategy::None,
            options.exclude_newer.clone(),
            self.context.locations(),
            &self.build_options,
            self.context.capabilities(),
        );
        let resolver = Resolver::new_custom_io(
            manifest,
            options,
            &HashStrategy::None,
            environment,
            markers,
            Some(tags.clone()),
            &python,
            Conflicts::empty(),
            &self.shared,
            self.context.git(),
            self.context.capabilities(),
            self.context.locations(),
            IndexProvider::new(inner, members, &self.notes, self.deadline)?,
            EmptyInstalledPackages,
        );
        let outcome = resolver.resolve().await;
        self.notes.failure()?;
        match outcome {
            Ok(output) => Ok(Outcome::Solved(self.solution(&Resolution::from(output)))),
            Err(ResolveError::NoSolution(error)) => {
                Ok(Outcome::Unsolvable(error.packages().cloned().collect()))
            }
            Err(error) => {
                Err(Failure::environment(format!("cannot resolve: {}", faults::causes(&error))))
            }
        }
    }

    /// Returns the versions of Python that a package must work with: this one and later ones, as for `uv`.
    pub(super) fn requires_python(&self) -> RequiresPython {
        RequiresPython::greater_than_equal_version(&self.python().without_trailing_zeros())
    }

    /// Returns the version of Python without a suffix like `rc1`.
    pub(super) fn python(&self) -> Version {
        self.interpreter.python_full_version().version.only_release()
    }

    pub(super) fn tags(&self) -> Result<&Tags, Failure> {
        tags(&self.interpreter)
    }

    fn solution(&self, resolution: &Resolution) -> Solution {
        let chosen = |dist: &ResolvedDist| {
            let (name, version) = (dist.name().clone(), dist.version()?.clone());
            Some((name.clone(), self.notes.version(name, version)?))
        };
        let versions: BTreeMap<_, _> = resolution.distributions().filter_map(chosen).collect();
        let unread = versions
            .keys()
            .filter_map(|name| self.notes.why_unread(name).map(|reason| (name.clone(), reason)));
        let unread = unread.collect();
        Solution { versions, unread }
    }
}

fn tags(interpreter: &Interpreter) -> Result<&Tags, Failure> {
    interpreter.tags().map_err(|error| {
        Failure::environment(format!("cannot tell which wheels fit this platform: {error}"))
    })
}
