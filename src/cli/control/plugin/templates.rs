//! The files of a new plugin: real ones, in `python/templates/`, so that linters check them.

/// The placeholder for the plugin's name in a template.
const PLACEHOLDER: &str = "plugin-name";
/// The path of the tests in a template.
const TESTS: &str = "tests/test_plugin.py";

/// The files of a template, by their paths in the plugin's directory.
macro_rules! template {
    ($kind:literal, $($path:literal),+) => {
        &[$((
            $path,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/python/templates/", $kind, "/", $path
            )),
        )),+]
    };
}

type Template = &'static [(&'static str, &'static str)];

const FUNCTIONS: Template = template!(
    "functions",
    "skills_plugin/__init__.py",
    "skills_plugin/manifest.json",
    "tests/test_plugin.py",
    "conftest.py",
    "README.md"
);
const FASTAPI: Template = template!(
    "fastapi",
    "skills_plugin/__init__.py",
    "skills_plugin/manifest.json",
    "tests/test_plugin.py",
    "conftest.py",
    "README.md"
);

/// Returns the files of a new plugin `name`: path and text each.
pub(super) fn files(name: &str, fastapi: bool) -> Vec<(String, String)> {
    let template = if fastapi { FASTAPI } else { FUNCTIONS };
    // A module's name has neither dash nor dot.
    let module = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let file = |(path, text): &(&str, &str)| {
        let path = match *path {
            TESTS => format!("tests/test_{module}.py"),
            path => path.to_owned(),
        };
        (path, text.replace(PLACEHOLDER, name))
    };
    template.iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_template_is_left() {
        for fastapi in [false, true] {
            let files = files("my-tool", fastapi);
            assert!(files.iter().any(|(path, _)| path == "tests/test_my_tool.py"), "{files:?}");
            assert!(files.iter().all(|(_, text)| !text.contains(PLACEHOLDER)), "{files:?}");
            assert!(files.iter().any(|(_, text)| text.contains("\"name\": \"my-tool\"")));
        }
    }
}
