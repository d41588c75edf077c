//! A program on a terminal of its own, made by Python's `pty`.

use std::process::Command;

use super::{CLIENT, Home, Output, Running, shared};

/// Gives the program a terminal of so many columns (0: unknown), copies its output, and types: each time that a text
/// appears, the keys that belong to it. At the end the terminal must show what is typed, as at the beginning.
const SCRIPT: &str = "
import fcntl, json, os, pty, select, struct, sys, termios

columns, typed = int(sys.argv[1]), json.loads(sys.argv[2])
terminal, inner = pty.openpty()
fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('HHHH', 24 if columns else 0, columns, 0, 0))
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(inner, stream)
    os.execv(sys.argv[3], sys.argv[3:])
seen, ended, status = b'', 0, 0
while True:
    if not select.select([terminal], [], [], 0.02)[0]:
        if ended:
            break
        ended, status = os.waitpid(pid, os.WNOHANG)
        continue
    data = os.read(terminal, 65536)
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    seen += data
    while typed and typed[0][0].encode() in seen:
        text, keys = typed.pop(0)
        seen = seen.partition(text.encode())[2]
        os.write(terminal, keys.encode())
assert not typed, f'these texts did not appear: {typed}'
assert termios.tcgetattr(inner)[3] & termios.ECHO, 'the terminal does not show what is typed'
sys.exit(os.waitstatus_to_exitcode(status))
";

impl Home {
    /// Runs the client on a terminal of `columns` (0: unknown); stdout and stderr become stdout.
    pub(crate) fn on_terminal(
        &self,
        columns: u16,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Output {
        let mut command = self.terminal(columns, CLIENT, arguments, &[]);
        command.envs(variables.iter().copied());
        Output::of(command)
    }

    /// Runs the client on a terminal without colours, on which each time that a text appears its keys are typed.
    pub(crate) fn in_dialog(&self, arguments: &[&str], typed: &[(&str, &str)]) -> Output {
        self.in_dialog_with(CLIENT, arguments, typed)
    }

    /// The same with another program.
    pub(crate) fn in_dialog_with(
        &self,
        program: &str,
        arguments: &[&str],
        typed: &[(&str, &str)],
    ) -> Output {
        let mut command = self.terminal(80, program, arguments, typed);
        command.env("NO_COLOR", "1");
        Output::of(command)
    }

    /// Starts a program on a terminal.
    pub(crate) fn start_on_terminal(&self, program: &str, arguments: &[&str]) -> Running {
        Running::start(self.terminal(0, program, arguments, &[]))
    }

    fn terminal(
        &self,
        columns: u16,
        program: &str,
        arguments: &[&str],
        typed: &[(&str, &str)],
    ) -> Command {
        let typed = serde_json::json!(typed).to_string();
        let mut command =
            self.command(shared::python(), &["-c", SCRIPT, &columns.to_string(), &typed, program]);
        command.args(arguments).env("TERM", "xterm");
        command
    }
}
