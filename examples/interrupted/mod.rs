//! How an example ends before its time.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ends with `Ctrl-C` or `kill`: whoever selects on it drops its servers and processes on the way out.
pub async fn interrupted() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}
