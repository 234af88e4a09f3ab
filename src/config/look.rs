//! How the pages look: the name, the colour and the logo of the operator.
//!
//! A colour has to be read on what lies under it, in light and in dark (WCAG 2.2, 1.4.3). The colour that was set is
//! the one on light pages; on dark ones it is made lighter until it can be read there.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contact::Contact;
use super::keys::TypedKeys;
use crate::base::secret::sha256;
use crate::base::text::{self, Lines};

/// Contrast that text needs (WCAG 2.2, 1.4.3, level AA).
const READABLE: f64 = 4.5;

/// The most that a logo may have, in bytes.
const LOGO_BYTES: u64 = 64 * 1024;

/// What the stylesheet lays under text, from the darkest to the lightest.
pub const LIGHT: [Colour; 3] = [Colour(0xf4, 0xf3, 0xef), Colour(0xf7, 0xf6, 0xf3), Colour(0xff, 0xff, 0xff)];
/// The same for dark pages, from the lightest to the darkest.
pub const DARK: [Colour; 3] = [Colour(0x1d, 0x22, 0x23), Colour(0x17, 0x1b, 0x1c), Colour(0x10, 0x13, 0x14)];

const BLACK: Colour = Colour(0, 0, 0);
const WHITE: Colour = Colour(0xff, 0xff, 0xff);

/// What belongs to the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Their name, as people know it.
    pub name: Option<String>,
    /// The colour of the operator, if one is set.
    pub accent: Option<Accent>,
    /// The logo of the operator, if one is set.
    pub logo: Option<Logo>,
    /// Who helps people, if that is set.
    pub contact: Option<Contact>,
}

/// A colour of the sRGB space: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// The colour of links, of what is chosen and of what is pressed first, for light and for dark pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    /// On light pages: as it was set.
    pub light: Tones,
    /// On dark pages.
    pub dark: Tones,
}

/// One accent with what goes along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    /// The colour of buttons and links.
    pub accent: Colour,
    /// Of what the pointer is over.
    pub strong: Colour,
    /// Of text on both.
    pub on: Colour,
}

/// What kind of picture a logo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

/// A logo as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// The file of the logo, for messages.
    pub path: PathBuf,
    /// What it is, by its content.
    pub kind: ImageFormat,
    /// Its content, 64 KiB at the most.
    pub bytes: Arc<[u8]>,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
}

