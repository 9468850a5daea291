//! Where a subscriber begins.

/// With what a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the state.
    State,
    /// With the word that what it knows is void, then the state.
    Anew,
    /// With what happened after a position; anew if that is not known any more, or too much.
    Missed(u64),
    /// With nothing.
    Now,
}
