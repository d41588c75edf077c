//! Records the Python that the host is linked against, for the launcher, which links none.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "python")]
    python::record();
}

#[cfg(feature = "python")]
mod python {
    use std::process::Command;

    /// Python code that prints the base interpreter behind virtual environments and version managers' shims.
    const BASE: &str = "import sys; print(getattr(sys, '_base_executable', '') or sys.executable)";

    pub(crate) fn record() {
        let config = pyo3_build_config::get();
        let executable = config.executable().expect(
            "pyo3 found no Python interpreter: install Python 3.10 or newer with its shared library, \
             or set PYO3_PYTHON to one",
        );
        let output = Command::new(executable)
            .args(["-I", "-c", BASE])
            .output()
            .expect("pyo3 has just run this interpreter");
        let base = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(!base.is_empty(), "{executable} reports no path of its own");
        assert!(
            config.shared(),
            "{base} has no shared library (it was built without --enable-shared), and a host that embeds it \
             needs one: set PYO3_PYTHON to an interpreter that has",
        );
        println!("cargo::rustc-env=SKILLS_BUILD_PYTHON={base}");
        println!("cargo::rustc-env=SKILLS_BUILD_PYTHON_VERSION={}", config.version());
    }
}
