//! Where `uv` would take packages from: the daemon's settings, then `UV_*`, then the `uv.toml` of user and system.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use skills_daemon::environment::Environment;
use skills_daemon::failure::Failure;
use skills_daemon::requirements::Sources;
use uv_client::{
    BaseClientBuilder, Certificates, Connectivity, DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT,
    DEFAULT_RETRIES,
};
use uv_configuration::{IndexStrategy, KeyringProviderType, TrustedHost};
use uv_distribution_types::{
    ExcludeNewerValue, Index, IndexLocations, IndexUrl, PipExtraIndex, PipFindLinks, PipIndex,
};
use uv_preview::Preview;
use uv_resolver::{ExcludeNewer, Prerelease, PrereleaseMode};

/// The settings of `uv` that decide what a resolution can be made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Origins {
    index: Vec<Index>,
    index_url: Option<PipIndex>,
    extra_index_url: Vec<PipExtraIndex>,
    find_links: Vec<PipFindLinks>,
    no_index: Option<bool>,
    offline: Option<bool>,
    index_strategy: Option<IndexStrategy>,
    keyring_provider: Option<KeyringProviderType>,
    prerelease: Option<PrereleaseMode>,
    exclude_newer: Option<ExcludeNewerValue>,
    #[serde(alias = "native-tls")]
    system_certs: Option<bool>,
    allow_insecure_host: Vec<TrustedHost>,
    #[serde(skip)]
    timeout: Option<u64>,
    #[serde(skip)]
    connect_timeout: Option<u64>,
    #[serde(skip)]
    retries: Option<u32>,
}

/// `uv.toml`: the settings of `uv pip` are in a table of their own, and come first.
#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    pip: Origins,
    #[serde(flatten)]
    general: Origins,
}

impl Origins {
    /// Resolves the settings.
    pub(super) fn resolve(sources: &Sources, env: &Environment) -> Result<Self, Failure> {
        let mut origins = Origins::of_daemon(sources)?.over(Origins::of_environment(env)?);
        for path in files(env) {
            origins = origins.over(Origins::of_file(&path)?);
        }
        Ok(origins)
    }

    fn of_daemon(sources: &Sources) -> Result<Self, Failure> {
        let extra = sources.extra_indexes.iter();
        Ok(Origins {
            index_url: sources
                .index
                .as_deref()
                .map(|url| parse("index", url, Index::from_index_url))
                .transpose()?,
            extra_index_url: extra
                .map(|url| parse("extra_indexes", url, Index::from_extra_index_url))
                .collect::<Result<_, _>>()?,
            offline: sources.offline.then_some(true),
            ..Origins::default()
        })
    }

    fn of_environment(env: &Environment) -> Result<Self, Failure> {
        let words = |name| env.get(name).unwrap_or_default().split_whitespace();
        let indexes = words("UV_INDEX").map(|text| read("UV_INDEX", text));
        let default = env.get("UV_DEFAULT_INDEX").or_else(|| env.get("UV_INDEX_URL"));
        let extra = words("UV_EXTRA_INDEX_URL")
            .map(|text| parse("UV_EXTRA_INDEX_URL", text, Index::from_extra_index_url));
        let links = env.get("UV_FIND_LINKS").unwrap_or_default();
        let links = links.split([',', ' ']).filter(|text| !text.is_empty());
        let timeout = env.get("UV_HTTP_TIMEOUT").or_else(|| env.get("UV_REQUEST_TIMEOUT"));
        Ok(Origins {
            index: indexes.collect::<Result<_, _>>()?,
            index_url: default
                .map(|text| parse("UV_DEFAULT_INDEX", text, Index::from_index_url))
                .transpose()?,
            extra_index_url: extra.collect::<Result<_, _>>()?,
            find_links: links
                .map(|text| parse("UV_FIND_LINKS", text, Index::from_find_links))
                .collect::<Result<_, _>>()?,
            no_index: flag(env, "UV_NO_INDEX"),
            offline: flag(env, "UV_OFFLINE"),
            index_strategy: option(env, "UV_INDEX_STRATEGY")?,
            keyring_provider: option(env, "UV_KEYRING_PROVIDER")?,
            prerelease: option(env, "UV_PRERELEASE")?,
            exclude_newer: env
                .get("UV_EXCLUDE_NEWER")
                .map(|text| read("UV_EXCLUDE_NEWER", text))
                .transpose()?,
            system_certs: flag(env, "UV_SYSTEM_CERTS").or_else(|| flag(env, "UV_NATIVE_TLS")),
            allow_insecure_host: words("UV_INSECURE_HOST")
                .map(|text| read("UV_INSECURE_HOST", text))
                .collect::<Result<_, _>>()?,
            timeout: timeout.map(|text| read("UV_HTTP_TIMEOUT", text)).transpose()?,
            connect_timeout: env
                .get("UV_HTTP_CONNECT_TIMEOUT")
                .map(|text| read("UV_HTTP_CONNECT_TIMEOUT", text))
                .transpose()?,
            retries: env
                .get("UV_HTTP_RETRIES")
                .map(|text| read("UV_HTTP_RETRIES", text))
                .transpose()?,
        })
    }

