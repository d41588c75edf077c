//! Starts, stops, restarts and reloads at the same time: one daemon at the end or none, and nothing left over.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use nix::unistd::Pid;
use skills_daemon::lifecycle::locks;

use crate::harness::{CONTROL, Home, Running, eventually};

/// Numbers that a seed determines (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % limit as u64).unwrap()
    }
}

/// The living processes with the HOME `home`, this test's own children included.
#[cfg(target_os = "linux")]
fn processes(home: &Home) -> BTreeSet<i32> {
    let own = format!("HOME={}", home.path().display());
    let found = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        // A zombie has no environment.
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == own.as_bytes()).then_some(pid)
    });
    found.collect()
}

/// The files in the directory of state, by name.
fn state(home: &Home) -> BTreeSet<String> {
    let names = |directory: PathBuf| {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
    };
    // What is kept for the next start is JSON.
    let passes = |name: &String| !name.ends_with(".json") && name != "dependencies.lock";
    names(home.paths().state()).filter(passes).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn twenty_programs_of_a_chance_mix_leave_one_daemon_or_none() {
    for seed in [1, 2, 3] {
        let (home, mut dice) = (Home::new(), Dice(seed));
        let commands: Vec<&str> =
            (0..20).map(|_| ["start", "stop", "restart", "reload"][dice.below(4)]).collect();
        eprintln!("seed {seed}: {}", commands.join(" "));
        let running: Vec<Running> =
            commands.iter().map(|it| Running::start(home.command(CONTROL, &[it]))).collect();
        for (command, program) in commands.iter().zip(running) {
            let output = program.end();
            // A reload may find no daemon, or one that goes away.
            if *command != "reload" {
                output.ok().quietly();
            }
        }
        let paths = home.paths();
        eventually("the end of the hosts that drain", || {
            let serving: Vec<Pid> = locks::holder(&paths).into_iter().collect();
            (locks::hosts(&paths) == serving).then_some(())
        });
        let serving: BTreeSet<i32> = locks::holder(&paths).iter().map(|pid| pid.as_raw()).collect();
        eventually("the end of all other processes", || {
            (processes(&home) == serving).then_some(())
        });
        let locks = ["daemon.lock", "start.lock"];
        if !serving.is_empty() {
            home.client(&["demo", "hello"]).ok().quietly();
            let journal = serving.iter().map(|pid| format!("journal-{pid}")).collect::<String>();
            let own = ["daemon.pid", "daemon.sock", "handover.sock", &journal];
            assert_eq!(state(&home), set(&[&locks[..], &own[..]].concat()), "seed {seed}");
            home.control(&["stop"]).ok();
        }
        assert_eq!(state(&home), set(&locks), "seed {seed}");
        eventually("the end of the daemon", || processes(&home).is_empty().then_some(()));
    }
}
