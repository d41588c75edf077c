//! All numbers at one moment, as Prometheus reads them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::counters::Totals;
use super::families::Writer;
use super::histogram::Durations;
use super::process::Process;
use super::{COMMANDS_MAX, Loads};

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's own text format.
    Text,
    /// OpenMetrics, which Prometheus prefers.
    OpenMetrics,
}

/// All numbers at one moment.
#[derive(Debug, Default)]
pub struct Page {
    /// The version of the daemon.
    pub version: String,
    /// The version of the embedded Python.
    pub python: String,
    /// When the process began, as the time since 1970.
    pub started: Duration,
    /// Since then.
    pub uptime: Duration,
    /// Requests in flight, the one for the page not counted.
    pub in_flight: usize,
    /// How many plugins are in each state.
    pub states: Vec<(String, usize)>,
    /// What was counted.
    pub series: Vec<Series>,
    /// The plugins that serve.
    pub plugins: Vec<PluginNow>,
    /// How often each plugin was loaded, by name.
    pub loads: Vec<(String, Loads)>,
    /// How long probes waited for the GIL.
    pub gil: Durations,
    /// Changes of packages that succeeded, and that failed.
    pub packages: [u64; 2],
    /// Crashes of earlier processes that count against a plugin.
    pub crashes: u64,
    /// Spans that a collector took, that it did not take, and that found the queue full; `None` without a collector.
    pub spans: Option<[u64; 3]>,
    /// The process.
    pub process: Process,
}

/// What was counted of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The plugin; empty for requests that none answered.
    pub plugin: String,
    /// The command; empty for requests that match none.
    pub command: String,
    /// The numbers.
    pub totals: Totals,
}

/// A plugin that serves, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginNow {
    /// Its name.
    pub name: String,
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for their turn, if only so many are under way at once.
    pub waiting: usize,
    /// Threads of its pool that run a handler.
    pub pool: usize,
    /// How long its slowest event loop takes to get to an event.
    pub lag: Duration,
    /// True while it is reported that a handler blocks an event loop.
    pub is_blocked: bool,
    /// True while it is reported that handlers in the pool do not return.
    pub is_stuck: bool,
}

impl Format {
    /// The format that a request with this `Accept` header gets.
    pub fn of(accept: Option<&str>) -> Format {
        match accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Series {
    /// What was counted of this command of this plugin.
    pub fn new(plugin: &str, command: &str, totals: Totals) -> Series {
        Series { plugin: plugin.to_owned(), command: command.to_owned(), totals }
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [("plugin", &self.plugin), ("command", &self.command)]
    }
}

impl Page {
    /// Returns the page as text.
    ///
    /// # Errors
    /// Never: text in memory takes everything.
    pub fn text(self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::new(self)));
        let mut text = String::new();
        match format {
            Format::Text => prometheus_text::encode(&mut text, &registry)?,
            Format::OpenMetrics => text::encode(&mut text, &registry)?,
        }
        Ok(text)
    }
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        self.counted(&mut to)?;
        self.of_plugins(&mut to)?;
        self.of_daemon(&mut to)?;
        self.of_process(&mut to)
    }
}

impl Page {
    fn counted(&self, to: &mut Writer<'_>) -> fmt::Result {
        let outcomes = self.series.iter().flat_map(|series| {
            let [plugin, command] = series.labels();
            let of = move |(outcome, count)| ([plugin, command, ("status", outcome)], count);
            series.totals.by_outcome().map(of)
        });
        let help = format!(
            "Requests to commands over HTTP, from the shell and from agents, by the class of the status they were \
             answered with; cancelled if the caller went away before. Without a command: requests that match none, and \
             those to commands beyond the first {COMMANDS_MAX} that were called. Without a plugin: requests over HTTP \
             that none answered, those of MCP among them."
        );
        to.counters("skills_requests", &help, outcomes)?;
        let durations =
            self.series.iter().map(|series| (series.labels(), &series.totals.durations));
        to.histograms(
            "skills_request_duration_seconds",
            "Time from when a request was given to its plugin, waiting for its turn and for its body included, until \
             the head of its answer was there, or its caller went away. Without a plugin: from when its head was read.",
            durations,
        )
    }