    fn of_file(path: &PathBuf) -> Result<Self, Failure> {
        let Ok(text) = fs::read_to_string(path) else { return Ok(Origins::default()) };
        let file: File = toml::from_str(&text).map_err(|error| {
            Failure::environment(format!("cannot read {}: {}", path.display(), error.message()))
        })?;
        Ok(file.pip.over(file.general))
    }

    /// Returns these settings, completed by those of `lower` priority.
    fn over(mut self, lower: Origins) -> Self {
        self.index.extend(lower.index);
        self.extra_index_url.extend(lower.extra_index_url);
        self.find_links.extend(lower.find_links);
        self.allow_insecure_host.extend(lower.allow_insecure_host);
        Origins {
            index_url: self.index_url.or(lower.index_url),
            no_index: self.no_index.or(lower.no_index),
            offline: self.offline.or(lower.offline),
            index_strategy: self.index_strategy.or(lower.index_strategy),
            keyring_provider: self.keyring_provider.or(lower.keyring_provider),
            prerelease: self.prerelease.or(lower.prerelease),
            exclude_newer: self.exclude_newer.or(lower.exclude_newer),
            system_certs: self.system_certs.or(lower.system_certs),
            timeout: self.timeout.or(lower.timeout),
            connect_timeout: self.connect_timeout.or(lower.connect_timeout),
            retries: self.retries.or(lower.retries),
            ..self
        }
    }

    /// Returns the indexes and directories of packages.
    pub(super) fn locations(&self) -> IndexLocations {
        let extra = self.extra_index_url.iter().cloned().map(Index::from);
        let default = self.index_url.iter().cloned().map(Index::from);
        let indexes = self.index.iter().cloned().chain(extra).chain(default).collect();
        let links = self.find_links.iter().cloned().map(Index::from).collect();
        IndexLocations::new(indexes, links, self.no_index.unwrap_or_default())
    }

    /// Returns the HTTP client, with proxies and certificates as `uv` takes them from the environment.
    pub(super) fn client(&self) -> BaseClientBuilder<'static> {
        let offline = self.offline.unwrap_or_default();
        let connectivity = if offline { Connectivity::Offline } else { Connectivity::Online };
        let client = BaseClientBuilder::new(
            connectivity,
            self.system_certs.unwrap_or_default(),
            self.allow_insecure_host.clone(),
            Preview::default(),
            self.timeout.map_or(DEFAULT_READ_TIMEOUT, Duration::from_secs),
            self.connect_timeout.map_or(DEFAULT_CONNECT_TIMEOUT, Duration::from_secs),
            self.retries.unwrap_or(DEFAULT_RETRIES),
        )
        .keyring(self.keyring_provider.unwrap_or_default());
        // `SSL_CERT_FILE` and `SSL_CERT_DIR`.
        match Certificates::from_env() {
            Some(certificates) => client.custom_certificates(certificates),
            None => client,
        }
    }

    /// Returns the order in which indexes are asked.
    pub(super) fn index_strategy(&self) -> IndexStrategy {
        self.index_strategy.unwrap_or_default()
    }

    /// Returns whether pre-releases count.
    pub(super) fn prerelease(&self) -> Prerelease {
        let global = self.prerelease.unwrap_or_default();
        Prerelease { global, ..Prerelease::default() }
    }

    /// Returns the time after which files do not count.
    pub(super) fn exclude_newer(&self) -> ExcludeNewer {
        self.exclude_newer.clone().map(ExcludeNewer::global).unwrap_or_default()
    }
}

