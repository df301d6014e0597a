//! No example: how the others draw what they measured, as an SVG for a page and a PNG for everything else.
//!
//! One colour means one thing in all pictures, and both kinds are drawn by the same code. The letters come from a file
//! beside this one (Roboto, Apache-2.0, those of ASCII): a machine without fonts draws the same.

use std::error::Error;
use std::path::{Path, PathBuf};

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

pub const PAPER: RGBColor = RGBColor(255, 255, 255);
pub const INK: RGBColor = RGBColor(31, 35, 40);
pub const FAINT: RGBColor = RGBColor(208, 215, 222);
pub const MUTED: RGBColor = RGBColor(101, 109, 118);
/// What came out of the cache.
pub const CACHED: RGBColor = RGBColor(26, 127, 55);
/// What the database was asked for.
pub const LOADED: RGBColor = RGBColor(9, 105, 218);
/// What nobody wants to see.
pub const BAD: RGBColor = RGBColor(207, 34, 46);
/// Half of the way.
#[allow(dead_code, reason = "not every picture has a half of the way")]
pub const BETWEEN: RGBColor = RGBColor(188, 76, 0);

/// Where pictures go if nobody says otherwise.
pub fn directory() -> PathBuf {
    Path::new("target").join("pictures")
}

/// A drawing that does not care what it is drawn on.
pub trait Drawing {
    /// Width and height, in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it.
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), Box<dyn Error>>
    where
        B::ErrorType: 'static;
}

/// Writes `name.svg` and `name.png`; says where.
pub fn write(drawing: &impl Drawing, directory: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    register_font("sans-serif", FontStyle::Normal, include_bytes!("roboto.ttf")).map_err(|_| "not a font")?;
    std::fs::create_dir_all(directory)?;
    let (svg, png) = (directory.join(format!("{name}.svg")), directory.join(format!("{name}.png")));
    {
        let area = SVGBackend::new(&svg, drawing.size()).into_drawing_area();
        area.fill(&PAPER)?;
        drawing.draw(&area)?;
        area.present()?;
    }
    {
        let area = BitMapBackend::new(&png, drawing.size()).into_drawing_area();
        area.fill(&PAPER)?;
        drawing.draw(&area)?;
        area.present()?;
    }
    println!("drawn: {} and {}", svg.display(), png.display());
    Ok(())
}

/// Letters of a size and a colour.
pub fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    TextStyle { color: colour.to_backend_color(), ..("sans-serif", size).into_font().into() }
}

/// A title, what it shows below, and the rest of the paper.
pub fn titled<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    below: &str,
) -> Result<DrawingArea<B, Shift>, Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let (head, rest) = area.split_vertically(74);
    head.draw(&Text::new(title.to_owned(), (28, 18), text(24, INK)))?;
    head.draw(&Text::new(below.to_owned(), (28, 48), text(15, MUTED)))?;
    Ok(rest)
}
