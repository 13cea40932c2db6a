//! Names that others made up, as they may be shown.

/// A name as it may be printed: nothing in it moves a cursor or turns the line around, and XML
/// takes it.
pub(crate) fn shown(name: &str) -> String {
    let printable = |character: char| match character {
        '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fffe}'..='\u{ffff}' => '\u{fffd}',
        character if character.is_control() => '\u{fffd}',
        character => character,
    };
    name.chars().map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_play_with_the_terminal() {
        assert_eq!(
            shown("a\u{1b}[2J\u{9b}\u{202e}b\u{7f}é社"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}b\u{fffd}é社"
        );
    }
}
