//! Medians and spreads.

/// What rounds showed.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn at(&self, share: f64) -> f64 {
        let mut all = self.0.clone();
        all.sort_unstable_by(f64::total_cmp);
        let at = ((all.len().max(1) - 1) as f64 * share).round() as usize;
        all.get(at).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub fn most(&self) -> f64 {
        self.at(1.0)
    }

    /// The median, and between what four of five rounds were.
    pub fn show(&self, digits: usize) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        format!("{:.digits$} [{:.digits$}..{:.digits$}]", self.median(), self.at(0.1), self.at(0.9))
    }

    /// Round by round, so that what the machine did to a round it did to both.
    pub fn ratio_to(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}
