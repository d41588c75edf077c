//! A program on a terminal of its own, made by Python's `pty`.

use std::process::Command;

use super::{CLIENT, Home, Output, Running, shared};

/// Gives the program a terminal of so many columns (0: unknown) and copies its output.
const SCRIPT: &str = "
import fcntl, os, pty, struct, sys, termios

columns = int(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24 if columns else 0, columns, 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

impl Home {
    /// Runs the client on a terminal of `columns` (0: unknown); stdout and stderr become stdout.
    pub(crate) fn on_terminal(
        &self,
        columns: u16,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Output {
        let mut command = self.terminal(columns, CLIENT, arguments);
        command.envs(variables.iter().copied());
        Output::of(command)
    }

    /// Starts a program on a terminal.
    pub(crate) fn start_on_terminal(&self, program: &str, arguments: &[&str]) -> Running {
        Running::start(self.terminal(0, program, arguments))
    }

    fn terminal(&self, columns: u16, program: &str, arguments: &[&str]) -> Command {
        let mut command =
            self.command(shared::python(), &["-c", SCRIPT, &columns.to_string(), program]);
        command.args(arguments).env("TERM", "xterm");
        command
    }
}
