//! *When*: pure data structures over event time.
//!
//! ```text
//! records ──Ingress──▶ accepted ──Reorder──▶ in canonical order ──▶ windows, sessions, deadlines
//!         late, future           duplicates
//! ```
//!
//! What enters are time stamps and whatever the caller ties to them; what leaves are the same things, decided, ordered
//! or counted. Nothing here knows an event class, a subject or a rule, and nothing reads a clock: time moves only when
//! an event says so. All arithmetic is on whole nanoseconds and saturates at both ends of 1970-2262.
//!
//! A window is half open, `(t - w, t]`; a watermark is exclusive: no accepted event with an earlier time will come.

mod alarms;
pub(crate) mod beat;
mod by_child;
pub(crate) mod daily;
pub(crate) mod decline;
pub(crate) mod ranked;
mod reorder;
pub(crate) mod roster;
pub(crate) mod series;
mod spans;
mod watermark;
mod window;

pub use alarms::Alarms;
pub(crate) use by_child::ByChild;
pub use reorder::{Order, Reorder};
pub use spans::Spans;
pub use watermark::{Admitted, Ingress, Progress, SourceProgress};
pub use window::{Buckets, Recent, Stamped};
