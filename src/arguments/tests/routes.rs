//! The choice of the route and the method for a line.

use super::*;

#[test]
fn the_path_is_the_command_and_its_positionals() {
    sends(&jira(), &["issue", "PROJ-1"], "GET issue/PROJ-1");
    sends(&jira(), &["issue/PROJ-1"], "GET issue/PROJ-1");
    sends(&jira(), &["/issue/PROJ-1/"], "GET issue/PROJ-1");
    sends(&jira(), &["--format", "ai", "issue", "PROJ-1"], "GET issue/PROJ-1?format=ai");
    sends(&jira(), &["project", "P", "components"], "GET project/P/components");
    sends(&jira(), &["project", "P/components"], "GET project/P/components");
    sends(&jira(), &["user"], "GET user");
    sends(&jira(), &["workflow", "Technical task"], "GET workflow/Technical task");
    sends(&jira(), &["workflow", "a/b", "c"], "GET workflow/a/b/c");
    sends(&jira(), &["issue", "ü/ä", "--format", "ai"], "GET issue/ü%2Fä?format=ai");
}

#[test]
fn an_argument_that_fills_a_parameter_is_not_split() {
    sends(&jira(), &["status", "In/Progress"], "GET status/In%2FProgress");
    sends(&serena(), &["find", "src/a.py"], "GET find?pattern=src/a.py");
    sends(&serena(), &["memory/write", "a/b", "c/d"], "POST memory/write?name=a/b&content=c/d");
    // The URL is the parameter, not the last part of the path that deletes.
    sends(&jira(), &["weblink", "P-1", "https://x/y"], "POST weblink/P-1?url=https://x/y");
    sends(&jira(), &["comment", "P-1", "see /tmp"], "POST comment/P-1?text=see /tmp");
    sends(&jira(), &["comment", "P-1", ""], "POST comment/P-1?text=");
}

#[test]
fn positionals_that_no_path_takes_fill_required_parameters() {
    sends(&jira(), &["search", "project = X"], "GET search?jql=project = X");
    sends(&jira(), &["link", "A-1", "A-2", "Blocks"], "POST link?from=A-1&to=A-2&type=Blocks");
    sends(&jira(), &["link", "--to", "A-2", "A-1", "Is"], "POST link?to=A-2&from=A-1&type=Is");
    sends(&serena(), &["memory", "write", "n", "text"], "POST memory/write?name=n&content=text");
    let nested = plugin("p", &["GET /a x! y! z!", "GET /a/b y! z!", "GET /{any} x! y! z!"]);
    sends(&nested, &["a", "b", "1", "2"], "GET a/b?y=1&z=2");
    sends(&nested, &["a", "c", "1", "2"], "GET a?x=c&y=1&z=2");
    sends(&plugin("p", &["GET / name!"]), &["World"], "GET ?name=World");
}

#[test]
fn the_route_is_the_most_particular_that_fits_the_options() {
    sends(&jira(), &["issue", "K", "--summary", "x"], "PATCH issue/K?summary=x");
    sends(&jira(), &["issue", "K", "--fields", "x"], "GET issue/K?fields=x");
    sends(&jira(), &["component", "7"], "GET component/7");
    sends(&jira(), &["weblink", "P-1", "12345"], "DELETE weblink/P-1/12345");
    sends(&jira(), &["weblink", "P-1", "--url", "u"], "POST weblink/P-1?url=u");
    sends(&jira(), &["watcher", "P-1", "--username", "joe"], "POST watcher/P-1?username=joe");
    sends(&jira(), &["watcher", "P-1", "joe"], "DELETE watcher/P-1/joe");
    sends(&jira(), &["attachment", "12345"], "DELETE attachment/12345");
    sends(&jira(), &["workflow", "discover", "P-1"], "POST workflow/discover/P-1");
    let ambiguous = plugin(
        "p",
        &[
            "GET /user/{name} q",
            "PATCH /user/{name} email",
            "GET /user/me",
            "POST /user/create title!",
        ],
    );
    sends(&ambiguous, &["user", "me"], "GET user/me");
    sends(&ambiguous, &["user", "me", "--email", "x"], "PATCH user/me?email=x");
    sends(&ambiguous, &["user", "create"], "POST user/create");
    // The server would call /user/me, which does not declare the option either.
    assert_eq!(ok(&ambiguous, &["user", "me", "--q", "1"]).warnings, ["Unknown parameter '--q'"]);
}

