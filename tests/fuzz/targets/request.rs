//! The head and the body of a request: its route, its arguments, and the form in its body.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use libfuzzer_sys::fuzz_target;
use skills_daemon::description::{Description, Style};
use skills_daemon::exchange::head::Target;
use skills_daemon::forms::{self, Entry, Limits};
use skills_daemon::routes::Table;
use skills_daemon::routes::bind::bind;
use skills_daemon::routes::request::RequestValues;
use skills_daemon_fuzz::{PLUGIN, check_bound, description, first_that_fits};

static ROUTES: LazyLock<(Description, Table)> = LazyLock::new(|| {
    let description = description(Style::Router);
    let table = Table::new(&description);
    (description, table)
});

const LIMITS: Limits = Limits { files: 4, fields: 8, field_size: 64 };

fuzz_target!(|data: &[u8]| {
    let mut slots = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut slots);
    let Ok(httparse::Status::Complete(start)) = parsed.parse(data) else { return };
    let (Some(method), Some(Ok(uri))) = (parsed.method, parsed.path.map(str::parse::<Uri>)) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value)) else { return };
        headers.append(name, value);
    }
    let body = &data[start..];
    form(&headers, body);
    let target = Target::new(uri.path(), uri.query().unwrap_or_default());
    let below = target.path().strip_prefix('/').and_then(|path| path.strip_prefix(PLUGIN));
    let Some(below) = below.filter(|path| path.is_empty() || path.starts_with('/')) else { return };
    let (description, table) = &*ROUTES;
    let matched = table.find(method, below);
    let index = matched.as_ref().map(|matched| matched.command);
    assert_eq!(index, first_that_fits(description, method, below), "{method} {below:?}");
    let Some(matched) = matched else { return };
    let command = description.command(matched.command).unwrap();
    let plan = command.plan().unwrap();
    let values = RequestValues::parse(command, plan, &matched, target.query(), &headers, body);
    match bind(command, plan, &values) {
        Ok(bound) => check_bound(command, plan, &bound),
        Err(_) => assert!(!plan.is_complete),
    }
});

fn form(headers: &HeaderMap, body: &[u8]) {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(entries) = content_type.and_then(|own| forms::parse(own, body, &LIMITS)) else {
        return;
    };
    let (mut files, mut fields) = (0, 0);
    for entry in &entries {
        match entry {
            Entry::Field { value, .. } => {
                fields += 1;
                assert!(value.len() <= LIMITS.field_size);
            }
            Entry::File(file) => {
                files += 1;
                assert!(body.get(file.content.clone()).is_some());
            }
        }
    }
    assert!(files <= LIMITS.files && fields <= LIMITS.fields);
}
