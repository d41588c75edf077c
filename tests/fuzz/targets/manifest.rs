//! A manifest, or a `.py` file with one in it.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use skills_daemon::manifest::{Manifest, script};

fuzz_target!(|data: &[u8]| {
    let (path, parsed, problems) = match data.first() {
        Some(b'{' | b'[' | b'"') => {
            let path = Path::new("/p/manifest.json");
            let text = String::from_utf8_lossy(data);
            (path, Manifest::parse(&text, path), Manifest::problems(&text, path))
        }
        _ => {
            let path = Path::new("/p/x.py");
            (path, script::parse(data, path), script::problems(data, path))
        }
    };
    match parsed {
        Ok(manifest) => {
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(manifest.warnings(path).len(), manifest.unknown.len());
            let _ = manifest.check_daemon("2.0.0");
            let _ = manifest.needs_code();
        }
        Err(error) => {
            assert!(!problems.is_empty(), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
});
