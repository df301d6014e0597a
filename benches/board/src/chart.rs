//! Bars, as SVG: a line for each, with its figure, on a scale by hand or by powers of ten.

use std::fmt::Write;

pub struct Chart {
    /// Of the file, too.
    pub name: String,
    pub title: String,
    pub bars: Vec<(String, f64)>,
    /// Each step of the scale is ten times the one before.
    pub powers: bool,
}

const WIDTH: f64 = 760.0;
const NAMES: f64 = 250.0;
const FIGURES: f64 = 80.0;
const LINE: f64 = 24.0;

impl Chart {
    pub fn new(name: &str, title: &str, powers: bool) -> Self {
        Self { name: name.to_owned(), title: title.to_owned(), bars: Vec::new(), powers }
    }

    pub fn bar(&mut self, name: &str, figure: f64) {
        if figure.is_finite() {
            self.bars.push((name.to_owned(), figure));
        }
    }

    fn length(&self, figure: f64) -> f64 {
        let figures = || self.bars.iter().map(|(_, figure)| *figure);
        let most = figures().fold(f64::MIN_POSITIVE, f64::max);
        let share = if self.powers {
            let least = figures().filter(|figure| *figure > 0.0).fold(most, f64::min).log10().floor();
            (figure.max(f64::MIN_POSITIVE).log10() - least) / (most.log10() - least).max(f64::EPSILON)
        } else {
            figure / most
        };
        share.clamp(0.004, 1.0) * (WIDTH - NAMES - FIGURES)
    }

    pub fn svg(&self) -> String {
        let height = LINE * (self.bars.len() as f64 + 2.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        let scale = if self.powers { " (powers of ten)" } else { "" };
        let _ = writeln!(svg, "<text x=\"8\" y=\"17\" font-weight=\"bold\">{}{scale}</text>", escaped(&self.title));
        for (at, (name, figure)) in self.bars.iter().enumerate() {
            let y = LINE * (at as f64 + 1.3);
            let (length, ours) = (self.length(*figure), name.starts_with("cached-runtime"));
            let colour = if ours { "#1769aa" } else { "#9aa5b1" };
            let (y, text, right) = (format!("{y:.1}"), format!("{:.1}", y + 13.0), NAMES - 8.0);
            let _ = writeln!(svg, "<text x=\"{right}\" y=\"{text}\" text-anchor=\"end\">{}</text>", escaped(name));
            let _ =
                writeln!(svg, "<rect x=\"{NAMES}\" y=\"{y}\" width=\"{length:.1}\" height=\"17\" fill=\"{colour}\"/>");
            let shown = if *figure < 10.0 { crate::table::short(*figure) } else { format!("{figure:.0}") };
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{text}\">{shown}</text>", NAMES + length + 6.0);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
