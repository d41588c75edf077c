//! The values of settings: each is parsed from a text, with the range in its error, and shown as one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

/// The longest time of a setting, in seconds: 31 days.
pub(super) const SECONDS_MAX: u32 = 31 * 86_400;

/// The least level of logged events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, each request included.
    Debug,
    /// Starts, stops, loads.
    Info,
    /// Possible problems.
    Warning,
    /// Failures.
    Error,
}

impl FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().as_str() {
            "DEBUG" => Ok(LogLevel::Debug),
            "INFO" => Ok(LogLevel::Info),
            "WARNING" | "WARN" => Ok(LogLevel::Warning),
            "ERROR" | "CRITICAL" => Ok(LogLevel::Error),
            _ => Err("DEBUG, INFO, WARNING or ERROR"),
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLevel::Debug => "DEBUG",
            LogLevel::Info => "INFO",
            LogLevel::Warning => "WARNING",
            LogLevel::Error => "ERROR",
        })
    }
}

/// The addresses to listen on: of loopback, and perhaps one beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(pub Vec<IpAddr>);

impl Addresses {
    /// The address that other machines can reach, if there is one.
    pub fn beyond_loopback(&self) -> Option<IpAddr> {
        self.0.iter().copied().find(|address| !address.is_loopback())
    }
}

impl FromStr for Addresses {
    type Err = &'static str;

    /// `localhost`, and `::` of the original daemon, mean loopback in both families; an address beyond loopback comes
    /// in addition to these.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "localhost, 127.0.0.1, ::1, or an address of this machine";
        let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        let text = text.trim_matches(['[', ']']);
        if matches!(text, "localhost" | "::") {
            return Ok(Addresses(vec![v4, v6]));
        }
        let address = text.parse::<IpAddr>().map_err(|_| WANTED)?.to_canonical();
        match address {
            IpAddr::V4(Ipv4Addr::BROADCAST) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Err(WANTED),
            _ if address.is_multicast() => Err(WANTED),
            _ if address.is_loopback() => Ok(Addresses(vec![address])),
            // It includes loopback.
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ok(Addresses(vec![address, v6])),
            _ => Ok(Addresses(vec![v4, v6, address])),
        }
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// Whole seconds, 0 to 31 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl Seconds {
    /// Returns the span as a [`Duration`].
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse::<u32>() {
            Ok(seconds) if seconds <= SECONDS_MAX => Ok(Seconds(seconds)),
            _ => Err("whole seconds from 0 to 2678400"),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// A TCP port; 0 lets the system choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl FromStr for Port {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Port).map_err(|_| "a port number from 0 to 65535")
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Switch(true)),
            "0" | "false" | "no" | "off" => Ok(Switch(false)),
            _ => Err("true or false"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
