//! What every file of a pack says of itself at its top: the version of its format, and a name, which is its file's.

use super::node::Node;
use crate::error::Problem;

/// The version of every format of a pack's files that this library reads.
const VERSION: i64 = 1;

impl Node {
    /// The problem of a file of this `kind` (`article`, `fleet`) whose `etiolog:` is a version that is not read here.
    pub(crate) fn unknown_version(&self, kind: &str) -> Option<Problem> {
        let version = self.get("etiolog")?;
        if version.as_integer() == Some(VERSION) {
            return None;
        }
        let message =
            format!("{kind} format `{}` is not known; this library reads `{VERSION}`", version.written());
        Some(version.problem("unknown-version", message))
    }

    /// The problem of a file whose key `kind` names it otherwise than its path, which ends in `stem`, does.
    pub(crate) fn wrong_name(&self, kind: &str, stem: &str) -> Option<Problem> {
        let name = self.get(kind).filter(|name| name.scalar() != Some(stem))?;
        let message =
            format!("{kind} `{}` stands in a file named `{stem}`", name.scalar().unwrap_or_default());
        let problem = name.problem("wrong-name", message);
        Some(problem.with_help("the path is the link: give both one name"))
    }
}
