//! Clients of the Model Context Protocol: over HTTP, one request a connection, and in lines.

use std::io::Write;
use std::process::ChildStdin;

use serde_json::{Value, json};

use super::{Answer, CLIENT, Home, Output, Running};

/// A client of an endpoint.
pub(crate) struct Agent<'a> {
    home: &'a Home,
    path: String,
    /// Of revisions up to 2025-11-25.
    session: Option<String>,
    capabilities: Value,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Notifications before its result.
    pub(crate) before: Vec<Value>,
    /// `result` or `error`.
    pub(crate) end: Value,
}

impl<'a> Agent<'a> {
    /// A client of 2025-11-25, whose session has begun.
    pub(crate) fn of_session(home: &'a Home, path: &str, capabilities: Value) -> Agent<'a> {
        let mut agent = Agent { home, path: path.to_owned(), session: None, capabilities };
        let parameters = json!({"protocolVersion": "2025-11-25", "capabilities": agent.capabilities,
            "clientInfo": {"name": "test", "version": "1"}});
        let answer = agent.send(&message("initialize", parameters), &[]);
        agent.session = answer.header("mcp-session-id").map(str::to_owned);
        assert!(agent.session.is_some(), "{answer:?}");
        let begun = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(agent.send(&begun, &[]).status, 202);
        agent
    }

    /// A client of 2026-07-28, which has no session.
    pub(crate) fn without_session(home: &'a Home, path: &str, capabilities: Value) -> Agent<'a> {
        Agent { home, path: path.to_owned(), session: None, capabilities }
    }

    /// The id of the session.
    pub(crate) fn session(&self) -> &str {
        self.session.as_deref().expect("a client of 2025-11-25")
    }

    /// Sends a request and waits for what comes of it.
    pub(crate) fn request(&self, method: &str, mut parameters: Value) -> Reply {
        let mut headers = Vec::new();
        if self.session.is_none() {
            let prefix = "io.modelcontextprotocol";
            let meta = parameters.as_object_mut().unwrap().entry("_meta").or_insert(json!({}));
            meta[format!("{prefix}/protocolVersion")] = json!("2026-07-28");
            meta[format!("{prefix}/clientInfo")] = json!({"name": "test", "version": "1"});
            meta[format!("{prefix}/clientCapabilities")] = self.capabilities.clone();
            headers.push(("mcp-protocol-version", "2026-07-28".to_owned()));
            headers.push(("mcp-method", method.to_owned()));
            let name = parameters.get("name").or(parameters.get("uri"));
            headers.extend(name.map(|name| ("mcp-name", name.as_str().unwrap().to_owned())));
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.send(&message(method, parameters), &headers);
        let mut messages = messages(&answer);
        let last = messages.pop().unwrap_or_else(|| panic!("no message: {answer:?}"));
        let end = last.get("result").or(last.get("error"));
        let end = end.unwrap_or_else(|| panic!("no end: {last}")).clone();
        Reply { before: messages, end }
    }

    /// The names in a list.
    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        let list = self.request(&format!("{kind}/list"), json!({})).end;
        let items = list[kind].as_array().unwrap_or_else(|| panic!("{list}"));
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Calls a tool; the result.
    pub(crate) fn call(&self, name: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({"name": name, "arguments": arguments})).end
    }

    fn send(&self, message: &Value, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        headers.extend(self.session.as_deref().map(|session| ("mcp-session-id", session)));
        headers.extend(more);
        Answer::of(self.home.port(), "POST", &self.path, &headers, message.to_string().as_bytes())
    }
}

fn message(method: &str, parameters: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
}

/// The messages of an answer, of one kind or the other.
fn messages(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    if answer.header("content-type") == Some("application/json") {
        return vec![answer.json()];
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The texts of a result.
pub(crate) fn text(result: &Value) -> String {
    let content = result["content"].as_array().unwrap_or_else(|| panic!("{result}"));
    content.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("|")
}

/// `skills-client mcp` with a client at its stdin and stdout.
pub(crate) struct Lines {
    running: Running,
    stdin: Option<ChildStdin>,
}

impl Lines {
    /// Starts it; a client of 2025-11-25 that begins its session, if it has `capabilities`.
    pub(crate) fn start(home: &Home, arguments: &[&str], capabilities: Option<Value>) -> Lines {
        let arguments = [&["mcp"], arguments].concat();
        let (running, stdin) = Running::fed(home.command(CLIENT, &arguments));
        let mut lines = Lines { running, stdin: Some(stdin) };
        if let Some(capabilities) = capabilities {
            let begin = lines.request(
                0,
                "initialize",
                json!({"protocolVersion": "2025-11-25",
                "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}),
            );
            assert_eq!(begin["protocolVersion"], "2025-11-25", "{begin}");
            lines.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        }
        lines
    }

    /// Sends a request and returns its result or error.
    pub(crate) fn request(&mut self, id: u64, method: &str, parameters: Value) -> Value {
        self.ask(id, method, parameters);
        self.end_of(id)
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, id: u64, method: &str, parameters: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
    }

    /// The result or error of a request; what comes before it is passed over.
    pub(crate) fn end_of(&self, id: u64) -> Value {
        let end = self.next(|message| message["id"] == id && message.get("method").is_none());
        end.get("result").or(end.get("error")).unwrap_or_else(|| panic!("no end: {end}")).clone()
    }

    /// All messages up to the last answer to these requests, in whatever order they come.
    pub(crate) fn to_all(&self, ids: &[u64]) -> Vec<Value> {
        let mut messages: Vec<Value> = Vec::new();
        let is_answer =
            |message: &Value, id: u64| message["id"] == id && message.get("method").is_none();
        while !ids.iter().all(|id| messages.iter().any(|message| is_answer(message, *id))) {
            messages.push(self.next(|_| true));
        }
        messages
    }

    /// The next message that `is_meant` picks.
    pub(crate) fn next(&self, is_meant: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = serde_json::from_str(&self.running.line()).expect("a message");
            if is_meant(&message) {
                return message;
            }
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("only `end` takes it");
        stdin.write_all(format!("{message}\n").as_bytes()).expect("the program reads");
    }

    /// Ends the input, and waits for the end of the program.
    pub(crate) fn end(mut self) -> Output {
        drop(self.stdin.take());
        self.running.end()
    }
}
