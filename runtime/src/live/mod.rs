//! Live updates: what happens in the database, told to those who follow a query.
//!
//! The change log is the only source. The [`tail`] goes through it in steps, each from one snapshot to the next; what a
//! step changed is judged once for each distinct query ([`followed`]), before and after, is written once ([`message`]) and
//! shared by all who follow that query ([`topics`]). Who joins gets the state of the very snapshot at which the tail stands
//! ([`joining`]), so that nothing is missed and nothing told twice. Every subscriber keeps a bounded [`outbox`], so that
//! one who reads slowly holds up nobody.
//!
//! It knows no HTTP and no sockets: a [`Subscription`] says what to send, and whoever holds the connection sends it.
//!
//! Modules stand in the order of their dependencies: each uses only those below it.

mod hub;
mod subscription;
mod joining;
mod tail;
mod start;
mod topics;
mod followed;
mod outbox;
mod message;

pub use followed::Followed;
pub use hub::Hub;
pub use start::Start;
pub use subscription::{Ended, Next, Place, Subscription};
