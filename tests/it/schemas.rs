//! The schemas of commands: each is by itself valid JSON Schema 2020-12.

use std::fs;

use serde_json::{Value, json};
use skills_daemon::store::Record;

use crate::harness::{Home, Output, plugin_code};

const MODELS: &str = "
from enum import Enum
from typing import Annotated, Generic, Literal, Optional, TypeVar, Union
from fastapi import Body, Query
from pydantic import BaseModel, Field

class Colour(str, Enum):
    RED = 'red'
    BLUE = 'blue'

class Node(BaseModel):
    name: str
    colour: Optional[Colour] = None
    children: list['Node'] = []
    parent: Optional['Node'] = None

class Cat(BaseModel):
    kind: Literal['cat']
    lives: float = Field(9, gt=0.5)

class Dog(BaseModel):
    kind: Literal['dog']
    owner: Optional[Node] = None

Pet = Annotated[Union[Cat, Dog], Field(discriminator='kind')]
T = TypeVar('T')

class Page(BaseModel, Generic[T]):
    items: list[T]
    next: Optional['Page[T]'] = None

@router.post('/tree')
async def tree(root: Node, pets: list[Pet] = Body([]), by_name: dict[str, Node] = Body({})) -> Page[Node]:
    return Page(items=[root])

@router.put('/node')
async def put_node(node: Node) -> Node:
    return node

@router.post('/many')
async def many(nodes: list[Node]) -> list[Pet]:
    return []

@router.get('/search')
async def search(colour: Optional[Colour] = None, colours: list[Colour] = Query([]), x: float = Query(1.5, lt=10.5)) -> dict[str, Node]:
    return {}
";

const FUNCTIONS: &str = r#"
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Literal, TypedDict

@dataclass
class Tree:
    name: str
    kind: Literal["leaf", "branch"] = "leaf"
    below: list[Tree] = field(default_factory=list)

class Answer(TypedDict):
    tree: Tree
    depth: int

def grow(tree: Tree, others: dict[str, Tree] | None = None) -> Answer:
    return {"tree": tree, "depth": 1}
"#;

/// Checks every schema in a file: valid by itself, every reference leads somewhere.
const CHECK: &str = r##"
import json, sys
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
count = 0
def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)
for where, schema in json.load(open(sys.argv[2])):
    Draft202012Validator.check_schema(schema)
    for reference in references(schema):
        assert reference.startswith("#/$defs/"), (where, reference)
        found = schema
        for part in reference[2:].split("/"):
            assert part in found, (where, reference)
            found = found[part]
    count += 1
print(count)
node = {"name": "a", "children": [{"name": "b", "children": [{"name": 7}]}]}
print(len(list(Draft202012Validator(dict(json.loads(sys.argv[1]))).iter_errors({"root": node}))))
"##;

#[test]
fn every_schema_is_valid_by_itself() {
    let home = Home::new();
    home.plugin("models", &plugin_code("models", MODELS), r#"{"dependencies": ["jsonschema>=4"]}"#);
    home.plugin("trees", FUNCTIONS, r#"{"name": "trees"}"#);
    home.client(&["plugins"]).ok();
    let mut all: Vec<Value> = Vec::new();
    let mut input = Value::Null;
    for plugin in ["models", "trees"] {
        let path = home.paths().descriptions().join(format!("{plugin}.json"));
        let record: Record = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for command in &record.description.commands {
            let name = command.name();
            for parameter in &command.parameters {
                all.push(json!([format!("{name} {}", parameter.name), parameter.schema]));
            }
            let output = command.output.as_ref();
            all.push(json!([format!("{name} output"), output.unwrap_or_else(|| panic!("{name}"))]));
            all.push(json!([format!("{name} input"), command.input()]));
            if name == "tree" {
                input = command.input();
            }
        }
    }
    let python = home.paths().venv().join("bin/python");
    let schemas = home.write("schemas.json", &Value::from(all.clone()).to_string());
    let schemas = schemas.display().to_string();
    let command = home.command(python, &["-c", CHECK, &input.to_string(), &schemas]);
    let output = Output::of(command);
    output.ok();
    // The mistake three levels down is found through the schema's own references.
    assert_eq!(output.stdout(), format!("{}\n1\n", all.len()));
}
