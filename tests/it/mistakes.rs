//! Every mistake on the command line, and its message.

use crate::harness::{Home, Output, plugin_code};

/// Parameters of every type, with every limit.
const TYPES: &str = "
import datetime, enum, typing
from pydantic import BaseModel, Field
from fastapi import Query, Header

class Color(enum.Enum):
    red = 'red'
    green = 'green'

class Order(BaseModel):
    item: str = Field(min_length=2)
    count: int = Field(1, ge=1, le=9)
    extra: dict[str, typing.Any] = {}
    lines: list[int] = []

@router.get('/take')
def take(
    number: int = 1, ratio: float = 0.5, flag: bool = False, color: Color = Color.red,
    level: typing.Literal['low', 'high'] = 'low', day: datetime.date | None = None,
    moment: datetime.datetime | None = None, tag: list[int] = Query([]),
    few: int = Query(1, ge=1, le=50), short: str = Query('abc', min_length=2, max_length=4),
    code: str = Query('A', pattern='^[A-Z]+$'), step: int = Query(0, multiple_of=5),
    x_id: int = Header(0),
): return {'success': True}

@router.get('/issue/{key}')
def issue(key: str, fields: str = ''): return {'success': True, 'data': key}

@router.get('/page/{number}')
def page(number: int): return {'success': True, 'data': number}

@router.get('/search')
def search(jql: str, maxResults: int = 50): return {'success': True, 'data': jql}

@router.get('/memory/read')
def read(name: str): return {'success': True}

@router.post('/memory/write')
def write(name: str, content: str): return {'success': True}

@router.post('/order')
def order(order: Order): return {'success': True, 'data': order.model_dump()}
";

fn home() -> Home {
    let home = Home::new();
    home.plugin("shop", &plugin_code("shop", TYPES), "");
    home
}

/// Returns each of `lines` with its output and exit status.
fn transcript(home: &Home, lines: &[&str]) -> String {
    let entries = lines.iter().map(|line| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = home.client(&arguments);
        entry(line, &output)
    });
    home.redact(&entries.collect::<String>())
}

fn entry(line: &str, output: &Output) -> String {
    let mut text = format!("$ {line}\n{}", output.stdout());
    for line in output.stderr().lines() {
        text.push_str(&format!("stderr: {line}\n"));
    }
    format!("{text}exit status {}\n\n", output.status().code().unwrap())
}