    fn of_plugins(&self, to: &mut Writer<'_>) -> fmt::Result {
        let all = || self.plugins.iter().map(|it| ([("plugin", it.name.as_str())], it));
        to.gauges(
            "skills_plugin_in_flight_requests",
            "Requests that the plugin was given and has not ended.",
            all().map(|(labels, it)| (labels, it.in_flight)),
        )?;
        to.gauges(
            "skills_plugin_waiting_requests",
            "Requests that wait because the plugin is given only so many at once.",
            all().map(|(labels, it)| (labels, it.waiting)),
        )?;
        to.gauges(
            "skills_plugin_pool_threads_running",
            "Threads of the plugin's pool that run a def handler.",
            all().map(|(labels, it)| (labels, it.pool)),
        )?;
        to.gauges(
            "skills_plugin_loop_lag_seconds",
            "How long the latest probe of the plugin's event loops waited, or waits, to be taken; they are probed twice \
             a second and at each scrape while they have requests. Of several loops, the slowest.",
            all().map(|(labels, it)| (labels, it.lag.as_secs_f64())),
        )?;
        to.gauges(
            "skills_plugin_loop_blocked",
            "1 while the daemon reports that a handler blocks an event loop of the plugin.",
            all().map(|(labels, it)| (labels, usize::from(it.is_blocked))),
        )?;
        to.gauges(
            "skills_plugin_calls_stuck",
            "1 while the daemon reports that handlers in the plugin's pool do not return.",
            all().map(|(labels, it)| (labels, usize::from(it.is_stuck))),
        )?;
        let loads = || self.loads.iter().map(|(name, loads)| ([("plugin", name.as_str())], loads));
        to.counters(
            "skills_plugin_loads",
            "Versions of the plugin that began to serve; each but the first was a reload.",
            loads().map(|(labels, loads)| (labels, loads.served)),
        )?;
        to.counters(
            "skills_plugin_load_failures",
            "Versions of the plugin that failed to load.",
            loads().map(|(labels, loads)| (labels, loads.failed)),
        )
    }

    fn of_daemon(&self, to: &mut Writer<'_>) -> fmt::Result {
        let mut info = to.0.encode_descriptor(
            "skills_daemon",
            "The versions of the daemon and of its Python.",
            None,
            MetricType::Info,
        )?;
        info.encode_info(&[("version", self.version.as_str()), ("python", self.python.as_str())])?;
        to.gauge("skills_uptime_seconds", "Time since the start.", self.uptime.as_secs_f64())?;
        to.gauge(
            "skills_in_flight_requests",
            "Requests in flight, this one not counted.",
            self.in_flight,
        )?;
        to.gauges(
            "skills_plugins",
            "Plugins by state.",
            self.states.iter().map(|(state, count)| ([("state", state.as_str())], *count)),
        )?;
        to.histograms(
            "skills_gil_wait_seconds",
            "Time that a probe waited for the GIL, as any thread of Python does; probed every 2 seconds while calls are \
             under way.",
            [([("", ""); 0], &self.gil)].into_iter(),
        )?;
        let [changed, failed] = self.packages;
        to.counters(
            "skills_package_changes",
            "Changes of the installed packages.",
            [([("result", "changed")], changed), ([("result", "failed")], failed)].into_iter(),
        )?;
        if let Some([sent, failed, dropped]) = self.spans {
            to.counters(
                "skills_spans",
                "Spans of traces, by what became of them: sent to the collector, failed to be, or dropped because too \
                 many waited.",
                [
                    ([("result", "sent")], sent),
                    ([("result", "failed")], failed),
                    ([("result", "dropped")], dropped),
                ]
                .into_iter(),
            )?;
        }
        to.gauge(
            "skills_recorded_crashes",
            "Crashes of earlier processes that count against a plugin until its files change, read at the start.",
            self.crashes,
        )
    }

    /// By the names that client libraries of Prometheus give them.
    fn of_process(&self, to: &mut Writer<'_>) -> fmt::Result {
        let Process { memory, threads, descriptors, cpu } = self.process;
        to.gauge(
            "process_start_time_seconds",
            "Start of the process, in seconds since 1970.",
            self.started.as_secs_f64(),
        )?;
        if let Some(cpu) = cpu {
            let mut metric = to.0.encode_descriptor(
                "process_cpu_seconds",
                "User and system time of the processor.",
                None,
                MetricType::Counter,
            )?;
            metric.encode_counter::<NoLabelSet, f64, f64>(&cpu.as_secs_f64(), None)?;
        }
        if let Some(memory) = memory {
            to.gauge("process_resident_memory_bytes", "Resident memory.", memory)?;
        }
        if let Some(descriptors) = descriptors {
            to.gauge("process_open_fds", "Open file descriptors.", descriptors)?;
        }
        if let Some(threads) = threads {
            to.gauge("process_threads", "Threads.", threads)?;
        }
        Ok(())
    }
}
