//! The text of the units.
//!
//! The service may do what the user may, because plugins run any program: hardening is what such programs do not need.
//! Left out are private or read-only places and address families (plugins use the user's files, `/tmp` and the network), a
//! ban of writable code (it breaks `ctypes` and compilers) and of namespaces (browsers and containers use them), and a
//! umask (files that plugins write for the user). No new privileges means that `sudo` and other set-user-id
//! programs do not work in plugins; without privileges of its own, the user's manager cannot do the rest without it.

use crate::failure::Failure;
use crate::service::Definition;

/// The unit of the service and that of its socket: file names and texts.
///
/// # Errors
/// A path or a variable has a control character.
pub(in crate::service) fn texts(
    name: &str,
    definition: &Definition,
) -> Result<Vec<(String, String)>, Failure> {
    let socket = super::socket_name(name);
    Ok(vec![
        (super::service_name(name), service(&socket, definition)?),
        (socket, socket_text(definition)?),
    ])
}

fn head(definition: &Definition) -> String {
    format!(
        "# {}\n\
         # Written by `skills-daemon install-service`, which replaces it; `uninstall-service` removes it.\n\
         # Changes of your own belong into a drop-in: `systemctl --user edit UNIT`.\n",
        definition.mark
    )
}

fn service(socket: &str, definition: &Definition) -> Result<String, Failure> {
    let program = quoted(&definition.program.to_string_lossy())?;
    let mut command = vec![program];
    for argument in &definition.arguments {
        // What the program is called is taken as it is, and its arguments with `$NAME` replaced.
        command.push(quoted(&argument.replace('$', "$$"))?);
    }
    let mut variables = String::new();
    for (name, value) in &definition.variables {
        variables.push_str(&format!("Environment={}\n", quoted(&format!("{name}={value}"))?));
    }
    Ok(format!(
        "{head}
[Unit]
Description={description}
# A daemon that cannot start is not tried for ever; the next `start` or command tries again.
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{variables}Sockets={socket}
Restart=on-failure
RestartSec=1
# A start reports that it goes on while packages are installed, and a stop while requests are finished.
TimeoutStartSec=60
TimeoutStopSec=30
# Signs of life come from the threads that serve: a plugin that hangs does not end them.
WatchdogSec=30
WatchdogSignal=SIGKILL
KillMode=mixed
# A program of a plugin that takes too much memory does not end the daemon.
OOMPolicy=continue
SyslogIdentifier={identifier}

NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
",
        head = head(definition),
        description = specifiers(&definition.description)?,
        command = command.join(" "),
        identifier = crate::service::NAME,
    ))
}

fn socket_text(definition: &Definition) -> Result<String, Failure> {
    Ok(format!(
        "{head}
[Unit]
Description={description}, socket

[Socket]
ListenStream={socket}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
",
        head = head(definition),
        description = specifiers(&definition.description)?,
        socket = specifiers(&definition.socket.to_string_lossy())?,
    ))
}

/// Returns `text` as one word of a setting.
fn quoted(text: &str) -> Result<String, Failure> {
    let text = specifiers(text)?.replace('\\', r"\\").replace('"', "\\\"");
    Ok(format!("\"{text}\""))
}

/// Returns `text` as the rest of a line: `%` begins a specifier.
fn specifiers(text: &str) -> Result<String, Failure> {
    if text.contains(char::is_control) {
        let error = format!("{text:?} has a control character, which no unit of systemd can have");
        return Err(Failure::environment(error));
    }
    Ok(text.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::service::mark::Mark;

    fn definition() -> Definition {
        Definition {
            program: "/o p/100%/a\"b$c/skills-daemon".into(),
            arguments: ["--profile", "office", "start", "--service"].map(str::to_owned).into(),
            variables: vec![("PATH".to_owned(), r"/a b:/c\d:/100%:$HOME".to_owned())],
            description: "Skills daemon (profile office)".to_owned(),
            socket: "/r u/100%/daemon.sock".into(),
            output: "/r/o".into(),
            mark: Mark::new(Path::new("/r u/100%"), Path::new("/p")),
        }
    }

    #[test]
    fn paths_and_variables_are_escaped_for_systemd() {
        let texts = texts("skills-daemon-office", &definition()).unwrap();
        let [(service_name, service), (socket_name, socket)] = &texts[..] else { panic!() };
        assert_eq!(service_name, "skills-daemon-office.service");
        assert_eq!(socket_name, "skills-daemon-office.socket");
        for line in [
            "ExecStart=\"/o p/100%%/a\\\"b$c/skills-daemon\" \"--profile\" \"office\" \"start\" \"--service\"",
            "Environment=\"PATH=/a b:/c\\\\d:/100%%:$HOME\"",
            "Sockets=skills-daemon-office.socket",
            "Type=notify",
            "Restart=on-failure",
        ] {
            assert!(service.lines().any(|it| it == line), "{line}\n{service}");
        }
        assert!(socket.lines().any(|it| it == "ListenStream=/r u/100%%/daemon.sock"), "{socket}");
        for text in [service, socket] {
            assert_eq!(Mark::find(text), Some(definition().mark));
        }
    }

    #[test]
    fn a_line_break_in_a_path_is_refused() {
        let mut broken = definition();
        broken.socket = "/r\nExecStart=/bin/true".into();
        let failure = texts("skills-daemon", &broken).unwrap_err();
        assert!(failure.error.contains("control character"), "{failure}");
    }
}