#[test]
fn names_that_do_not_exist() {
    insta::assert_snapshot!(transcript(&home(), &[
        "shpo take",
        "nothing take",
        "shop",
        "shop isue A-1",
        "shop zzz",
        "shop memory",
        "shop memory wriet x",
        "shop zzz --help",
        "shop take --nubmer 5 --number x",
        "shop take --zzz 5 --number x",
    ]), @"
    $ shpo take
    Error: Unknown plugin: shpo
    Hint: Did you mean 'shop'?
    Available: shop, demo
    exit status 1

    $ nothing take
    Error: Unknown plugin: nothing
    Hint: `skills-daemon plugins` lists all plugins; see README for where they are found.
    Available: shop, demo
    exit status 1

    $ shop
    Error: No command for 'shop'
    Hint: Run 'shop --help' to see its commands.
    Available: take, issue, page, search, memory, order
    exit status 2

    $ shop isue A-1
    Error: Unknown command: isue
    Hint: Did you mean 'issue'?
    Available: take, issue, page, search, memory, order
    exit status 1

    $ shop zzz
    Error: Unknown command: zzz
    Hint: Run 'shop --help' to see its commands.
    Available: take, issue, page, search, memory, order
    exit status 1

    $ shop memory
    Error: 'shop memory' needs a command
    Hint: Run 'shop memory --help' to see its commands.
    Available: memory read, memory write
    exit status 2

    $ shop memory wriet x
    Error: Unknown command: memory wriet
    Hint: Did you mean 'memory write'?
    Available: memory read, memory write
    exit status 1

    $ shop zzz --help
    Error: Unknown command: zzz
    Available: take, issue, page, search, memory, order
    exit status 1

    $ shop take --nubmer 5 --number x
    Error: Invalid parameters
      Invalid value for --number: expected integer

    Hint: Use --help to see required parameters
    stderr: Warning: Unknown parameter '--nubmer'. Did you mean '--number'?
    exit status 1

    $ shop take --zzz 5 --number x
    Error: Invalid parameters
      Invalid value for --number: expected integer

    Hint: Use --help to see required parameters
    stderr: Warning: Unknown parameter '--zzz'
    exit status 1
    ");
}

#[test]
fn lines_that_do_not_fit() {
    insta::assert_snapshot!(transcript(&home(), &[
        "shop issue",
        "shop issue A-1 B-2",
        "shop search",
        "shop search a b",
        "shop memory write x",
        "shop memory write",
        "shop order",
        "shop take --number",
        "shop take --few= --day=",
        "shop search --jql --maxResults 5",
    ]), @"
    $ shop issue
    Error: 'shop issue' needs KEY
    Hint: Usage: shop issue <key> [options]
    exit status 2

    $ shop issue A-1 B-2
    Error: 'shop issue' does not take 'B-2'
    Hint: Usage: shop issue <key> [options]
    exit status 2

    $ shop search
    Error: Invalid parameters
      Missing required parameter: --jql

    Hint: Use --help to see required parameters
    exit status 1

    $ shop search a b
    Error: 'shop search' does not take 'b'
    Hint: Usage: shop search --jql <value> [options]
    exit status 2

    $ shop memory write x
    Error: Invalid parameters
      Missing required parameter: --content

    Hint: Use --help to see required parameters
    exit status 1

    $ shop memory write
    Error: Invalid parameters
      Missing required parameter: --name
      Missing required parameter: --content

    Hint: Use --help to see required parameters
    exit status 1

    $ shop order
    Error: Invalid parameters
      Missing required parameter: --item

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --number
    Error: Invalid parameters
      Invalid value for --number: expected integer

    Hint: Use --help to see required parameters
    stderr: Warning: '--number' has no value, 'True' is sent
    exit status 1

    $ shop take --few= --day=
    Error: Invalid parameters
      --day: Input should be a valid date or datetime, input is too short
      Invalid value for --few: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop search --jql --maxResults 5
    True
    stderr: Warning: '--jql' has no value, 'True' is sent
    exit status 0
    ");
}

#[test]
fn values_that_do_not_fit() {
    insta::assert_snapshot!(transcript(&home(), &[
        "shop take --number x",
        "shop take --ratio x",
        "shop take --flag=perhaps",
        "shop take --color blue --level middle",
        "shop take --day tomorrow --moment now",
        "shop take --tag 1 --tag x",
        "shop take --few 51",
        "shop take --short a --code abc --step 7",
        "shop take --x-id x",
        "shop page x",
        "shop order --item a --count 10",
        "shop order --item tea --count x",
        "shop order --item tea --extra {\"a\":",
        "shop order --item tea --extra [1]",
        "shop order --item tea --lines 1 --lines x",
    ]), @r#"
    $ shop take --number x
    Error: Invalid parameters
      Invalid value for --number: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --ratio x
    Error: Invalid parameters
      --ratio: Input should be a valid number, unable to parse string as a number

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --flag=perhaps
    Error: Invalid parameters
      Invalid value for --flag: expected true/false

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --color blue --level middle
    Error: Invalid parameters
      --color: Input should be 'red' or 'green'
      --level: Input should be 'low' or 'high'

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --day tomorrow --moment now
    Error: Invalid parameters
      --day: Input should be a valid date or datetime, input is too short
      --moment: Input should be a valid datetime or date, input is too short

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --tag 1 --tag x
    Error: Invalid parameters
      Invalid value for --tag: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --few 51
    Error: Invalid parameters
      --few: Input should be less than or equal to 50

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --short a --code abc --step 7
    Error: Invalid parameters
      --short: String should have at least 2 characters
      --code: String should match pattern '^[A-Z]+$'
      --step: Input should be a multiple of 5

    Hint: Use --help to see required parameters
    exit status 1

    $ shop take --x-id x
    Error: Invalid parameters
      Invalid value for --x-id: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop page x
    Error: Invalid parameters
      Invalid value for --number: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop order --item a --count 10
    Error: Invalid parameters
      --item: String should have at least 2 characters
      --count: Input should be less than or equal to 9

    Hint: Use --help to see required parameters
    exit status 1

    $ shop order --item tea --count x
    Error: Invalid parameters
      Invalid value for --count: expected integer

    Hint: Use --help to see required parameters
    exit status 1

    $ shop order --item tea --extra {"a":
    Error: Invalid parameters
      --extra: Input should be a valid dictionary

    Hint: Use --help to see required parameters
    stderr: Warning: '--extra' is not JSON: EOF while parsing a value at line 1 column 5
    exit status 1

    $ shop order --item tea --extra [1]
    Error: Invalid parameters
      --extra: Input should be a valid dictionary

    Hint: Use --help to see required parameters
    exit status 1

    $ shop order --item tea --lines 1 --lines x
    Error: Invalid parameters
      Invalid value for --lines: expected integer

    Hint: Use --help to see required parameters
    exit status 1
    "#);
}

#[test]
fn methods_that_do_not_fit() {
    insta::assert_snapshot!(transcript(&home(), &[
        "shop issue A-1 -X",
        "shop issue A-1 -X FROB",
        "shop issue A-1 -X DELETE",
        "shop issue A-1 -X a/b",
    ]), @"
    $ shop issue A-1 -X
    stderr: Error: -X needs a method
    stderr: Hint: For example -X PATCH.
    exit status 2

    $ shop issue A-1 -X FROB
    detail: Method Not Allowed
    stderr: Warning: -X FROB does not fit this command, which takes GET
    exit status 1

    $ shop issue A-1 -X DELETE
    detail: Method Not Allowed
    stderr: Warning: -X DELETE does not fit this command, which takes GET
    exit status 1

    $ shop issue A-1 -X a/b
    Error: `A/B` is not an HTTP method
    Hint: Use -X with GET, POST, PUT, PATCH or DELETE.
    exit status 2
    ");
}

#[test]
fn files_that_cannot_be_read() {
    let home = home();
    std::fs::write(home.path().join("image.png"), b"\x89PNG").unwrap();
    home.write("broken.json", "{\"a\": 1,}");
    insta::assert_snapshot!(transcript(&home, &[
        "shop search --jql @query.txt",
        "shop search --jql=@no/such",
        "shop search --jql @./.local",
        "shop search --jql @image.png",
        "shop order --item tea --extra @missing.json",
        "shop order --item tea --extra @broken.json",
        "shop search --json --jql @query.txt",
    ]), @r#"
    $ shop search --jql @query.txt
    Error: --jql: no such file: `query.txt`
    Hint: For the text itself, write `--jql @@query.txt`.
    exit status 2

    $ shop search --jql=@no/such
    Error: --jql: no such file: `no/such`
    Hint: For the text itself, write `--jql @@no/such`.
    exit status 2

    $ shop search --jql @./.local
    Error: --jql: `./.local` cannot be read: Is a directory (os error 21)
    Hint: For the text itself, write `--jql @@./.local`.
    exit status 2

    $ shop search --jql @image.png
    Error: --jql: `image.png` is not text (byte 1 is not UTF-8)
    Hint: For the text itself, write `--jql @@image.png`.
    exit status 2

    $ shop order --item tea --extra @missing.json
    Error: --extra: no such file: `missing.json`
    Hint: For the text itself, write `--extra @@missing.json`.
    exit status 2

    $ shop order --item tea --extra @broken.json
    Error: Invalid parameters
      --extra: Input should be a valid dictionary

    Hint: Use --help to see required parameters
    stderr: Warning: '--extra' is not JSON: trailing comma at line 1 column 9
    exit status 1

    $ shop search --json --jql @query.txt
    {
      "success": false,
      "error": "--jql: no such file: `query.txt`",
      "hint": "For the text itself, write `--jql @@query.txt`.",
      "kind": "usage"
    }
    exit status 2
    "#);
    let asked = home.on_terminal(80, &["shop", "search", "--jql", "-"], &[("NO_COLOR", "1")]);
    insta::assert_snapshot!(asked.fails_with(2).stdout().replace('\r', ""), @"
    Error: --jql: `-` reads stdin, which is a terminal
    Hint: Pipe the text in, or write `--jql @FILE`.
    ");
}

#[test]
fn the_control_program_has_mistakes_too() {
    let home = Home::bare();
    let transcript: String = ["strat", "start --no-such", "logs --lines x", "status extra"]
        .iter()
        .map(|line| {
            let arguments: Vec<&str> = line.split_whitespace().collect();
            entry(line, home.control(&arguments).fails_with(2))
        })
        .collect();
    insta::assert_snapshot!(transcript, @"
    $ strat
    stderr: error: unrecognized subcommand 'strat'
    stderr: 
    stderr:   tip: some similar subcommands exist: 'secret', 'status', 'restart', 'start'
    stderr: 
    stderr: Usage: skills-daemon [OPTIONS] <COMMAND>
    stderr: 
    stderr: For more information, try '--help'.
    exit status 2

    $ start --no-such
    stderr: error: unexpected argument '--no-such' found
    stderr: 
    stderr: Usage: skills-daemon start [OPTIONS]
    stderr: 
    stderr: For more information, try '--help'.
    exit status 2

    $ logs --lines x
    stderr: error: invalid value 'x' for '--lines <LINES>': invalid digit found in string
    stderr: 
    stderr: For more information, try '--help'.
    exit status 2

    $ status extra
    stderr: error: unexpected argument 'extra' found
    stderr: 
    stderr: Usage: skills-daemon status [OPTIONS]
    stderr: 
    stderr: For more information, try '--help'.
    exit status 2
    ");
}

#[test]
fn mistakes_on_a_terminal() {
    let home = home();
    // Answered once the plugin is loaded, so that the terminal shows no progress of it.
    home.client(&["plugins"]).ok();
    let transcript: String =
        ["shop isue A-1", "shop take --number x --color blue", "shop search --jql @a.txt"]
            .iter()
            .map(|line| {
                let arguments: Vec<&str> = line.split(' ').collect();
                let output = home.on_terminal(60, &arguments, &[]);
                format!("$ {line}\n{}", output.stdout().replace('\r', "").replace('\x1b', "␛"))
            })
            .collect();
    insta::assert_snapshot!(transcript, @"
    $ shop isue A-1
    ␛[91mError:␛[0m Unknown command: isue
    ␛[2mHint: Did you mean 'issue'?␛[0m
    ␛[2mAvailable: take, issue, page, search, memory, order␛[0m
    $ shop take --number x --color blue
    ␛[91mError:␛[0m Invalid parameters
      ␛[93mInvalid value for --number:␛[0m expected integer
      ␛[93m--color:␛[0m Input should be 'red' or 'green'

    ␛[2mHint: Use --help to see required parameters␛[0m
    $ shop search --jql @a.txt
    ␛[91mError:␛[0m --jql: no such file: `a.txt`
    ␛[2mHint: For the text itself, write `--jql @@a.txt`.␛[0m
    ");
}