impl Logo {
    /// The logo that a file holds; none when that is neither SVG nor PNG.
    pub fn of(path: PathBuf, bytes: Vec<u8>) -> Option<Self> {
        let kind = kind_of(&bytes)?;
        Some(Self { path, kind, digest: sha256(&bytes), bytes: bytes.into() })
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Logo({}, {:?}, {} bytes)", self.path.display(), self.kind, self.bytes.len())
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Colour {
    /// Reads `#0b5f73` or `#0bf`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.strip_prefix('#')?.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
        match digits.as_slice() {
            [r, g, b] => Some(Self(r * 17, g * 17, b * 17)),
            [r, rr, g, gg, b, bb] => Some(Self(r * 16 + rr, g * 16 + gg, b * 16 + bb)),
            _ => None,
        }
    }

    /// Relative luminance, from 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio, from 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The least contrast to any of these.
    fn contrast_to_all(self, grounds: &[Self]) -> f64 {
        grounds.iter().map(|ground| self.contrast(*ground)).fold(f64::INFINITY, f64::min)
    }

    /// Moved towards `to` by so many hundredths of the way.
    fn towards(self, to: Self, hundredths: u16) -> Self {
        let mix = |from: u8, to: u8| {
            let mixed = (u32::from(from) * u32::from(100 - hundredths.min(100))
                + u32::from(to) * u32::from(hundredths.min(100))
                + 50)
                / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(mix(self.0, to.0), mix(self.1, to.1), mix(self.2, to.2))
    }

    /// The nearest on the way to `to` that can be read on all of these.
    fn readable_on(self, grounds: &[Self], to: Self) -> Self {
        let steps = (0..=100).map(|hundredths| self.towards(to, hundredths));
        steps.into_iter().find(|colour| colour.contrast_to_all(grounds) >= READABLE).unwrap_or(to)
    }

    /// Black or white, whichever is read better on it.
    fn text(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }
}

impl Accent {
    /// The accent that follows from a colour. Errors: its contrast on light pages, and the nearest colour that can be
    /// read there.
    pub fn of(colour: Colour) -> Result<Self, (f64, Colour)> {
        let contrast = colour.contrast_to_all(&LIGHT);
        if contrast < READABLE {
            return Err((contrast, colour.readable_on(&LIGHT, BLACK)));
        }
        let dark = colour.readable_on(&DARK, WHITE);
        Ok(Self { light: Tones::of(colour, BLACK), dark: Tones::of(dark, WHITE) })
    }
}

impl Tones {
    fn of(accent: Colour, stronger: Colour) -> Self {
        Self { accent, strong: accent.towards(stronger, 24), on: accent.text() }
    }
}

/// Reads what was typed, and notes what is wrong with it.
pub(super) fn read(typed: &mut TypedKeys<'_, '_>) -> Look {
    Look { name: name(typed), accent: accent(typed), logo: logo(typed), contact: contact(typed) }
}

fn name(typed: &mut TypedKeys<'_, '_>) -> Option<String> {
    let name = typed.text("look.name")?.to_owned();
    if let Some(problem) = text::problem(&name, Lines::One) {
        typed.note("look.name", &problem, "write a name that is seen as it is");
        return None;
    }
    Some(name)
}

fn contact(typed: &mut TypedKeys<'_, '_>) -> Option<Contact> {
    let words = typed.text("look.contact")?.to_owned();
    if let Some(problem) = text::problem(&words, Lines::One) {
        typed.note("look.contact", &problem, "write an address, or words that are seen as they are");
        return None;
    }
    Some(Contact::of(words))
}

fn accent(typed: &mut TypedKeys<'_, '_>) -> Option<Accent> {
    let text = typed.text("look.accent")?.to_owned();
    let Some(colour) = Colour::parse(&text) else {
        typed.note("look.accent", &format!("is no colour: {text:?}"), "write it as \"#0b5f73\"");
        return None;
    };
    match Accent::of(colour) {
        Ok(accent) => Some(accent),
        Err((contrast, nearest)) => {
            // Rounded down: 4.49 is not 4.5.
            let what = format!(
                "{text} has a contrast of {:.1}:1 to light pages; text needs 4.5:1",
                (contrast * 10.0).floor() / 10.0
            );
            typed.note("look.accent", &what, &format!("use a darker one, such as \"{nearest}\""));
            None
        }
    }
}

fn logo(typed: &mut TypedKeys<'_, '_>) -> Option<Logo> {
    let path = typed.path("look.logo")?;
    match read_logo(&path) {
        Ok(logo) => Some(logo),
        Err(what) => {
            typed.note("look.logo", &what, "name an SVG or PNG file of 64 KiB at the most");
            None
        }
    }
}

fn read_logo(path: &Path) -> Result<Logo, String> {
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    // One byte more tells what is too large, whatever the file says of its own size.
    file.take(LOGO_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LOGO_BYTES {
        return Err(String::from("names a file of more than 64 KiB"));
    }
    Logo::of(path.to_owned(), bytes).ok_or_else(|| String::from("names a file that is neither SVG nor PNG"))
}

/// By the signature (PNG 5.2), or as XML text with an `svg` element.
fn kind_of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(ImageFormat::Png);
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
    (text.starts_with('<') && text.contains("<svg")).then_some(ImageFormat::Svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let of = |one: &str, two: &str| Colour::parse(one).unwrap().contrast(Colour::parse(two).unwrap());
        assert!((of("#000", "#fff") - 21.0).abs() < 0.001);
        assert!((of("#777777", "#ffffff") - 4.48).abs() < 0.005);
        assert!((of("#abc", "#aabbcc") - 1.0).abs() < 0.001);
    }

    #[test]
    fn what_is_no_colour_is_not_read() {
        for text in ["", "0b5f73", "#12", "#12345", "#12345g", "teal", "#1234567", "#é1", "rgb(0,0,0)"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
        assert_eq!(Colour::parse("#0B5f73"), Some(Colour(0x0b, 0x5f, 0x73)));
    }

    #[test]
    fn every_accent_that_is_taken_can_be_read_in_light_and_in_dark() {
        let steps = [0u8, 51, 102, 153, 204, 255];
        let mut taken = 0;
        for n in 0..216 {
            let (r, g, b) = (steps[n / 36], steps[n / 6 % 6], steps[n % 6]);
            let Ok(accent) = Accent::of(Colour(r, g, b)) else { continue };
            taken += 1;
            for (tones, grounds) in [(accent.light, LIGHT), (accent.dark, DARK)] {
                for colour in [tones.accent, tones.strong] {
                    assert!(colour.contrast_to_all(&grounds) >= READABLE, "{colour} of {r} {g} {b}");
                    assert!(colour.contrast(tones.on) >= READABLE, "text on {colour} of {r} {g} {b}");
                }
            }
        }
        assert!(taken > 60, "{taken}");
    }

    #[test]
    fn a_colour_that_cannot_be_read_comes_with_one_that_can() {
        let (contrast, nearest) = Accent::of(Colour::parse("#ffcc00").unwrap()).unwrap_err();
        assert!(contrast < 1.5, "{contrast}");
        assert!(Accent::of(nearest).is_ok());
    }

    #[test]
    fn a_picture_is_known_by_what_is_in_it() {
        assert_eq!(kind_of(b"\x89PNG\r\n\x1a\nrest"), Some(ImageFormat::Png));
        assert_eq!(kind_of(b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg/>"), Some(ImageFormat::Svg));
        for other in [&b"GIF89a"[..], b"<!doctype html><p>", b"", b"svg", b"\xff\xfe<svg"] {
            assert_eq!(kind_of(other), None);
        }
    }
}
