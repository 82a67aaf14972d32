//! Colors of charts.

use plotters::prelude::*;

/// A light or a dark color scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark on white.
    Light,
    /// Light on nearly black.
    Dark,
}

/// The colors of Okabe and Ito, which people with any color vision can distinguish; the last is for
/// all others together.
pub(super) const PARTS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(140, 140, 140),
];

/// The height of letters, in pixels.
pub(super) const TEXT: i32 = 24;

impl Theme {
    pub(super) fn ground(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(255, 255, 255),
            Self::Dark => RGBColor(13, 17, 23),
        }
    }

    pub(super) fn ink(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(31, 35, 40),
            Self::Dark => RGBColor(230, 237, 243),
        }
    }

    pub(super) fn grid(self) -> RGBColor {
        match self {
            Self::Light => RGBColor(225, 228, 232),
            Self::Dark => RGBColor(48, 54, 61),
        }
    }

    /// From nothing to the most.
    pub(super) fn heat(self, level: usize) -> RGBColor {
        let light = [
            (235, 237, 240),
            (198, 219, 239),
            (107, 174, 214),
            (33, 113, 181),
            (8, 48, 107),
        ];
        let dark = [
            (33, 38, 45),
            (8, 48, 107),
            (33, 113, 181),
            (107, 174, 214),
            (198, 219, 239),
        ];
        let (r, g, b) = if self == Self::Light {
            light[level]
        } else {
            dark[level]
        };
        RGBColor(r, g, b)
    }

    pub(super) fn text(self) -> TextStyle<'static> {
        ("sans-serif", TEXT).into_font().color(&self.ink())
    }
}
