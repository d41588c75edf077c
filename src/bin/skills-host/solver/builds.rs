//! Refusing to build: metadata is read from wheels, and from source distributions that state it, but nothing of a
//! package runs.

use std::path::{Path, PathBuf};

use thiserror::Error;
use uv_cache::Cache;
use uv_configuration::{BuildKind, BuildOptions, BuildOutput, NoBinary, NoBuild, NoSources};
use uv_distribution_filename::DistFilename;
use uv_distribution_types::{
    CachedDist, ConfigSettings, DependencyMetadata, ExtraBuildRequires, ExtraBuildVariables,
    IndexCapabilities, IndexLocations, IsBuildBackendError, PackageConfigSettings, Requirement,
    SourceDist,
};
use uv_git::GitResolver;
use uv_python::{Interpreter, PythonEnvironment};
use uv_types::{
    AnyErrorBuild, BuildArena, BuildContext, BuildIsolation, BuildStack, ResolvedRequirements,
    SourceBuildTrait,
};
use uv_workspace::WorkspaceCache;

/// What `uv` needs to build a package, without the ability to.
pub(super) struct NoBuilds {
    interpreter: Interpreter,
    cache: Cache,
    git: GitResolver,
    arena: BuildArena<Impossible>,
    capabilities: IndexCapabilities,
    locations: IndexLocations,
    options: BuildOptions,
    dependency_metadata: DependencyMetadata,
    config_settings: ConfigSettings,
    package_settings: PackageConfigSettings,
    no_sources: NoSources,
    workspaces: WorkspaceCache,
    extra_requires: ExtraBuildRequires,
    extra_variables: ExtraBuildVariables,
}

/// A build, of which there is none.
pub(super) enum Impossible {}

/// A build was asked for.
#[derive(Debug, Error)]
#[error("packages are not built while requirements are checked")]
struct Refused;

impl uv_errors::Hint for Refused {}

impl IsBuildBackendError for Refused {
    fn is_build_backend_error(&self) -> bool {
        false
    }
}

impl NoBuilds {
    pub(super) fn new(interpreter: Interpreter, cache: Cache, locations: IndexLocations) -> Self {
        NoBuilds {
            interpreter,
            cache,
            locations,
            git: GitResolver::default(),
            arena: BuildArena::default(),
            capabilities: IndexCapabilities::default(),
            options: BuildOptions::new(NoBinary::None, NoBuild::All),
            dependency_metadata: DependencyMetadata::default(),
            config_settings: ConfigSettings::default(),
            package_settings: PackageConfigSettings::default(),
            no_sources: NoSources::None,
            workspaces: WorkspaceCache::default(),
            extra_requires: ExtraBuildRequires::default(),
            extra_variables: ExtraBuildVariables::default(),
        }
    }
}

impl BuildContext for NoBuilds {
    type SourceDistBuilder = Impossible;

    async fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn git(&self) -> &GitResolver {
        &self.git
    }

    fn build_arena(&self) -> &BuildArena<Impossible> {
        &self.arena
    }

    fn capabilities(&self) -> &IndexCapabilities {
        &self.capabilities
    }

    fn dependency_metadata(&self) -> &DependencyMetadata {
        &self.dependency_metadata
    }

    fn build_options(&self) -> &BuildOptions {
        &self.options
    }

    fn build_isolation(&self) -> BuildIsolation<'_> {
        BuildIsolation::Isolated
    }

    fn config_settings(&self) -> &ConfigSettings {
        &self.config_settings
    }

    fn config_settings_package(&self) -> &PackageConfigSettings {
        &self.package_settings
    }

    fn sources(&self) -> &NoSources {
        &self.no_sources
    }

    fn locations(&self) -> &IndexLocations {
        &self.locations
    }

    fn workspace_cache(&self) -> &WorkspaceCache {
        &self.workspaces
    }

    fn extra_build_requires(&self) -> &ExtraBuildRequires {
        &self.extra_requires
    }

    fn extra_build_variables(&self) -> &ExtraBuildVariables {
        &self.extra_variables
    }

    async fn resolve<'a>(
        &'a self,
        _requirements: &'a [Requirement],
        _build_stack: &'a BuildStack,
    ) -> Result<ResolvedRequirements, impl IsBuildBackendError> {
        Err(Refused)
    }

    async fn install<'a>(
        &'a self,
        _requirements: &'a ResolvedRequirements,
        _venv: &'a PythonEnvironment,
        _build_stack: &'a BuildStack,
    ) -> Result<Vec<CachedDist>, impl IsBuildBackendError> {
        Err(Refused)
    }

    async fn setup_build<'a>(
        &'a self,
        _source: &'a Path,
        _subdirectory: Option<&'a Path>,
        _install_path: &'a Path,
        _stop_discovery_at: Option<&'a Path>,
        _version_id: Option<&'a str>,
        _dist: Option<&'a SourceDist>,
        _sources: &'a NoSources,
        _build_kind: BuildKind,
        _build_output: BuildOutput,
        _build_stack: BuildStack,
    ) -> Result<Impossible, impl IsBuildBackendError> {
        Err(Refused)
    }

    async fn direct_build<'a>(
        &'a self,
        _source: &'a Path,
        _subdirectory: Option<&'a Path>,
        _output_dir: &'a Path,
        _sources: NoSources,
        _build_kind: BuildKind,
        _version_id: Option<&'a str>,
    ) -> Result<Option<DistFilename>, impl IsBuildBackendError> {
        Err(Refused)
    }
}

impl SourceBuildTrait for Impossible {
    async fn metadata(&mut self) -> Result<Option<PathBuf>, AnyErrorBuild> {
        match *self {}
    }

    async fn wheel<'a>(&'a self, _wheel_dir: &'a Path) -> Result<String, AnyErrorBuild> {
        match *self {}
    }
}
