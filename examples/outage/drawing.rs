//! What each call took and where its answer came from, before, during and after an outage.

use std::error::Error;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::picture::{self, BAD, CACHED, Drawing, FAINT, LOADED, MUTED, text};
use crate::record::{Call, Moments};

/// One run.
pub struct Outage {
    /// "killed, 512 keys".
    pub name: String,
    pub calls: Vec<Call>,
    pub moments: Moments,
}

/// Several, below each other.
pub struct Outages(pub Vec<Outage>);

const PANEL: u32 = 250;
/// The answers of so long are one bar.
const BAR: f64 = 0.05;

impl Drawing for Outages {
    fn size(&self) -> (u32, u32) {
        let panels = u32::try_from(self.0.len()).unwrap_or(1);
        (960, 100 + PANEL * panels)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), Box<dyn Error>>
    where
        B::ErrorType: 'static,
    {
        let below = "What each call took, in milliseconds; below it, how many were answered by whom in 50 ms";
        let area = picture::titled(area, "Redis goes, and callers go on", below)?;
        let names = [("from the cache", CACHED.mix(1.0)), ("loaded", LOADED.mix(1.0)), ("Redis away", BAD.mix(0.15))];
        for ((name, colour), x) in names.into_iter().zip([620, 760, 850]) {
            area.draw(&Circle::new((x, 6), 5, colour.filled()))?;
            area.draw(&Text::new(name, (x + 9, -1), text(14, MUTED)))?;
        }
        let (_, area) = area.split_vertically(16);
        for (panel, outage) in area.split_evenly((self.0.len().max(1), 1)).iter().zip(&self.0) {
            outage.draw(panel)?;
        }
        Ok(())
    }
}

impl Outage {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), Box<dyn Error>>
    where
        B::ErrorType: 'static,
    {
        let until = self.moments.end.as_secs_f64();
        let away = self.moments.fault.as_secs_f64()..self.moments.back.as_secs_f64();
        let (above, below) = area.split_vertically(165);
        above.draw(&Text::new(format!("Redis is {}", self.name), (64, 4), text(16, MUTED)))?;
        let mut chart = ChartBuilder::on(&above)
            .margin_top(26)
            .margin_right(28)
            .x_label_area_size(6)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..until, (0.05..300.0).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(FAINT.mix(0.0))
            .bold_line_style(FAINT.mix(0.7))
            .axis_style(FAINT)
            .label_style(text(13, MUTED))
            .x_labels(0)
            .y_labels(5)
            .y_label_formatter(&|millis| if *millis < 1.0 { millis.to_string() } else { format!("{millis:.0}") })
            .draw()?;
        chart.draw_series([Rectangle::new([(away.start, 0.05), (away.end, 300.0)], BAD.mix(0.07).filled())])?;
        // Hits last: they are fewer where it matters.
        for loaded in [true, false] {
            let colour = if loaded { LOADED } else { CACHED };
            let calls = self.thinned().filter(|call| call.body.is_some() == loaded);
            let dots = calls.map(|call| {
                let at = (call.began + call.took).as_secs_f64();
                Circle::new((at, millis(call.took).max(0.05)), 1, colour.mix(0.5).filled())
            });
            chart.draw_series(dots)?;
        }
        let bars = self.bars(until);
        let most = bars.iter().map(|(cached, loaded)| cached + loaded).fold(1.0, f64::max);
        let mut chart = ChartBuilder::on(&below)
            .margin_right(28)
            .margin_bottom(8)
            .x_label_area_size(24)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..until, 0.0..most * 1.1)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(FAINT)
            .label_style(text(13, MUTED))
            .x_labels(12)
            .x_label_formatter(&|seconds| format!("{seconds:.1} s"))
            .y_labels(3)
            .y_label_formatter(&|calls| format!("{calls:.0}"))
            .draw()?;
        chart.draw_series([Rectangle::new([(away.start, 0.0), (away.end, most * 1.1)], BAD.mix(0.07).filled())])?;
        for (index, (cached, loaded)) in (0_u32..).zip(bars) {
            let (from, to) = (f64::from(index) * BAR, (f64::from(index) + 1.0) * BAR);
            let bar = |bottom, top, colour: RGBColor| Rectangle::new([(from, bottom), (to, top)], colour.filled());
            chart.draw_series([bar(0.0, cached, CACHED), bar(cached, cached + loaded, LOADED)])?;
        }
        Ok(())
    }

    /// As many as a picture can show, evenly; and all that are out of the ordinary.
    fn thinned(&self) -> impl Iterator<Item = &Call> {
        let each = self.calls.len() / 3_000 + 1;
        let odd = |call: &Call| call.took > Duration::from_millis(20);
        self.calls.iter().enumerate().filter(move |(index, call)| index % each == 0 || odd(call)).map(|(_, call)| call)
    }

    /// From the cache, and loaded, by the time of the answer.
    fn bars(&self, until: f64) -> Vec<(f64, f64)> {
        let mut bars = Vec::new();
        let mut from = 0.0;
        while from < until {
            let mut bar = (0.0, 0.0);
            for call in &self.calls {
                let at = (call.began + call.took).as_secs_f64();
                if (from..from + BAR).contains(&at) {
                    *if call.body.is_some() { &mut bar.1 } else { &mut bar.0 } += 1.0;
                }
            }
            bars.push(bar);
            from += BAR;
        }
        bars
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
