//! The floors hold: the map in `src/lib.rs` is true of every import.
//!
//! Reads the sources, as text, and checks:
//!
//! 1. Each module of the library is in the map of `src/lib.rs`, on one floor, and each module of the map exists.
//! 2. An import (`use`, or a path in the code) leads to a lower floor or stays in its module; `src/bin` is above
//!    all floors.
//! 3. The files and folders in one folder do not import each other in a circle. A file may use what its parent
//!    module has, and a parent what its children have.
//! 4. What belongs to one place is named only there: [`rules::PLACES`].
//!
//! Tests (`#[cfg(test)]`), comments and strings are left out. To keep another crate in its place: a line in
//! [`rules::PLACES`].

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod map;
mod rules;
mod source;
mod tokens;
mod tree;

use std::path::Path;

use source::Source;

/// The sources of a package, `src` and everything below.
fn own_sources() -> Vec<Source> {
    tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_map_is_that_of_the_modules() {
    none(&rules::map(&own_sources()));
}

#[test]
fn no_import_climbs() {
    none(&rules::floors(&own_sources()));
}

#[test]
fn no_folder_has_a_circle() {
    none(&rules::circles(&own_sources()));
}

#[test]
fn what_belongs_to_one_place_is_named_only_there() {
    none(&rules::places(&own_sources()));
}

/// The checker itself, on a made-up package.
mod checker {
    use super::*;

    const MAP: &str = "\
//! | floor | module | owns |
//! | --- | --- | --- |
//! | 1 | [`low`] | a |
//! | 1 | `beside` | b |
//! | 2 | [`high`] | c |
pub mod low;
mod beside;
pub mod high;
pub const VERSION: u8 = 1;
";

    fn package(files: &[(&str, &str)]) -> Vec<Source> {
        let known = [
            ("lib.rs", MAP),
            ("low.rs", ""),
            ("beside.rs", ""),
            ("high/mod.rs", "mod a;\nmod b;\n"),
            ("high/a.rs", ""),
            ("high/b.rs", ""),
        ];
        let given = |path: &str| files.iter().find(|(own, _)| *own == path).copied();
        let mut all: Vec<Source> = known
            .iter()
            .map(|&file| given(file.0).unwrap_or(file))
            .map(|(path, text)| Source::parse(path, text))
            .collect();
        let new = files.iter().filter(|(path, _)| known.iter().all(|(own, _)| own != path));
        all.extend(new.map(|(path, text)| Source::parse(path, text)));
        tree::without_tests(all)
    }

    /// All faults of a package with `text` as `path`.
    fn faults(path: &str, text: &str) -> Vec<String> {
        let package = package(&[(path, text)]);
        [rules::map, rules::floors, rules::circles, rules::places]
            .iter()
            .flat_map(|rule| rule(&package))
            .collect()
    }

    #[test]
    fn what_is_right_passes() {
        for (path, text) in [
            ("high/a.rs", "use crate::low::{self, x::Y};\nuse crate::VERSION;\nuse super::Z;\n"),
            ("high/a.rs", "fn f() { crate::low::g(); crate::high::h(); self::i(); }"),
            (
                "low.rs",
                "//! [`crate::high`]\n// crate::high::x\nconst X: &str = \"crate::high::x\";",
            ),
            (
                "low.rs",
                "const X: &str = r#\"\"crate::high::x\"#; const Y: char = '\"'; fn f<'a>() {}",
            ),
            ("low.rs", "#[cfg(test)]\nmod tests { use crate::high::X; }\n"),
            (
                "low.rs",
                "#[cfg(test)]\nuse crate::high::X;\n#[cfg(test)] fn f() { crate::high::g() }",
            ),
            ("bin/client.rs", "use skills_daemon::high::X;"),
        ] {
            assert_eq!(faults(path, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_import_that_climbs_is_named_with_its_place_and_both_floors() {
        for (text, import) in [
            ("\nuse crate::high::X;\n", "crate::high::X"),
            ("\nuse crate::{VERSION, high::{a::{Y as Z}}};\n", "crate::high::a::Y"),
            ("\npub use super::high::*;\n", "super::high::*"),
            ("\nfn f() -> crate::high::X { todo() }\n", "crate::high::X"),
            ("\nmod inner { fn f() { super::super::high::g() } }\n", "super::super::high::g"),
            ("\n#[cfg(not(test))]\nuse crate::high;", "crate::high"),
        ] {
            let line = text.lines().position(|line| line.contains("high")).unwrap() + 1;
            assert_eq!(
                faults("low.rs", text),
                [format!(
                    "src/low.rs:{line}: `{import}` leads from low (floor 1) to high (floor 2)"
                )]
            );
        }
    }

    #[test]
    fn an_import_from_the_same_floor_is_a_fault_too() {
        assert_eq!(
            faults("low.rs", "use crate::beside::X;"),
            ["src/low.rs:1: `crate::beside::X` leads from low (floor 1) to beside (floor 1)"]
        );
    }

    #[test]
    fn a_module_that_the_map_lacks_or_invents_is_named() {
        let lacking = MAP.replace("//! | 1 | `beside` | b |\n", "");
        assert_eq!(
            faults("lib.rs", &lacking),
            ["src/lib.rs: module `beside` is not in the map; add a row with its floor"]
        );
        let invented = MAP.replace("| c |\n", "| c |\n//! | 3 | [`gone`] | d |\n");
        assert_eq!(
            faults("lib.rs", &invented),
            ["src/lib.rs: the map has `gone`, which is no module of the library"]
        );
        let twice = MAP.replace("| c |\n", "| c |\n//! | 3 | [`low`] | d |\n");
        assert_eq!(faults("lib.rs", &twice), ["src/lib.rs: the map has `low` twice"]);
        assert_eq!(
            faults("lib.rs", "pub mod low;\nmod beside;\npub mod high;"),
            ["beside", "high", "low"].map(|name| format!(
                "src/lib.rs: module `{name}` is not in the map; add a row with its floor"
            ))
        );
    }

    #[test]
    fn a_circle_between_files_of_a_folder_is_named() {
        let package = package(&[
            ("high/mod.rs", "mod a;\nmod b;\npub use b::X;\n"),
            ("high/a.rs", "use super::X;\n"),
            ("high/b.rs", "fn f() { crate::high::a::g() }\n"),
        ]);
        assert_eq!(
            rules::circles(&package),
            ["src/high: a and b import each other: src/high/a.rs:1 `super::X`, \
              src/high/b.rs:1 `crate::high::a::g`"]
        );
    }

    #[test]
    fn what_belongs_elsewhere_is_named() {
        for (text, fault) in [
            ("use pyo3::prelude::*;", "`pyo3::prelude::*` belongs to src/bin/skills-host"),
            ("fn f() { axum::serve() }", "`axum::serve` belongs to src/http"),
            ("fn f() { std::env::var_os() }", "`std::env::var_os` belongs to src/environment"),
            ("use std::{env, fs};", "`std::env` belongs to src/environment"),
        ] {
            assert_eq!(faults("low.rs", text), [format!("src/low.rs:1: {fault}")]);
        }
    }

    #[test]
    fn files_of_test_modules_are_left_out() {
        let package = package(&[
            ("low.rs", "#[cfg(test)]\nmod tests;\n"),
            ("low/tests.rs", "use crate::high::X;"),
            ("low/tests/more.rs", "use crate::high::X;"),
        ]);
        none(&rules::floors(&package));
    }
}
