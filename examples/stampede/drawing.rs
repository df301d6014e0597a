//! How many loads have begun by when, for each of the ways to ask.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::picture::{self, BAD, BETWEEN, CACHED, Drawing, FAINT, LOADED, MUTED, text};
use crate::scenario::Scenario;

/// One round of one scenario.
pub struct Curve {
    pub scenario: Scenario,
    /// When each load began, in milliseconds after the first call of all.
    pub loads: Vec<f64>,
}

pub struct Stampede {
    pub calls: usize,
    pub processes: u32,
    pub curves: Vec<Curve>,
}

impl Drawing for Stampede {
    fn size(&self) -> (u32, u32) {
        (960, 480)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), Box<dyn Error>>
    where
        B::ErrorType: 'static,
    {
        let below = format!("Loads begun, after {} calls of {} processes for one cold key", self.calls, self.processes);
        let area = picture::titled(area, "One load instead of a stampede", &below)?;
        let until = self.curves.iter().flat_map(|curve| &curve.loads).copied().fold(100.0, f64::max) * 1.05;
        let most = self.curves.iter().map(|curve| curve.loads.len()).max().unwrap_or(1).max(10);
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .margin_right(210)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..until, (0.8..count(most) * 2.0).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(FAINT.mix(0.0))
            .bold_line_style(FAINT.mix(0.7))
            .axis_style(FAINT)
            .label_style(text(14, MUTED))
            .axis_desc_style(text(14, MUTED))
            .x_desc("milliseconds after the first call")
            .y_desc("loads begun")
            .x_label_formatter(&|millis| format!("{millis:.0}"))
            .y_label_formatter(&|loads| format!("{loads:.0}"))
            .draw()?;
        // Curves that end at the same height have their names below each other.
        let mut taken: Vec<i32> = Vec::new();
        for curve in &self.curves {
            let colour = colour(curve.scenario);
            let mut points = Vec::new();
            let mut begun = curve.loads.clone();
            begun.sort_by(f64::total_cmp);
            for (before, at) in begun.iter().enumerate() {
                points.extend((before > 0).then(|| (*at, count(before))));
                points.push((*at, count(before + 1)));
            }
            points.push((until, count(begun.len())));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(3)))?;
            let (x, y) = chart.backend_coord(&(until, count(begun.len()).max(0.8)));
            let (left, top) = area.get_base_pixel();
            let mut y = y - top - 8;
            while taken.iter().any(|other| (other - y).abs() < 18) {
                y -= 18;
            }
            taken.push(y);
            let name = format!("{}: {}", curve.scenario.name(), begun.len());
            area.draw(&Text::new(name, (x - left + 8, y), text(15, colour)))?;
        }
        Ok(())
    }
}

fn colour(scenario: Scenario) -> RGBColor {
    match scenario {
        Scenario::Naive => BAD,
        Scenario::Plain => BETWEEN,
        Scenario::Joined => LOADED,
        Scenario::Mutex | Scenario::Absent => CACHED,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn count(loads: usize) -> f64 {
    loads as f64
}