/// Returns the configuration files of `uv`, by priority.
fn files(env: &Environment) -> Vec<PathBuf> {
    if flag(env, "UV_NO_CONFIG") == Some(true) {
        return Vec::new();
    }
    if let Some(path) = env.path("UV_CONFIG_FILE") {
        return vec![path];
    }
    let user = env
        .path("XDG_CONFIG_HOME")
        .or_else(|| env.path("HOME").map(|home| home.join(".config")))
        .map(|directory| directory.join("uv/uv.toml"));
    user.into_iter().chain([PathBuf::from("/etc/uv/uv.toml")]).collect()
}

fn flag(env: &Environment, name: &str) -> Option<bool> {
    let value = env.get(name)?.to_ascii_lowercase();
    Some(matches!(value.as_str(), "1" | "true" | "t" | "yes" | "y" | "on"))
}

/// Reads the URL or path of an index.
fn parse<T: From<Index>>(
    name: &str,
    text: &str,
    kind: impl Fn(IndexUrl) -> Index,
) -> Result<T, Failure> {
    read(name, text).map(|url| T::from(kind(url)))
}

fn read<T: FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| invalid(name, text, &error))
}

fn option<T: DeserializeOwned>(env: &Environment, name: &str) -> Result<Option<T>, Failure> {
    let Some(text) = env.get(name) else { return Ok(None) };
    let value = T::deserialize(StrDeserializer::<ValueError>::new(text));
    value.map(Some).map_err(|error| invalid(name, text, &error))
}

fn invalid(name: &str, text: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::environment(format!("invalid value `{text}` of {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn urls(origins: &Origins) -> Vec<String> {
        let locations = origins.locations();
        locations.indexes().map(|index| index.url().to_string()).collect()
    }

    #[test]
    fn the_daemons_settings_come_before_those_of_uv() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("uv.toml");
        let text = "index-url = 'https://file.example/simple'\noffline = true\nunknown = 1\n\
                    [pip]\nextra-index-url = ['https://pip.example/simple']\n\
                    [[index]]\nname = 'named'\nurl = 'https://named.example/simple'\n";
        fs::write(&file, text).unwrap();
        let file = ("UV_CONFIG_FILE", file.to_str().unwrap());
        let default = ("UV_DEFAULT_INDEX", "https://env.example/simple");
        let own =
            Sources { index: Some("https://own.example/simple".to_owned()), ..Sources::default() };
        let none = Sources::default();
        for (sources, variables, first) in [
            (&none, vec![file], "https://file.example/simple"),
            (&none, vec![file, default], "https://env.example/simple"),
            (&own, vec![file, default], "https://own.example/simple"),
        ] {
            let env = environment(&[variables.as_slice(), &[("HOME", "/nowhere")]].concat());
            let origins = Origins::resolve(sources, &env).unwrap();
            let default = origins.locations().default_index().map(|it| it.url().to_string());
            assert_eq!(default.as_deref(), Some(first), "{variables:?}");
            let has_file = variables.contains(&file);
            assert_eq!(origins.offline, has_file.then_some(true));
            let found = urls(&origins);
            assert_eq!(
                found.iter().any(|url| url.contains("named.example")),
                has_file,
                "{found:?}"
            );
            assert_eq!(found.iter().any(|url| url.contains("pip.example")), has_file, "{found:?}");
        }
    }

    #[test]
    fn an_invalid_value_names_its_variable() {
        for (name, value) in
            [("UV_INDEX_STRATEGY", "best"), ("UV_HTTP_TIMEOUT", "soon"), ("UV_EXCLUDE_NEWER", "x")]
        {
            let env = environment(&[(name, value), ("UV_NO_CONFIG", "1")]);
            let failure = Origins::resolve(&Sources::default(), &env).unwrap_err();
            let start = format!("invalid value `{value}` of {name}: ");
            assert!(failure.error.starts_with(&start), "{failure}");
        }
    }
}
