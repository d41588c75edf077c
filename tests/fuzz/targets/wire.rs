//! Messages between client, control program and host; the first byte chooses one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skills_daemon::description::{Description, Report};
use skills_daemon::failure::Failure;
use skills_daemon::routes::Table;
use skills_daemon::wire::frame::{Frame, PAYLOAD_MAX};
use skills_daemon::wire::{Health, Plugins, Program, Reloaded, Reply, Run, Startup, Status};
use skills_daemon::{help, tools};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 12 {
        0 | 1 => frames(data),
        2 => message::<Run>(data),
        3 => message::<Startup>(data),
        4 => message::<Health>(data),
        5 => message::<Status>(data),
        6 => message::<Plugins>(data),
        7 => message::<Reloaded>(data),
        8 => message::<Failure>(data),
        9 => message::<Reply>(data),
        10 => message::<Program>(data),
        _ => report(data),
    }
});

/// Reads frames up to the first that is none; each is read as it was written.
fn frames(mut data: &[u8]) {
    while let Ok(frame) = Frame::read(&mut data) {
        let bytes = frame.to_bytes();
        assert!(bytes.len() <= PAYLOAD_MAX + 5);
        let again = Frame::read(&mut &bytes[..]);
        assert_eq!(again.ok().as_ref(), Some(&frame));
    }
}

/// Reads a message; what it is written as, it is read as.
fn message<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(message) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_string(&message).unwrap();
    let again: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}

/// Reads what Python reports of a plugin, and derives everything from it.
fn report(data: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Report>(data) else { return };
    let description = report.into_description(Vec::new());
    message::<Description>(&serde_json::to_vec(&description).unwrap());
    let table = Table::new(&description);
    for route in &description.routes {
        let Some(path) = &route.path else { continue };
        let _ = table.find("GET", path.as_str());
    }
    for tool in tools::of(&description) {
        assert!(description.command(tool.command).is_some() && !tool.name.is_empty());
    }
    let shown = help::plugin(&description);
    for command in shown["commands"].as_array().unwrap() {
        let name = command["name"].as_str().unwrap();
        assert!(help::command(&description, name).is_ok(), "{name:?}");
    }
}
