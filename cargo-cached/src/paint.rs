//! Colours. Whether there are any is for `anstream` to know: not in a pipe, not with `NO_COLOR`.

use anstyle::{AnsiColor, Style};

pub const HEAD: Style = Style::new().bold().underline();
pub const KEY: Style = AnsiColor::Cyan.on_default();
pub const DIM: Style = Style::new().dimmed();
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
