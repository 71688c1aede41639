//! Peers that come as Python wheels, in an environment of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The environment with the wheels of `requirements.txt`.
pub(crate) struct Python {
    interpreter: PathBuf,
    scripts: PathBuf,
    wheels: String,
}

impl Python {
    /// Makes the environment unless it is there.
    ///
    /// # Errors
    ///
    /// There is no Python, or the wheels cannot be had: why.
    pub(crate) fn ready(root: &Path) -> Result<Python, String> {
        let scripts = root.join("benches/compare/peers");
        let requirements = scripts.join("requirements.txt");
        let wheels = std::fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
        let venv = root.join("target/compare/python");
        let mark = venv.join("installed.txt");
        let interpreter = venv.join("bin/python");
        if std::fs::read_to_string(&mark).ok().as_ref() != Some(&wheels) {
            quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            let mut pip = Command::new(&interpreter);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            // No package is built here: a wheel is there or it is not.
            pip.args(["--only-binary", ":all:", "--requirement"]).arg(&requirements);
            quietly(&mut pip)?;
            std::fs::write(&mark, &wheels).map_err(|error| error.to_string())?;
        }
        Ok(Python { interpreter, scripts, wheels })
    }

    /// Asks on one core.
    pub(crate) fn ask(&self, script: &str, log: &Path) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.scripts.join(script)).arg(log).arg("1");
        command
    }

    /// The version of a wheel.
    pub(crate) fn version(&self, name: &str) -> Option<&str> {
        self.wheels.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=="))
    }
}

/// Runs a command to its end; what it says is the reason when it fails.
fn quietly(command: &mut Command) -> Result<(), String> {
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(said.trim().lines().last().unwrap_or("it says nothing").to_owned())
}
