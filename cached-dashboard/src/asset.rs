//! What the page is made of, as it is in `page/` and `vendor/`.

pub(crate) struct Asset {
    /// Where it is, below the place where the router is mounted.
    pub(crate) path: &'static str,
    /// Its content type.
    pub(crate) kind: &'static str,
    pub(crate) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

pub(crate) const ASSETS: &[Asset] = &[
    Asset { path: "/dashboard.js", kind: SCRIPT, text: include_str!("../page/dashboard.js") },
    Asset { path: "/history.js", kind: SCRIPT, text: include_str!("../page/history.js") },
    Asset { path: "/charts.js", kind: SCRIPT, text: include_str!("../page/charts.js") },
    Asset { path: "/tables.js", kind: SCRIPT, text: include_str!("../page/tables.js") },
    Asset { path: "/words.js", kind: SCRIPT, text: include_str!("../page/words.js") },
    Asset { path: "/dashboard.css", kind: STYLE, text: include_str!("../page/dashboard.css") },
    Asset { path: "/icon.svg", kind: "image/svg+xml", text: include_str!("../page/icon.svg") },
    Asset { path: "/uplot.js", kind: SCRIPT, text: include_str!("../vendor/uplot/uPlot.iife.min.js") },
    Asset { path: "/uplot.css", kind: STYLE, text: include_str!("../vendor/uplot/uPlot.min.css") },
];
