//! Entries of this program in the settings of coding agents, and their sandboxes.

use super::super::facts::{AgentFile, SandboxSetting};
use super::super::{Check, Control, Entry, Fix, Group};

const GROUP: Group = Group::Agents;

/// Checks that each entry runs this installation.
pub fn agents(files: &[AgentFile], control: &Control) -> Vec<Check> {
    files.iter().flat_map(|file| of_agent(file, control)).collect()
}

fn of_agent(file: &AgentFile, control: &Control) -> Vec<Check> {
    let AgentFile { agent, word, file: path, entries } = file;
    let shown = path.display();
    let setup = control.line(&format!("agent setup {word}"));
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let evidence = format!("{shown} cannot be read: {error}");
            return vec![
                Check::warning(GROUP, agent, evidence)
                    .remedy("Correct it: the agent cannot read it either."),
            ];
        }
    };
    let mut checks = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_own) {
        let (name, command) = (&entry.name, &entry.command);
        checks.push(match entry.exists {
            false => {
                let own = Entry { agent, file: path.clone(), name: name.clone() };
                let evidence = format!("`{name}` in {shown} runs {command}, which is gone");
                Check::failed(GROUP, agent, evidence).command(setup.clone()).fix(Fix::Register(own))
            }
            true => {
                let evidence =
                    format!("`{name}` in {shown} runs {command}, of another installation");
                Check::warning(GROUP, agent, evidence)
                    .remedy("If this installation is the right one:")
                    .command(setup.clone())
            }
        });
    }
    if checks.is_empty() {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        checks.push(Check::ok(GROUP, agent, format!("{} in {shown}", names.join(", "))));
    }
    checks
}

/// Returns warnings about sandboxes in which commands may not reach the daemon.
pub fn sandboxes(settings: &[SandboxSetting]) -> Vec<Check> {
    let check = |setting: &SandboxSetting| {
        let evidence = format!(
            "the sandbox that {} switches on may keep commands from the daemon",
            setting.file.display()
        );
        Check::warning(GROUP, &format!("sandbox of {}", setting.agent), evidence)
            .remedy(setting.remedy.as_str())
    };
    settings.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::doctor::facts::AgentEntry;

    #[test]
    fn an_entry_that_runs_nothing_can_be_mended() {
        let entry = |name: &str, exists, is_own| AgentEntry {
            name: name.into(),
            command: "/old/skills-client".into(),
            exists,
            is_own,
        };
        let file = |entries| AgentFile {
            agent: "Codex",
            word: "codex",
            file: "/h/config.toml".into(),
            entries,
        };
        let judge = |entries| agents(&[file(entries)], &Control::default());
        let own = judge(Ok(vec![entry("skills", true, true)]));
        assert_eq!((own[0].verdict, own.len()), (Verdict::Ok, 1));
        let found = judge(Ok(vec![entry("skills", false, false), entry("skills-a", true, false)]));
        assert_eq!(found[0].verdict, Verdict::Failed);
        assert!(found[0].evidence.ends_with("which is gone"), "{}", found[0].evidence);
        let Some(Fix::Register(fix)) = &found[0].fix else { panic!("{found:?}") };
        assert_eq!((fix.agent, fix.name.as_str()), ("Codex", "skills"));
        assert_eq!(found[1].verdict, Verdict::Warning);
        assert_eq!(found[1].fix, None);
        assert_eq!(found[1].command.as_deref(), Some("skills-daemon agent setup codex"));
        assert_eq!(judge(Err("line 1".into()))[0].verdict, Verdict::Warning);
    }
}
