//! The files of a package.

use std::fs;
use std::path::Path;

use crate::source::Source;

/// All files below `src`, those of test modules left out.
pub(crate) fn read(src: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    collect(src, src, &mut found);
    assert!(!found.is_empty(), "no sources in {}", src.display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    without_tests(found)
}

fn collect(src: &Path, directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(src, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
            found.push(Source::parse(&below, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `sources` without the files of modules that are declared under `#[cfg(test)]`.
pub(crate) fn without_tests(sources: Vec<Source>) -> Vec<Source> {
    let tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|source| {
            let tests = source.declared.iter().filter(|declared| declared.is_test);
            tests.map(|declared| {
                let module = source.module().into_iter().map(str::to_owned);
                module.chain([declared.name.clone()]).collect()
            })
        })
        .collect();
    let is_test = |source: &Source| {
        let module = source.module();
        tests
            .iter()
            .any(|test| test.len() <= module.len() && test.iter().zip(&module).all(|(a, b)| a == b))
    };
    sources.into_iter().filter(|source| !is_test(source)).collect()
}
