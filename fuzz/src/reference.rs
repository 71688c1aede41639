//! The scenarios of `tests/reference/`, and what is compared in them.

#[path = "../../tests/reference/compare.rs"]
pub(crate) mod compare;
#[path = "../../tests/reference/scenario.rs"]
pub(crate) mod scenario;
#[path = "../../tests/reference/shared.rs"]
pub(crate) mod shared;
