//! Tiny wheels in a directory of links, which `uv` takes for an index.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use super::{Home, Output, shared};

/// Writes the wheels that it is given as JSON: `[[name, version, [requirement, …]], …]`.
const SCRIPT: &str = r#"
import json, os, sys, zipfile

directory, wheels = sys.argv[1], json.loads(sys.argv[2])
for name, version, requires in wheels:
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    wheel = ["Wheel-Version: 1.0", "Generator: t", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    files = {
        f"{name}.py": [f"VERSION = {version!r}"],
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": wheel,
    }
    record = f"{info}/RECORD"
    files[record] = [f"{file},," for file in [*files, record]]
    staged = os.path.join(directory, "staged")
    with zipfile.ZipFile(staged, "w") as archive:
        for file, lines in files.items():
            archive.writestr(file, "\n".join([*lines, ""]))
    os.rename(staged, os.path.join(directory, f"{name}-{version}-py3-none-any.whl"))
"#;

/// A wheel: name, version, requirements. Its module has its version as `VERSION`.
pub(crate) type Wheel<'a> = (&'a str, &'a str, &'a [&'a str]);

impl Home {
    /// Lets `uv` find the wheels in a directory of this HOME, besides those of the index.
    pub(crate) fn with_wheels(self, wheels: &[Wheel]) -> Home {
        fs::create_dir_all(self.wheels()).unwrap();
        self.add_wheels(wheels);
        let links = self.wheels();
        self.with("UV_FIND_LINKS", links.to_str().unwrap())
    }

    /// Adds wheels to that directory.
    pub(crate) fn add_wheels(&self, wheels: &[Wheel]) {
        let mut command = Command::new(shared::python());
        command.args(["-I", "-c", SCRIPT]).arg(self.wheels()).arg(json!(wheels).to_string());
        Output::of(command).ok();
    }

    fn wheels(&self) -> PathBuf {
        self.path().join("wheels")
    }
}
