//! Dependencies of every kind of callable: the daemon gives what FastAPI gives, planned or not.

use serde_json::{Value, json};

use crate::harness::{Home, plugin_code};

const KINDS: &str = "
import functools
from fastapi import Depends

class Sync:
    def __call__(self, q: bool = True):
        return q

class Async:
    async def __call__(self, q: bool = True):
        return q

class Generator:
    def __call__(self, q: bool = True):
        yield q

class AsyncGenerator:
    async def __call__(self, q: bool = True):
        yield q

def wrapped(inner):
    @functools.wraps(inner)
    def wrapper(*args, **kwargs):
        return inner(*args, **kwargs)
    return wrapper

def add(name, dependency):
    @router.get('/' + name)
    def handler(value=Depends(dependency)):
        return value
    @router.get('/async-' + name)
    async def async_handler(value=Depends(dependency)):
        return value

for kind in (Sync, Async, Generator, AsyncGenerator):
    name = kind.__name__.lower()
    add(name, kind())
    add('wrapped-' + name, wrapped(kind()))
    add('twice-' + name, wrapped(wrapped(kind())))
    add('partial-' + name, functools.partial(wrapped(kind()), q=True))
    add('method-' + name, kind().__call__)
";

#[test]
fn a_wrapper_of_an_instance_is_called_as_fastapi_calls_it() {
    let home = Home::new();
    home.plugin("depends", &plugin_code("depends", KINDS), "");
    home.client(&["depends", "sync"]).ok();
    let mut wrong = Vec::new();
    for kind in ["sync", "async", "generator", "asyncgenerator"] {
        for how in ["", "wrapped-", "twice-", "partial-", "method-"] {
            for handler in ["", "async-"] {
                let path = format!("/depends/{handler}{how}{kind}");
                let answer = home.get(&path);
                if answer.status != 200 || answer.text() != "true" {
                    wrong.push(format!("{path}: {} {}", answer.status, answer.text()));
                }
            }
        }
    }
    let none: [&str; 0] = [];
    assert_eq!(wrong, none);
    assert_eq!(home.get("/depends/sync?q=no").json(), json!(false) as Value);
}
