//! Inputs made of others by small random changes.

use crate::dice::Dice;

/// An input near `input`; parts of `other` may get into it.
pub fn mutated(input: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut made = input.to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut made, other, dice);
    }
    made
}

fn change(made: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(made.len() + 1);
    let end = at + dice.below(8).min(made.len() - at);
    match dice.below(6) {
        0 => made.insert(at, dice.byte()),
        1 if at < made.len() => made[at] = dice.byte(),
        2 if at < made.len() => made[at] ^= 1 << dice.below(8),
        3 => _ = made.drain(at..end),
        4 => {
            let piece: Vec<u8> = made[at..end].repeat(1 + dice.below(40));
            made.splice(at..at, piece);
        }
        _ => {
            let from = dice.below(other.len() + 1);
            let length = dice.below(32).min(other.len() - from);
            made.splice(at..end, other[from..from + length].iter().copied());
        }
    }
}
