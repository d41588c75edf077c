//! `--help` at all three levels, of the control program too, and help of names that do not exist.

use crate::harness::{CONTROL, Home, Output};

#[test]
fn the_programs_explain_themselves_without_a_daemon() {
    let home = Home::bare();
    let help = home.client(&["--help"]);
    insta::assert_snapshot!(help.ok().quietly().stdout(), @"
    Runs a command of a plugin of the skills daemon, which is started when it does not run.

    Usage:
        skills-client [OPTIONS] PLUGIN COMMAND [ARGUMENTS]
        skills-client PLUGIN --help             commands of a plugin
        skills-client PLUGIN COMMAND --help     parameters of a command
        skills-client health                    health of the daemon and its plugins
        skills-client plugins                   plugins and their routes
        skills-client mcp [PLUGIN]              commands as tools for agents (MCP over stdio)

    Options, which may stand anywhere before `--`:
        --json, -j        print the answer as JSON
        -v                print the plugin's log records of the call on stderr
        -X METHOD         decide the HTTP method by hand
        --timeout SECONDS limit the time until the answer begins
        --output FILE     write the result to a file
        --profile NAME    the daemon of this profile
        --help, -h        print help
        --version, -V     print the version

    After the plugin's name, --timeout, --output and --profile are the command's own options, if it
    has such.
    Options of a command that take text or JSON take @FILE for the content of a file and - for stdin;
    @@TEXT is the text @TEXT.

    Examples:
        skills-client demo hello --name World
        skills-client demo hello --name @name.txt
        skills-client demo --help

    `skills-daemon --help` controls the daemon itself.
    ");
    assert_eq!(home.client(&[]).ok().stdout(), help.stdout());
    assert_eq!(
        home.client(&["--version"]).ok().stdout(),
        format!("skills-client {}\n", skills_daemon::VERSION)
    );
    home.client(&["-h"]).ok().says("Usage:");

    let help = home.control(&["--help"]);
    insta::assert_snapshot!(help.ok().quietly().stdout(), @"
    Controls the skills daemon, which keeps Python plugins loaded and runs their commands

    Usage: skills-daemon [OPTIONS] <COMMAND>

    Commands:
      start              Start the daemon, unless it runs
      stop               Stop the daemon
      restart            Stop the daemon and start it again
      status             Show whether the daemon runs, and the state of its plugins
      logs               Show the daemon's log
      reload             Load plugins again
      plugins            List the plugins and what they offer
      plugin             Add, remove, create and check plugins
      deps               Show and change the packages that plugins require
      config             Show and change the settings
      secret             Store secrets for plugins, outside of the settings
      link               Make plugins shell commands: a wrapper for each in ~/.local/bin
      unlink             Remove wrappers from ~/.local/bin
      agent              Make plugins known to coding agents: Claude Code, Codex, Cursor, VS Code
      profiles           List the profiles and their state
      install-service    Have systemd or launchd run the daemon: from login on, and again after a crash
      uninstall-service  Undo `install-service`
      service            Show the service of the daemon
      run                Run a command in a daemon of its own, which leaves nothing behind
      completion         Print, or install, the script that lets a shell complete commands
      doctor             Check the whole installation and suggest remedies
      help               Print this message or the help of the given subcommand(s)

    Options:
          --profile <NAME>  The daemon of this profile, which has places of its own [env:
                            SKILLS_DAEMON_PROFILE]
      -h, --help            Print help
      -V, --version         Print version
    ");
    for command in [
        "start", "stop", "restart", "status", "logs", "reload", "plugins", "plugin", "config",
        "secret", "link", "unlink", "agent", "profiles", "run", "doctor",
    ] {
        help.says(&format!("  {command} "));
        Output::of(home.command(CONTROL, &[command, "--help"])).ok().quietly().says("Usage:");
    }
    home.control(&["strat"]).fails_with(2).complains("'start'");
    assert!(!home.path().join(".local").exists(), "help writes nothing");
}

#[test]
fn a_plugin_and_its_commands_explain_themselves() {
    let home = Home::new();
    let help = home.client(&["demo", "--help"]);
    insta::assert_snapshot!(help.ok().quietly().stdout(), @"
    demo - A tour of what a plugin can do
    Version: 1.0.0

    Commands:
      hello                [GET]  Greet somebody.
      size <bytes>         [GET]  Write a number of bytes for people, with the `humanize` package.
      kinds <word>         [GET]  Take a parameter of every kind and give them back.
      order                [POST] Take a request body.
      wait                 [GET]  Take a while; other requests to this plugin are answered meanwhile.
      count                [GET]  Count, a line at a time: the answer is printed while it is made.
      fail                 [GET]  Fail, to see how that looks.

    Examples:
      demo hello --name Ada
      demo size 1234567
      demo kinds word --number 7 --color green --tag a --tag b

    Run 'demo <command> --help' for the parameters of a command
    ");
    let help = home.client(&["demo", "kinds", "--help"]);
    insta::assert_snapshot!(help.ok().quietly().stdout(), @"
    demo kinds - Take a parameter of every kind and give them back.

    Usage: demo kinds <word> --number <value> [options]

    Path: /demo/kinds/{word}  Methods: GET

    Parameters:
      --word                 [required]
      --number               [required] A whole number (integer, 0 to 1000)
      --ratio                [optional] A fraction (number, more than 0, less than 1) (default: 0.5)
      --flag                 [optional] Yes or no (boolean) (default: False)
      --color                [optional] One of an enum (one of: red, green) (default: red)
      --level                [optional] One of some literals (one of: low, high) (default: low)
      --tag                  [optional] May be given more than once (may be repeated)
      --day                  [optional] A date, YYYY-MM-DD (date)
      --maxResults           [optional] Has an alias (integer) (default: 10)
      --x-demo               [optional] A header
      --session              [optional] A cookie

    Examples:
      demo kinds word --number 7 --color green --tag a --tag b
    ");
    // Wherever it stands, and whatever else was typed.
    assert_eq!(
        home.client(&["demo", "-h", "kinds", "--color", "red"]).ok().stdout(),
        help.stdout()
    );
    let help = home.client(&["demo", "order", "--help"]);
    insta::assert_snapshot!(help.ok().quietly().stdout(), @"
    demo order - Take a request body.

    Usage: demo order --item <value> [options]

    Path: /demo/order  Methods: POST

    Parameters:
      --item                 [required] What is ordered (at least 1 character)
      --count                [optional] How many (integer, 1 to 99) (default: 1)
      --gift                 [optional] Wrap it (boolean) (default: False)

    Examples:
      demo order --item tea --count 2 --gift
    ");

    let unknown = home.client(&["demo", "nope", "--help"]);
    insta::assert_snapshot!(unknown.fails_with(1).quietly().stdout(), @"
    Error: Unknown command: nope
    Available: hello, size, kinds, order, wait, count, fail
    ");
    let unknown = home.client(&["nope", "--help"]);
    unknown.fails_with(1).says("Error: Unknown plugin: nope\n").says("Available: demo\n");
}