#[test]
fn where_nothing_fits_fully_the_nearest_is_taken() {
    let typo = ok(&jira(), &["issue", "K", "--sumary", "x"]);
    assert_eq!(shown(&typo), "GET issue/K?sumary=x");
    sends(&jira(), &["create", "--type", "Story"], "POST create?type=Story");
    sends(&jira(), &["attachment", "K", "--filename", "x"], "POST attachment/K?filename=x");
}

#[test]
fn nothing_is_deleted_by_a_typing_error() {
    let typo = ok(&jira(), &["attachment", "K", "--file-name", "x", "--cnotent", "y"]);
    assert_eq!(typo.request.method, "POST");
    let typo = ok(&jira(), &["watcher", "K", "joe", "--notfy"]);
    assert_eq!(shown(&typo), "POST watcher/K?notfy=True&username=joe");
    let meant = ok(&jira(), &["attachment", "12345", "--delete"]);
    assert_eq!(shown(&meant), "DELETE attachment/12345?delete=True");
}

#[test]
fn the_method_can_be_chosen_by_hand() {
    let by_hand = |line: &[&str], method| {
        let line = Line { arguments: &typed(line), method: Some(method), ..Line::default() };
        shown(&resolve(&jira(), &line).unwrap())
    };
    assert_eq!(by_hand(&["component", "7"], "delete"), "DELETE component/7");
    assert_eq!(by_hand(&["watcher", "P-1", "joe"], "POST"), "POST watcher/P-1?username=joe");
    assert_eq!(by_hand(&["user"], "PUT"), "PUT user");
    assert_eq!(by_hand(&["link", "a", "b", "c"], "GET"), "GET link?from=a&to=b&type=c");
}

#[test]
fn options_may_fill_the_path() {
    sends(&jira(), &["issue", "--key", "K", "--format", "ai"], "GET issue/K?format=ai");
    sends(&jira(), &["status", "--name=In/Progress"], "GET status/In%2FProgress");
    sends(&jira(), &["workflow", "--issue-type", "a/b"], "GET workflow/a/b");
    let both = plugin("p", &["PUT /item/{id} id@body"]);
    let resolved = ok(&both, &["item", "7", "--id", "8"]);
    assert_eq!(
        (shown(&resolved).as_str(), body(&resolved)),
        ("PUT item/7", Some(json!({"id": "8"})))
    );
}

#[test]
fn a_command_is_certain_only_where_the_server_would_call_it() {
    let description = plugin("p", &["GET /user/{name}", "GET /user/me", "GET /n/{x}", "GET /{a}"]);
    let mut description = description;
    for (index, command) in description.commands.iter_mut().enumerate() {
        command.route = index;
        description.routes.push(crate::description::Route {
            path: Some(command.path.clone()),
            methods: Some(vec![command.method.clone()]),
        });
    }
    let command = |line: &[&str]| ok(&description, line).command;
    assert_eq!(command(&["user", "bob"]), Some(0));
    // Declared first, `/user/{name}` answers.
    assert_eq!(command(&["user", "me"]), None);
    // No request reaches it with a slash in a segment.
    assert_eq!(command(&["n", "a/b"]), None);
    assert_eq!(command(&["n", "a"]), Some(2));
    let by_hand = Line { arguments: &typed(&["n", "a"]), method: Some("PUT"), ..Line::default() };
    assert_eq!(resolve(&description, &by_hand).unwrap().command, None);
    let resolved = ok(&description, &["n", "a"]);
    assert_eq!(resolved.request.path, [("x".to_owned(), "a".to_owned())]);
}
