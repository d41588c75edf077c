//! Printed pages: the help of each command, and answers on terminals.
//!
//! The pages lie in `snapshots/`, one file each. After a change that is meant, run the tests with
//! `INSTA_UPDATE=always` and read the difference.

use crate::harness::{CONTROL, Home, Output, plugin_code};

/// Compares `text` with the file of that name in `snapshots/`.
#[track_caller]
fn page(name: &str, text: &str) {
    let text = text.replace('\r', "").replace('\x1b', "␛");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name.replace(' ', "-"), text));
}

/// The names below `heading` in a help text, up to an empty line.
fn names(help: &str, heading: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    // A longer text goes on further to the right.
    let names = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_control_program_explains_each_of_its_commands() {
    let home = Home::bare();
    // Each with the words that lead to it; those below one are found in its own help.
    let mut pages = vec![Vec::new()];
    let mut seen = 0;
    while let Some(words) = pages.pop() {
        let arguments = [&words[..], &["--help".to_owned()]].concat();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let help = Output::of(home.command(CONTROL, &arguments));
        let text = help.ok().quietly().stdout();
        let below = names(text, "Commands:").into_iter().filter(|name| name != "help");
        pages.extend(below.map(|name| [&words[..], &[name]].concat()));
        if !words.is_empty() {
            page(&format!("skills-daemon {}", words.join(" ")), text);
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn the_demo_explains_each_of_its_commands() {
    let home = Home::new();
    let help = home.client(&["demo", "--help"]);
    let commands = names(help.ok().stdout(), "Commands:");
    assert_eq!(commands.len(), 7, "{commands:?}");
    for command in &commands {
        let help = home.client(&["demo", command, "--help"]);
        page(&format!("demo {command}"), help.ok().quietly().stdout());
    }
    for columns in [60, 100] {
        for arguments in [&["demo", "--help"][..], &["demo", "kinds", "--help"]] {
            let help = home.on_terminal(columns, arguments, &[]);
            let name = arguments.join(" ").replace(" --help", "");
            page(&format!("{name} in {columns} columns"), help.ok().stdout());
        }
    }
    let plain = home.on_terminal(60, &["demo", "order", "--help"], &[("NO_COLOR", "1")]);
    page("demo order in 60 columns without colours", plain.ok().stdout());
}

const TABLES: &str = "
@router.get('/people/list')
def people():
    \"\"\"List people.\"\"\"
    return {'success': True, 'data': [
        {'name': 'Ada Lovelace', 'born': 1815, 'known_for': 'The first program, which computed Bernoulli numbers'},
        {'name': '山田 太郎', 'tags': ['a', 'b'], 'born': 1970, 'employer': {'name': 'A company with a long name', 'id': 7}},
        {'name': 'Zoé', 'born': None, 'known_for': '👩\\u200d🚀 ' + 'and so on ' * 30},
    ]}

@router.get('/people/get/{name}')
def person(name: str, verbose: bool = True, fields: list[str] = fastapi.Query([], max_length=5)):
    \"\"\"Get somebody.\"\"\"
    return {'success': True, 'data': {
        'name': name, 'about': 'A text that is longer than a line of the terminal, so that it goes on below.',
        'address': {'city': 'London', 'lines': ['12 St James Square', 'Westminster']},
        'works': [{'title': 'Notes', 'year': 1843}, {'title': 'Letters', 'year': None}],
    }}

@router.post('/people/add')
def add(name: str, pattern: str = fastapi.Query('abc', pattern='^[a-z]+$', min_length=2, max_length=9)):
    \"\"\"Add somebody.\"\"\"
";

#[test]
fn answers_are_set_for_the_terminal() {
    let home = Home::new();
    let more: String =
        (0..9).map(|n| format!("\n@router.get('/more{n}')\ndef more{n}(): ...\n")).collect();
    home.plugin("tables", &plugin_code("tables", &format!("{TABLES}{more}")), "");
    // The output for scripts is unchanged.
    let piped = home.client(&["tables", "people", "list"]);
    assert_eq!(piped.ok().stdout().lines().count(), 3);
    for columns in [60, 100] {
        let table = home.on_terminal(columns, &["tables", "people", "list"], &[]);
        page(&format!("a table in {columns} columns"), table.ok().stdout());
        let record = home.on_terminal(columns, &["tables", "people", "get", "Ada"], &[]);
        page(&format!("a record in {columns} columns"), record.ok().stdout());
    }
    let groups = home.on_terminal(80, &["tables", "--help"], &[]);
    page("groups of commands", groups.ok().stdout());
    let group = home.on_terminal(80, &["tables", "people", "--help"], &[]);
    page("a group of commands", group.ok().stdout());
    for command in ["get", "add"] {
        let help = home.on_terminal(80, &["tables", "people", command, "--help"], &[]);
        page(&format!("tables people {command}"), help.ok().stdout());
    }
    let json = home.on_terminal(60, &["tables", "people", "list", "--json"], &[]);
    assert!(json.ok().stdout().starts_with("[\r\n  {\r\n    \"name\": "), "{json:?}");
}
