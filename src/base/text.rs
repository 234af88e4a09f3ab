//! Texts that people give things as names: which characters they may hold, and how they are shown beside other text.
//!
//! A character that is drawn as nothing makes two names look alike, and one that turns the direction of reading changes
//! what stands around the name (Unicode Technical Report 36, §2.4 and §2.10; Unicode Standard Annex 9). Neither is
//! taken into a name. Names that were stored before show such characters as their number.

use std::borrow::Cow;

/// Whether a text may have several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// A name: one line.
    One,
    /// A postal address or a description: line breaks and tabs are allowed.
    Many,
}

/// First strong isolate (UAX 9 §2.5): what follows finds its direction by itself.
const ISOLATE: char = '\u{2068}';
const END: char = '\u{2069}';

/// Characters that are drawn as nothing by themselves or turn the direction of reading: `Default_Ignorable_Code_Point`
/// of the Unicode Character Database, the separators of lines and paragraphs, the marks of interlinear notes, and the
/// blank braille pattern.
const UNSEEN: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character is drawn as nothing or turns the direction of reading. Control characters and spaces are other
/// matters.
pub fn is_unseen(c: char) -> bool {
    // Most names end here.
    c >= '\u{ad}' && UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// What is wrong with the characters of a text, as the end of a sentence; `None` when nothing is.
pub fn problem(text: &str, lines: Lines) -> Option<String> {
    let is_break = |c: char| lines == Lines::Many && matches!(c, '\n' | '\r' | '\t');
    let unfit = text.chars().find(|c| (c.is_control() && !is_break(*c)) || is_unseen(*c))?;
    Some(format!(
        "holds {}, a character that is not seen or turns the direction of reading: take it out",
        number(unfit)
    ))
}

/// The text with every control character and every unseen one as its number, so that it cannot steer what shows it.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut told = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) { told.extend(c.escape_default()) } else { told.push(c) }
    }
    Cow::Owned(told)
}

/// As [`shown`], for a place within a sentence: the direction of the text does not reach what stands around it.
pub fn isolated(text: &str) -> String {
    let told = shown(text);
    // Text that is read from left to right needs no marks.
    if told.chars().any(is_from_right) { format!("{ISOLATE}{told}{END}") } else { told.into_owned() }
}

/// Whether a character can steer what shows it: control characters, and those that are not seen.
pub fn is_steering(c: char) -> bool {
    c.is_control() || is_unseen(c)
}

/// Whether a character belongs to a script that is read from right to left: the blocks that Unicode keeps for them (UAX
/// 9, table 4, `R` and `AL`).
fn is_from_right(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn number(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_everywhere_are_fit() {
        for name in ["Ann Lee", "Łukasz Żółć", "山田\u{3000}太郎", "محمد", "ดวงใจ", "O’Neill", "आरती", "Zoë 🚀"]
        {
            assert_eq!(problem(name, Lines::One), None, "{name}");
            assert_eq!(shown(name), name);
        }
    }

    #[test]
    fn bug_class_what_is_not_seen_or_turns_the_direction_is_no_part_of_a_name() {
        for unfit in
            ['\u{202e}', '\u{200b}', '\u{200d}', '\u{2066}', '\u{2069}', '\u{61c}', '\u{ad}', '\u{3164}', '\u{e0041}']
        {
            let name = format!("Graf{unfit}ana");
            assert!(problem(&name, Lines::One).is_some_and(|told| told.contains("U+")), "{unfit:?}");
            assert!(problem(&name, Lines::Many).is_some(), "{unfit:?}");
            assert!(!shown(&name).contains(unfit), "{unfit:?}");
        }
        assert!(problem("a\nb", Lines::One).is_some());
        assert_eq!(problem("a\r\nb", Lines::Many), None);
        assert!(problem("a\u{1b}[2J", Lines::Many).is_some());
    }

    #[test]
    fn what_is_shown_within_a_sentence_ends_its_own_direction() {
        assert_eq!(isolated("Grafana"), "Grafana");
        assert_eq!(isolated("א"), "\u{2068}א\u{2069}");
        assert_eq!(isolated("a\u{2069}\u{202e}b"), "a\\u{2069}\\u{202e}b");
    }
}
